"""Another period follows by itself, once, where charges go on and somebody pays (C11, E25)."""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from customers import lapsing
from shared.events import PackageCharged, Wire, payload
from tests.customers.conftest import Site


def _ending(site: Site, username: str = "rahim", **more: Any) -> str:
    """An active postpaid customer in the last hour of the period."""
    made = site.customer(username, package_id=site.package(f"for {username}"),
                         balance_control="postpaid", **more)  # fmt: skip
    site.admin.post(f"/v1/customers/{made['id']}/activate")
    site.change(
        "UPDATE customer SET expires_at = now() + interval '50 minutes' WHERE id = :id",
        id=made["id"],
    )
    return str(made["id"])


def _end(site: Site, customer: str) -> datetime:
    found: datetime = site.one(
        f"SELECT expires_at FROM customer WHERE id = '{customer}'"
    ).expires_at
    return found


def test_a_postpaid_service_goes_on_without_a_gap_and_once(site: Site) -> None:
    one = _ending(site)
    before = _end(site, one)

    assert lapsing.sweep(site.database)["renewals"] == 1
    assert lapsing.sweep(site.database)["renewals"] == 0

    assert _end(site, one) == before + timedelta(days=30)
    event = site.events(one)[-1]
    assert event.type == "customer.activated", "payments bills the period when it hears this"
    assert datetime.fromisoformat(event.data["customer"]["expires_at"]) == _end(site, one)
    logged = site.one("SELECT action, actor FROM operation ORDER BY at DESC LIMIT 1")
    assert (logged.action, logged.actor) == ("customer.renewed", "system")


@pytest.mark.parametrize("funds", ["499.99", "500.00"])
def test_a_prepaid_service_goes_on_when_its_funds_cover_the_price(site: Site, funds: str) -> None:
    one = _ending(site)
    site.change(f"UPDATE customer SET balance_control = 'prepaid', available_funds = {funds}")

    assert lapsing.sweep(site.database)["renewals"] == (funds == "500.00")

    site.change("UPDATE customer SET expires_at = now() - interval '1 second' WHERE expires_at <"
                " now() + interval '1 hour'")  # fmt: skip
    lapsing.sweep(site.database)
    shown = site.admin.get(f"/v1/customers/{one}").get_json()["status"]
    assert shown == ("active" if funds == "500.00" else "inactive")


def test_a_period_that_is_paid_already_follows_whatever_the_funds_are(
    site: Site, account: Callable[..., Wire]
) -> None:
    """E25: its proforma was billed early and paid, so the money is not among the funds any more."""
    one = _ending(site, static_address="10.0.0.7")
    site.change("UPDATE customer SET balance_control = 'prepaid'")
    before = _end(site, one)
    others = [(before + timedelta(days=days)).isoformat() for days in (-30, 30)]

    site.hear(account(one, 1, available_funds="0.00", paid_periods=others))
    assert lapsing.sweep(site.database)["renewals"] == 0, "other periods were paid"
    site.hear(account(one, 3, available_funds="0.00", paid_periods=[*others, before.isoformat()]))
    site.hear(account(one, 2, available_funds="0.00"))
    assert lapsing.sweep(site.database)["renewals"] == 1
    assert lapsing.sweep(site.database)["renewals"] == 0

    assert _end(site, one) == before + timedelta(days=30)


def test_a_period_that_is_paid_while_an_export_runs_begins_where_it_was_billed(
    site: Site, account: Callable[..., Wire]
) -> None:
    """C37, E25: the export has made the last period last on, and its end is no start of a bill."""
    one = _ending(site)
    site.change("UPDATE customer SET balance_control = 'prepaid'")
    billed = _end(site, one)
    hold = site.admin.post(f"/v1/customers/{one}/holds", {"kind": "export"}).get_json()["id"]
    assert lapsing.sweep(site.database)["exports"] == 1
    site.change("UPDATE customer SET expires_at = expires_at - interval '1 day'")
    assert lapsing.sweep(site.database)["exports"] == 1, "a second day of export"
    assert _end(site, one) > billed

    site.hear(account(one, 1, available_funds="0.00", paid_periods=[billed.isoformat()]))
    site.admin.delete(f"/v1/customers/{one}/holds/{hold}")
    site.change("UPDATE customer SET expires_at = now() + interval '50 minutes'")
    assert lapsing.sweep(site.database)["renewals"] == 1

    assert _end(site, one) == billed + timedelta(days=30), "payments finds the bill by this start"
    assert site.one("SELECT waits_from FROM customer").waits_from is None


