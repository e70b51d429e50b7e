"""Activation, holds, postponement, closing: what is allowed when, and who may lift what."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from customers.holds import next_midnight
from customers.preparing import migrate
from shared.events import Wire
from tests.customers.conftest import Site
from tests.support.noon import NOON


def _when(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_a_renewal_adds_to_what_is_left(site: Site) -> None:
    """A29."""
    made = site.customer("rahim", package_id=site.package())
    place = f"/v1/customers/{made['id']}/activate"
    first: Any = site.admin.post(place).get_json()
    second: Any = site.admin.post(place).get_json()
    gained = _when(second["expires_at"]) - _when(first["expires_at"])
    assert gained == timedelta(days=30)
    site.change("UPDATE customer SET expires_at = now() - interval '5 days'")
    third: Any = site.admin.post(place).get_json()
    left = _when(third["expires_at"]) - datetime.now(UTC)
    assert timedelta(days=29, hours=23) < left <= timedelta(days=30)


def test_without_renewal_the_package_is_assigned_and_nothing_runs(site: Site) -> None:
    made = site.customer("rahim")
    body = {"package_id": site.package(), "renew": False}
    answer: Any = site.admin.post(f"/v1/customers/{made['id']}/activate", body).get_json()
    assert (answer["package_name"], answer["status"]) == ("Home 10", "inactive")
    assert site.events(made["id"])[-1].type == "customer.updated"


def test_who_is_blocked_closed_or_without_a_package_is_not_activated(site: Site) -> None:
    """C5, C4."""
    made = site.customer("rahim")
    place = f"/v1/customers/{made['id']}"
    assert site.admin.post(f"{place}/activate").status_code == 422
    wrong = site.admin.post(f"{place}/activate", {"package_id": made["id"]})
    assert wrong.status_code == 422
    site.admin.post(f"{place}/holds", {"kind": "fraud"})
    refused: Any = site.admin.post(f"{place}/activate", {"package_id": site.package()})
    (error,) = refused.get_json()["errors"]
    method, way = error["resolve"].split()
    assert (refused.status_code, method, error["code"]) == (409, "GET", "blocked")
    assert "fraud" in error["detail"] and "DELETE" in site.admin.get(way).text
    closed: Any = site.admin.post(f"{place}/close", {"reason": "bankrupt"}).get_json()
    assert closed["status"] == "closed"
    again = site.admin.post(f"{place}/close")
    assert again.status_code == 200 and again.get_json()["version"] == closed["version"]
    for url, body in (
        ("activate", {}), ("holds", {"kind": "vacation"}), ("accounts", {"name": "x"}),
        ("lift-suspension", {"until": (datetime.now(UTC) + timedelta(days=1)).isoformat()}),
    ):  # fmt: skip
        assert site.admin.post(f"{place}/{url}", body).status_code == 409, url
    assert site.admin.patch(place, {"name": "X"}).status_code == 409
    assert site.events(made["id"])[-1].data["customer"]["standing"] == "closed"
    gone = site.admin.post(f"{place}/delete", {"reason": "closed_account"})
    assert gone.status_code == 200


def test_a_hold_is_placed_once_and_lifted_once(site: Site) -> None:
    made = site.customer("rahim")
    place = f"/v1/customers/{made['id']}/holds"
    first: Any = site.admin.post(place, {"kind": "admin", "reason": "court"})
    assert first.status_code == 201 and first.get_json()["status"] == "blocked"
    assert site.admin.post(place, {"kind": "admin"}).status_code == 200
    (hold,) = first.get_json()["holds"]
    lifted: Any = site.admin.delete(f"{place}/{hold['id']}")
    assert lifted.status_code == 200 and lifted.get_json()["status"] == "inactive"
    assert site.admin.delete(f"{place}/{hold['id']}").status_code == 200
    assert site.admin.delete(f"{place}/{made['id']}").status_code == 404
    assert (
        site.admin.post(place, {"kind": "vacation", "until": "2020-01-01T00:00:00Z"}).status_code
        == 422
    )


def test_what_follows_from_the_account_is_neither_set_nor_lifted_by_hand(site: Site) -> None:
    """C12: the answer names what lifts it."""
    made = site.customer("rahim")
    place = f"/v1/customers/{made['id']}/holds"
    for kind in ("overdue", "credit", "funds", "terminated"):
        assert site.admin.post(place, {"kind": kind}).status_code == 409, kind
    spending: Any = site.admin.post(place, {"kind": "spending"}).get_json()
    (hold,) = spending["holds"]
    assert spending["status"] == "inactive"
    local = _when(hold["until"]).astimezone(UTC) + timedelta(hours=6)
    assert (local.hour, local.minute, local.second) == (0, 0, 0)  # Asia/Dhaka: UTC+6
    refused: Any = site.admin.delete(f"{place}/{hold['id']}")
    assert refused.status_code == 409 and "00:00:00" in refused.get_json()["detail"]


def test_only_the_owner_or_somebody_above_lifts_a_hold(site: Site) -> None:
    """C5: the administrator's block is the administrator's to remove."""
    north = site.operator("north")
    made = site.customer("rahim", north)
    place = f"/v1/customers/{made['id']}/holds"
    (hold,) = site.admin.post(place, {"kind": "admin"}).get_json()["holds"]
    assert north.delete(f"{place}/{hold['id']}").status_code == 403
    north.post(place, {"kind": "vacation"})
    holds = north.get(f"/v1/customers/{made['id']}").get_json()["holds"]
    (own,) = [one for one in holds if one["kind"] == "vacation"]
    assert site.admin.delete(f"{place}/{own['id']}").status_code == 200


def test_a_suspension_is_postponed_at_most_as_long_as_the_setting_says(site: Site) -> None:
    """C13, C14, decision 1.6.11."""
    made = site.customer("rahim")
    place = f"/v1/customers/{made['id']}/lift-suspension"
    late = (datetime.now(UTC) + timedelta(days=8)).isoformat()
    soon = (datetime.now(UTC) + timedelta(days=6)).isoformat()
    assert site.admin.post(place, {"until": late}).status_code == 422
    assert site.admin.post(place, {"until": "2020-01-01T00:00:00Z"}).status_code == 422
    lifted: Any = site.admin.post(place, {"until": soon, "reason": "pays on Monday"})
    assert lifted.status_code == 200, lifted.text
    assert _when(lifted.get_json()["lift_suspension_until"]) == _when(soon)
    logged: Any = site.admin.get("/v1/operations?action=customer.suspension_lifted").get_json()
    assert logged["items"][0]["reason"] == "pays on Monday"


def _a_quarter_passes(site: Site) -> None:
    with site.database.engine.begin() as connection:
        connection.execute(text("RESET ROLE"))
        connection.execute(text("ALTER TABLE operation DISABLE TRIGGER USER"))
        connection.execute(text("UPDATE operation SET at = at - interval '91 days'"))


def test_a_suspension_is_postponed_three_times_a_quarter_unless_a_payment_ended_it(
    site: Site, account: Callable[..., Wire]
) -> None:
    """Decision 1.6.11: capped, as the promises of payments are; the setting says how many."""
    made = site.customer("rahim", package_id=site.package())
    place = f"/v1/customers/{made['id']}/lift-suspension"
    site.hear(account(made["id"], 1, overdue=True, outstanding="500.00"))

    def lift(days: int) -> Any:
        until = datetime.now(UTC) + timedelta(days=days)
        return site.admin.post(place, {"until": until.isoformat()})

    for days in (2, 3, 4):
        assert lift(days).status_code == 200
    refused = lift(5)
    assert refused.status_code == 409, refused.text
    assert refused.get_json()["type"].endswith("/too-many-postponements")
    assert lift(3).status_code == 200, "sooner is no further promise"
    site.change("UPDATE customer SET lift_suspension_until = now() + interval '1 hour'")
    assert lift(1).status_code == 409

    site.hear(account(made["id"], 2, type="account.settled"))
    site.hear(account(made["id"], 3, overdue=True, outstanding="500.00"))
    site.admin.patch("/v1/settings", {"lift_suspensions_a_quarter": 4})
    assert lift(2).status_code == 200, "the one that a payment ended does not count"
    assert lift(3).status_code == 409
    site.change("UPDATE customer SET lift_suspension_until = NULL")
    _a_quarter_passes(site)
    assert lift(3).status_code == 200


def test_while_an_export_runs_nobody_is_closed_postponed_or_given_accounts(site: Site) -> None:
    """C33-C36, statuses 14: and an exported customer stays exported (C32)."""
    made = site.customer("rahim", package_id=site.package())
    place = f"/v1/customers/{made['id']}"
    site.admin.post(f"{place}/activate")
    line: Any = site.admin.post(f"{place}/accounts", {"name": "office"}).get_json()
    hold: Any = site.admin.post(f"{place}/holds", {"kind": "export"}).get_json()["holds"][0]
    soon = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    tries: list[Callable[[], Any]] = [
        lambda: site.admin.post(f"{place}/close"),
        lambda: site.admin.post(f"{place}/lift-suspension", {"until": soon}),
        lambda: site.admin.post(f"{place}/accounts", {"name": "shop"}),
        lambda: site.admin.delete(f"{place}/accounts/{line['id']}"),
    ]
    for attempt in tries:
        refused = attempt()
        assert refused.status_code == 409, refused.text
        assert refused.get_json()["type"].endswith("/export-in-progress")
    assert site.admin.get(place).get_json()["status"] == "export_in_progress"
    site.admin.delete(f"{place}/holds/{hold['id']}")
    assert [attempt().status_code for attempt in tries[1:]] == [200, 201, 200]

    site.admin.post(f"{place}/holds", {"kind": "export"})
    site.admin.post(f"{place}/finish-export")
    closed = site.admin.post(f"{place}/close")
    assert closed.status_code == 409 and closed.get_json()["type"].endswith("/exported")
    assert site.admin.get(place).get_json()["status"] == "exported"


def test_while_an_export_runs_only_contact_credit_and_payment_are_edited(site: Site) -> None:
    """C33-C36, C38."""
    made = site.customer("rahim", package_id=site.package())
    place = f"/v1/customers/{made['id']}"
    site.admin.post(f"{place}/activate")
    held: Any = site.admin.post(f"{place}/holds", {"kind": "export"}).get_json()
    assert held["status"] == "export_in_progress"
    assert site.admin.patch(place, {"phone": "01711123456"}).status_code == 200
    assert site.admin.patch(place, {"username": "other"}).status_code == 409
    assert site.admin.post(f"{place}/activate").status_code == 409
    site.admin.delete(f"{place}/holds/{held['holds'][0]['id']}")
    assert site.admin.get(place).get_json()["status"] == "active"


def test_the_status_history_has_a_line_for_each_change_only(site: Site) -> None:
    made = site.customer("rahim", package_id=site.package())
    place = f"/v1/customers/{made['id']}"
    site.admin.post(f"{place}/activate")
    site.admin.patch(place, {"name": "Other"})
    site.admin.post(f"{place}/holds", {"kind": "admin"})
    lines = site.admin.get(f"{place}/status-history").get_json()["items"]
    assert [line["status"] for line in lines] == ["blocked", "active", "inactive"]
    assert lines[0]["reason"] == "admin" and lines[0]["actor"] == "admin"


def test_why_offline_names_every_reason_the_strongest_first(site: Site) -> None:
    north = site.operator("north")
    made = site.customer("rahim", north)
    place = f"/v1/customers/{made['id']}"
    north.post(f"{place}/holds", {"kind": "vacation"})
    north.post(f"{place}/holds", {"kind": "fraud"})
    site.admin.post(f"/v1/operators/{north.id}/holds", {"kind": "reseller"})
    told: Any = north.get(f"{place}/why-offline").get_json()
    names = [one["status"] for one in told["reasons"]]
    assert names == ["blocked", "inactive", "reseller_suspended", "vacation"]
    assert told["online_possible"] is False and told["network"]["service"] == "radius-sync"
    well = site.customer("karim", north, package_id=site.package())
    north.post(f"/v1/customers/{well['id']}/activate")
    site.admin.delete(f"/v1/operators/{north.id}/holds/reseller")
    healthy: Any = north.get(f"/v1/customers/{well['id']}/why-offline").get_json()
    assert healthy["reasons"] == [] and healthy["online_possible"] is True


def test_an_export_ends_as_exported_or_goes_back_to_the_former_status(site: Site) -> None:
    """C32, C33, C38: finished, the customer lives elsewhere; given up, the former status returns."""
    package = site.package()
    gone, stayed, idle = (site.customer(name, package_id=package) for name in ("a-1", "b-1", "c-1"))
    for one in (gone, stayed, idle):
        site.admin.post(f"/v1/customers/{one['id']}/activate")
    for one in (gone, stayed):
        held = site.admin.post(f"/v1/customers/{one['id']}/holds", {"kind": "export"}).get_json()
        assert held["status"] == "export_in_progress"
    place = f"/v1/customers/{gone['id']}"
    done = site.admin.post(f"{place}/finish-export", {"reason": "lives in the new system"})
    assert done.status_code == 200, done.text
    assert (done.get_json()["status"], done.get_json()["holds"]) == ("exported", [])
    again = site.admin.post(f"{place}/finish-export")
    assert again.get_json()["version"] == done.get_json()["version"]
    assert site.events(gone["id"])[-1].data["customer"]["standing"] == "exported"
    assert site.admin.post(f"{place}/activate").status_code == 409
    assert site.admin.patch(place, {"phone": None}).status_code == 409
    assert site.admin.post(f"{place}/delete", {"reason": "migrated_away"}).status_code == 200

    (hold,) = site.admin.get(f"/v1/customers/{stayed['id']}").get_json()["holds"]
    back = site.admin.delete(f"/v1/customers/{stayed['id']}/holds/{hold['id']}")
    assert back.get_json()["status"] == "active"
    refused = site.admin.post(f"/v1/customers/{idle['id']}/finish-export")
    assert refused.status_code == 409 and refused.get_json()["type"].endswith("/no-export")


@pytest.mark.parametrize("url", ["/v1/customers/{id}/holds", "/v1/customers/holds"])
def test_a_reached_spending_limit_ends_at_the_next_midnight_at_the_latest(
    site: Site, url: str
) -> None:
    """C31."""
    made = site.customer("rahim")
    chosen = {} if "{id}" in url else {"ids": [made["id"]]}
    migrate(replace(site.settings, time_zone=NOON.key))
    midnight = next_midnight(NOON.key)
    body = {"kind": "spending", "until": (midnight + timedelta(seconds=1)).isoformat(), **chosen}
    late = site.admin.bulk(url.format(id=made["id"]), body)
    assert late.status_code == 422
    (error,) = late.get_json()["errors"]
    assert error["pointer"] == "/until" and midnight.isoformat() in error["detail"]


def test_fair_use_is_lifted_by_the_branch_that_set_it(site: Site) -> None:
    """C16: who measures the use tells of the new period."""
    north = site.operator("north")
    made = site.customer("rahim", north)
    place = f"/v1/customers/{made['id']}/holds"
    held: Any = site.admin.post(place, {"kind": "fair_use"}).get_json()
    (hold,) = held["holds"]
    assert hold["until"] is None
    assert north.delete(f"{place}/{hold['id']}").status_code == 403
    assert site.admin.delete(f"{place}/{hold['id']}").status_code == 200
    assert site.admin.get(f"/v1/customers/{made['id']}").get_json()["holds"] == []
