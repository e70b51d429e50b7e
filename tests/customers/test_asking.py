"""The books' reasons and the network's in one call, whether radius-sync answers or is away."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from tests.customers.conftest import Caller, Site
from tests.support.gateways.server import FakeGateway, Request, Response
from tests.support.waiting import PATIENCE

WRONG = {
    "code": "wrong_password", "detail": "Refused 2 times: the password was wrong.",
    "what_to_do": "Set a new one.", "at": "2026-11-22T07:00:00+00:00",
}  # fmt: skip
PATH = "/v1/subscribers/rahim%40isp/why-offline"


@dataclass
class Network(FakeGateway):
    """radius-sync's route: what it says, by status."""

    status: int = 200
    told: dict[str, Any] = field(default_factory=dict)

    def answer(self, request: Request) -> Response:
        return Response(self.told, self.status)


@pytest.fixture
def network(site: Site, monkeypatch: pytest.MonkeyPatch) -> Iterator[Network]:
    # It answers at once, but for a machine that stalls; who is away refuses the connection.
    monkeypatch.setattr("customers.asking.TIMEOUT_SECONDS", PATIENCE)
    made = Network()
    urls = {**site.settings.urls, "radius-sync": made.url}
    site.app.extensions["tenure.settings"] = replace(site.settings, urls=urls)
    yield made
    made.stop()


def _customer(site: Site) -> dict[str, Any]:
    made = site.customer("rahim@isp", package_id=site.package())
    site.admin.post(f"/v1/customers/{made['id']}/activate")
    return made


def _why(caller: Caller, made: dict[str, Any]) -> Any:
    answer = caller.get(f"/v1/customers/{made['id']}/why-offline")
    assert answer.status_code == 200, answer.text
    return answer.get_json()


def test_the_networks_reasons_follow_the_books(site: Site, network: Network) -> None:
    made = _customer(site)
    network.told = {"customer_id": made["id"], "online": False, "reasons": [WRONG]}
    site.admin.post(f"/v1/customers/{made['id']}/holds", {"kind": "vacation"})
    told = _why(site.admin, made)
    books, seen = told["reasons"]
    assert (books["source"], books["code"], books["status"]) == ("books", "vacation", "vacation")
    assert books["what_to_do"] and seen == {
        "source": "network", "status": None, "reason": None, **WRONG,
    }  # fmt: skip
    assert told["online_possible"] is False
    assert (told["network"]["asked"], told["network"]["online"]) == (True, False)
    assert told["network"]["subscriber"] == "/v1/subscribers/rahim@isp"


def test_the_network_is_asked_in_the_name_of_the_caller(site: Site, network: Network) -> None:
    made = _customer(site)
    network.told = {"customer_id": made["id"], "online": True, "reasons": []}
    told = _why(site.admin, made)
    (asked,) = network.asked
    assert asked.path == PATH
    assert asked.headers["authorization"] == f"Bearer {site.admin.token}"
    assert asked.headers["tenure-client-address"]
    assert told["network"]["online"] is True and told["reasons"] == []


def test_the_books_stand_alone_while_radius_sync_is_away(site: Site, network: Network) -> None:
    made = _customer(site)
    site.admin.post(f"/v1/customers/{made['id']}/holds", {"kind": "vacation"})
    network.status = 503
    broken = _why(site.admin, made)
    network.stop()
    away = _why(site.admin, made)
    for told in (broken, away):
        assert [one["code"] for one in told["reasons"]] == ["vacation"]
        state = told["network"]
        assert (state["asked"], state["online"]) == (False, None)
        assert "does not answer" in state["detail"] and state["what_to_do"]


def test_who_may_not_see_the_network_is_told_so(site: Site, network: Network) -> None:
    made = _customer(site)
    network.status = 403
    state = _why(site.admin, made)["network"]
    assert state["asked"] is False and "subscribers.read" in state["what_to_do"]


def test_reasons_of_a_login_that_another_customer_has_now_are_not_told(
    site: Site, network: Network
) -> None:
    """F32."""
    made = _customer(site)
    other = "00000000-0000-7000-8000-00000000000f"
    network.told = {"customer_id": other, "online": True, "reasons": [WRONG]}
    told = _why(site.admin, made)
    assert [one["code"] for one in told["reasons"]] == ["login_unknown"]
    assert told["network"]["online"] is False
    network.status = 404
    assert [one["code"] for one in _why(site.admin, made)["reasons"]] == ["login_unknown"]


def test_another_branch_is_refused_before_the_network_is_asked(
    site: Site, network: Network
) -> None:
    made = _customer(site)
    south = site.operator("south")
    assert south.get(f"/v1/customers/{made['id']}/why-offline").status_code == 404
    assert network.asked == []