@pytest.mark.parametrize(("funds", "renewals"), [("500.00", 1), ("0.00", 0)])
def test_a_period_whose_bill_is_void_or_unpaid_again_follows_from_the_funds_alone(
    site: Site, account: Callable[..., Wire], funds: str, renewals: int
) -> None:
    """E25: payments bills the period anew when it hears of the renewal."""
    one = _ending(site)
    site.change("UPDATE customer SET balance_control = 'prepaid'")
    before = _end(site, one)

    site.hear(account(one, 1, available_funds="0.00", paid_periods=[before.isoformat()]))
    site.hear(account(one, 2, available_funds=funds, paid_periods=[]))

    assert lapsing.sweep(site.database)["renewals"] == renewals
    assert _end(site, one) == before + timedelta(days=30 * renewals)


@pytest.mark.parametrize(
    ("change", "renewals"),
    [
        ("UPDATE customer_class SET renews = false", 1),
        ("UPDATE package SET retired = true", 1),
        ("UPDATE customer SET holds = ARRAY['funds']", 1),
        ("UPDATE customer SET holds = ARRAY['export']", 1),
        ("UPDATE customer SET holds = ARRAY['vacation']", 0),
        ("UPDATE customer SET holds = ARRAY['terminated']", 0),
        ("UPDATE customer SET closed_at = now()", 0),
        ("UPDATE customer SET activated_at = NULL", 0),
    ],
)
def test_what_is_paid_is_served_where_nothing_else_would_follow(
    site: Site, change: str, renewals: int
) -> None:
    _ending(site)
    site.change("UPDATE customer SET balance_control = 'prepaid', paid_periods = ARRAY[expires_at]")
    site.change(change)

    assert lapsing.sweep(site.database)["renewals"] == renewals


def _charged(site: Site, sequence: int, price: str, total: str) -> Wire:
    """`package.charged` of payments on the wire, of the only package."""
    package = site.one("SELECT id FROM package").id
    event = PackageCharged(subject=package, sequence=sequence, operator_path="",
                           price=Decimal(price), total=Decimal(total), currency="BDT")  # fmt: skip
    return {
        "id": f"01a20000-0000-7000-8000-{sequence:012d}", "type": event.type, "subject": str(package),
        "sequence": sequence, "operatorpath": "", "data": payload(event),
    }  # fmt: skip


@pytest.mark.parametrize("funds", ["574.99", "575.00"])
def test_prepaid_funds_have_to_cover_the_tax_on_top_too(site: Site, funds: str) -> None:
    """E25: else the bill of the next period would leave the rest unpaid."""
    one = _ending(site)
    site.change(f"UPDATE customer SET balance_control = 'prepaid', available_funds = {funds}")
    site.hear(_charged(site, 2, "500.00", "575.00"), _charged(site, 1, "500.00", "550.00"))
    site.hear(_charged(site, 1, "500.00", "550.00"))
    before = _end(site, one)

    assert lapsing.sweep(site.database)["renewals"] == (funds == "575.00")
    assert (_end(site, one) > before) == (funds == "575.00")


def test_a_charge_is_of_one_price_and_a_new_price_waits_for_nobody(site: Site) -> None:
    _ending(site)
    site.change("UPDATE customer SET balance_control = 'prepaid', available_funds = 400")
    site.hear(_charged(site, 1, "500.00", "575.00"))
    site.change("UPDATE package SET price = 400")

    assert lapsing.sweep(site.database)["renewals"] == 1


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE customer SET holds = ARRAY['vacation']",
        "UPDATE customer SET holds = ARRAY['terminated']",
        "UPDATE customer SET holds = ARRAY['funds']",
        "UPDATE customer SET overdue = true, holds = ARRAY['overdue'];"
        "UPDATE customer_class SET charge_while_suspended = false",
        "UPDATE customer_class SET renews = false",
        "UPDATE package SET retired = true",
        "UPDATE customer SET activated_at = NULL",
        "UPDATE customer SET closed_at = now()",
        "UPDATE customer SET expires_at = now() + interval '2 hours'",
    ],
)
def test_nothing_is_charged_where_charges_stop(site: Site, change: str) -> None:
    one = _ending(site)
    for statement in change.split(";"):
        site.change(statement)
    before = _end(site, one)

    assert lapsing.sweep(site.database)["renewals"] == 0
    assert _end(site, one) == before


def test_what_is_deleted_is_not_charged_any_more(site: Site) -> None:
    one = _ending(site)
    site.admin.post(f"/v1/customers/{one}/delete", {"reason": "closed_account"})
    assert lapsing.sweep(site.database)["renewals"] == 0


@pytest.mark.parametrize("hold", ["admin", "fraud", "overdue", "credit", "spending", "fair_use"])
def test_these_holds_do_not_stop_the_charges(site: Site, hold: str) -> None:
    """Reference statuses, the column "recurring charges"; the hold itself stays."""
    one = _ending(site)
    site.change(f"UPDATE customer SET holds = ARRAY['{hold}'], overdue = '{hold}' = 'overdue'")

    assert lapsing.sweep(site.database)["renewals"] == 1
    assert site.one(f"SELECT holds FROM customer WHERE id = '{one}'").holds == [hold]
