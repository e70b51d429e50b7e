"""Fair use throttles until the new period, which begins where the old one ends (statuses, row 7)."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from customers import lapsing
from tests.customers.conftest import Site


def _throttled(site: Site, username: str = "rahim", **more: Any) -> str:
    """An active postpaid customer, held in the middle of the period."""
    made = site.customer(username, package_id=site.package(f"for {username}"),
                         balance_control="postpaid")  # fmt: skip
    site.admin.post(f"/v1/customers/{made['id']}/activate")
    held = site.admin.post(f"/v1/customers/{made['id']}/holds", {"kind": "fair_use"} | more)
    assert held.status_code == 201, held.text
    return str(made["id"])


def _shown(site: Site, customer: str) -> dict[str, Any]:
    return dict(site.admin.get(f"/v1/customers/{customer}").get_json())


def _time_passes(site: Site, days: int) -> None:
    """Everything that has a date comes nearer by so much."""
    back = f"interval '{days} days'"
    site.change(f"UPDATE customer SET expires_at = expires_at - {back}")
    site.change(f"UPDATE hold SET until = until - {back} WHERE until IS NOT NULL")


def test_the_clock_gives_the_full_rate_back_when_the_period_ends(site: Site) -> None:
    """C16: not when the next one is booked, an hour before it begins."""
    one = _throttled(site)
    assert _shown(site, one)["status"] == "service_limited"
    site.change(
        "UPDATE customer SET expires_at = expires_at - interval '30 days' + interval '1 min'"
    )
    site.change("UPDATE hold SET until = until - interval '30 days' + interval '1 min'")

    assert lapsing.sweep(site.database)["renewals"] == 1
    assert _shown(site, one)["status"] == "service_limited"

    site.change("UPDATE hold SET until = until - interval '1 min'")
    assert lapsing.sweep(site.database)["holds"] == 1
    assert (_shown(site, one)["status"], _shown(site, one)["holds"]) == ("active", [])
    assert site.events(one)[-1].data["customer"]["holds"] == []


def test_an_activation_in_the_middle_leaves_the_running_period_throttled(site: Site) -> None:
    one = _throttled(site)
    end = _shown(site, one)["expires_at"]
    later: Any = site.admin.post(f"/v1/customers/{one}/activate").get_json()
    assert later["status"] == "service_limited"
    assert later["expires_at"] > end
    assert later["holds"][0]["until"] == end


def test_a_period_that_begins_at_once_begins_with_the_full_rate(site: Site) -> None:
    """C16: the clock was away while the old one ended."""
    one = _throttled(site)
    _time_passes(site, 31)

    back: Any = site.admin.post(f"/v1/customers/{one}/activate").get_json()

    assert (back["status"], back["holds"]) == ("active", [])
    assert site.one("SELECT lifted_by FROM hold").lifted_by == "admin"
    assert lapsing.sweep(site.database)["holds"] == 0


def test_a_renewal_that_comes_late_lifts_it_too(site: Site) -> None:
    one = _throttled(site)
    _time_passes(site, 31)
    done = lapsing.sweep(site.database)
    assert (done["renewals"], done["holds"]) == (1, 0)
    assert (_shown(site, one)["status"], _shown(site, one)["holds"]) == ("active", [])


def test_who_measures_the_use_may_name_another_end(site: Site) -> None:
    until = (datetime.now(UTC) + timedelta(days=2)).isoformat()
    one = _throttled(site, until=until)
    kept = site.one("SELECT until FROM hold").until
    assert kept == datetime.fromisoformat(until)
    assert _shown(site, one)["holds"][0]["kind"] == "fair_use"


def test_before_the_first_period_it_stands_until_that_begins(site: Site) -> None:
    made = site.customer("rahim", package_id=site.package())
    site.admin.post(f"/v1/customers/{made['id']}/holds", {"kind": "fair_use"})
    assert site.one("SELECT until FROM hold").until is None
    begun: Any = site.admin.post(f"/v1/customers/{made['id']}/activate").get_json()
    assert (begun["status"], begun["holds"]) == ("active", [])


@pytest.mark.parametrize("kind", ["admin", "vacation"])
def test_no_other_hold_ends_with_the_period(site: Site, kind: str) -> None:
    one = _throttled(site)
    site.admin.post(f"/v1/customers/{one}/holds", {"kind": kind})
    assert site.one(f"SELECT until FROM hold WHERE kind = '{kind}'").until is None


def test_many_held_at_once_are_held_to_their_own_ends(site: Site) -> None:
    ids = []
    for number in (1, 2):
        made = site.customer(f"one{number}", package_id=site.package(f"p{number}"))
        site.admin.post(f"/v1/customers/{made['id']}/activate")
        ids.append(made["id"])
    site.change(
        f"UPDATE customer SET expires_at = expires_at + interval '9 days' WHERE id = '{ids[0]}'"
    )
    asked = site.admin.bulk("/v1/customers/holds", {"ids": ids, "kind": "fair_use"})
    assert asked.status_code == 202, asked.text
    site.run_jobs()
    kept = site.rows(
        "SELECT h.until, c.expires_at FROM hold h JOIN customer c ON c.id = customer_id"
    )
    assert len({row.until for row in kept}) == 2
    assert all(row.until == row.expires_at for row in kept)
