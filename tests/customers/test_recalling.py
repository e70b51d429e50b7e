"""The state as of any past time: what the log tells since then, taken back."""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from tests.customers.conftest import Caller, Site


def _now() -> str:
    return datetime.now(UTC).isoformat()


def _as_of(caller: Caller, customer: str, at: str) -> Any:
    return caller.get(f"/v1/customers/{customer}/as-of?at={quote(at)}")


def test_a_customer_is_shown_as_of_every_moment_of_a_whole_life(site: Site) -> None:
    made = site.customer("rahim", email="one@example.org", package_id=site.package("Home 10"))
    one, place = made["id"], f"/v1/customers/{made['id']}"
    new = _now()
    site.admin.post(f"{place}/activate")
    active = _now()
    site.admin.patch(place, {"username": "karim", "email": "two@example.org"})
    site.admin.post(f"{place}/activate", {"package_id": site.package("Home 50")})
    held = site.admin.post(f"{place}/holds", {"kind": "admin", "reason": "abuse"}).get_json()
    blocked = _now()
    (hold,) = held["holds"]
    site.admin.delete(f"{place}/holds/{hold['id']}")
    line = site.admin.post(f"{place}/accounts", {"name": "office"}).get_json()
    site.admin.delete(f"{place}/accounts/{line['id']}")
    site.admin.post(f"{place}/delete", {"reason": "closed_account"})
    deleted = _now()
    site.customer("karim")
    gone = f"/v1/deleted-customers/{one}"
    site.admin.patch(gone, {"email": "three@example.org"})
    assert site.admin.post(f"{gone}/restore", {"username": "rahim-2"}).status_code == 200

    def then(at: str) -> tuple[Any, ...]:
        found = _as_of(site.admin, one, at).get_json()
        profile, kinds = found["profile"], [hold["kind"] for hold in found["holds"]]
        assert profile["name"] == "Rahim"
        shown = (profile["username"], profile["email"], profile["package"])
        return found["status"], found["deleted"], kinds, *shown

    assert then(new) == ("inactive", False, [], "rahim", "one@example.org", "Home 10")
    assert then(active) == ("active", False, [], "rahim", "one@example.org", "Home 10")
    assert then(blocked) == ("blocked", False, ["admin"], "karim", "two@example.org", "Home 50")
    assert then(deleted)[1:] == (True, [], "karim", "two@example.org", "Home 50")
    assert then(_now()) == ("inactive", False, [], "rahim-2", "three@example.org", "Home 50")


def test_the_end_of_a_period_is_that_of_then(site: Site) -> None:
    made = site.customer("rahim", package_id=site.package())
    first = site.admin.post(f"/v1/customers/{made['id']}/activate").get_json()["expires_at"]
    at = _now()
    site.admin.post(f"/v1/customers/{made['id']}/activate")
    found = _as_of(site.admin, made["id"], at).get_json()
    assert datetime.fromisoformat(found["profile"]["expires_at"]) == datetime.fromisoformat(first)


def test_what_was_logged_below_another_operator_is_part_of_it(site: Site) -> None:
    north, south = site.operator("north"), site.operator("south")
    made = site.customer("rahim", north)
    at = _now()
    site.admin.patch(f"/v1/customers/{made['id']}", {"name": "Rahim of North"})
    site.admin.patch(f"/v1/customers/{made['id']}", {"operator_id": str(south.id)})
    assert _as_of(south, made["id"], at).get_json()["profile"]["name"] == "Rahim"
    assert _as_of(north, made["id"], at).status_code == 404


def test_there_is_no_state_of_the_future_or_of_before(site: Site) -> None:
    made = site.customer("rahim")
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    refused = _as_of(site.admin, made["id"], later)
    assert (refused.status_code, refused.get_json()["errors"][0]["parameter"]) == (422, "at")
    assert _as_of(site.admin, made["id"], "2001-01-01T00:00:00Z").status_code == 404
    assert site.admin.get(f"/v1/customers/{made['id']}/as-of").get_json()["status"] == "inactive"
