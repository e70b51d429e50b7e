"""One call says why a customer is offline: the books, FreeRADIUS' answers and the NAS together."""

from __future__ import annotations

from tests.flows.front_end import CUSTOMERS, RADIUS, Json
from tests.flows.site import Site
from tests.flows.test_main_path import PASSWORD, SOON, activated
from tests.support.waiting import until


def test_a_wrong_password_is_told_and_who_is_online_has_no_reasons(site: Site) -> None:
    made = activated(site, "jahid")
    site.until_rejected("jahid", "not-the-password")
    until(
        lambda: "wrong_password" in _codes(site, made), SOON, "the wrong password is not told"
    )  # fmt: skip

    session = site.nas.dial("jahid", PASSWORD)
    assert session is not None
    until(lambda: _why(site, made)["network"]["online"], SOON, "the session is not seen")
    until(lambda: _codes(site, made) == [], SOON, "who is online has reasons")

    session_id = _session(site)
    site.admin.call(RADIUS, "POST", f"/v1/sessions/{session_id}/disconnect", {"reason": "operator"})
    until(lambda: "disconnected" in _codes(site, made), SOON, "the disconnect is not told")


def _why(site: Site, made: Json) -> Json:
    told: Json = site.admin.get(CUSTOMERS, f"/v1/customers/{made['id']}/why-offline")
    assert told["network"]["asked"] is True and told["online_possible"] is True
    return told


def _codes(site: Site, made: Json) -> list[str]:
    return [one["code"] for one in _why(site, made)["reasons"]]


def _session(site: Site) -> int:
    (one,) = site.admin.get(RADIUS, "/v1/sessions?username=jahid&open=true")["items"]
    return int(one["id"])
