"""Proforma bills: the next period announced, paid before it is owed, billed once (E25, B20)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from payments import proving, tasks
from payments.persistence import proformas
from payments.settings import PaymentsSettings
from shared.database import Database
from shared.events import CustomerDeleted, CustomerUpdated
from tests.payments.stage import NORTH, SOUTH, Stage

Announce = Any


@pytest.fixture
def announce(database: Database, settings: PaymentsSettings) -> Announce:
    return lambda: tasks.announce(database, settings)


def ending(stage: Stage, price: str = "500.00", days: int = 5, **more: Any) -> UUID:
    """A customer whose first period is paid and ends after some days."""
    customer = stage.customer(**more)
    stage.activate(customer, stage.package(price), until=datetime.now(UTC) + timedelta(days=days))
    stage.paid(customer, price)
    return customer


def listed(stage: Stage, path: str = "1/", **query: Any) -> list[Any]:
    role: Any = "admin" if path == "1/" else "reseller"
    answer = stage.get("/v1/proforma-bills", path, role, **query)
    assert answer.status_code == 200, answer.json
    found: Any = answer.json
    return list(found["items"])


def renew(stage: Stage, customer: UUID, days: int = 30) -> None:
    facts = stage.facts[customer][1]
    assert facts.expires_at is not None and facts.package_id is not None
    stage.activate(customer, facts.package_id, until=facts.expires_at + timedelta(days=days))


def test_the_next_period_is_announced_once_and_owed_by_nobody(
    stage: Stage, announce: Announce
) -> None:
    customer, later = ending(stage), ending(stage, days=9)
    before = stage.balance(customer)
    announce()
    announce()
    (one,) = listed(stage)
    assert (one["customer_id"], one["state"], one["bill_id"]) == (str(customer), "open", None)
    assert one["total"] == one["to_pay"] == {"amount": "500.00", "currency": "BDT"}
    assert [item["description"] for item in one["items"]] == ["Home 20"]
    end = stage.facts[customer][1].expires_at
    assert end is not None and datetime.fromisoformat(one["period"]["start"]) == end
    assert datetime.fromisoformat(one["period"]["end"]) == end + timedelta(days=30)
    assert stage.types(customer)[-2:] == ["bill.announced", "account.changed"]
    after = stage.balance(customer)
    assert {**after, "version": 0} == {**before, "version": 0}, "no ledger entry"
    assert stage.types(later)[-1] != "bill.announced"


def test_money_before_the_bill_is_credit_and_covers_the_bill_when_it_is_issued(
    stage: Stage, announce: Announce, database: Database
) -> None:
    customer = ending(stage)
    announce()
    stage.paid(customer, "200.00")
    (part,) = listed(stage)
    assert part["to_pay"]["amount"] == "300.00"
    stage.paid(customer, "300.00")
    assert listed(stage)[0]["to_pay"]["amount"] == "0.00"
    assert stage.balance(customer)["available_funds"] == "500.00"

    renew(stage, customer)

    (done,) = listed(stage)
    bill: Any = stage.get(f"/v1/bills/{done['bill_id']}").json
    assert (done["state"], bill["status"]) == ("issued", "paid")
    assert bill["period"]["start"] == done["period"]["start"]
    assert stage.balance(customer)["available_funds"] == "0.00"
    assert proving.prove(database)["differences"] == 0


def test_a_period_is_billed_once_whether_by_hand_or_by_the_renewal(
    stage: Stage, announce: Announce
) -> None:
    customer = ending(stage)
    announce()
    (one,) = listed(stage)
    url = f"/v1/proforma-bills/{one['id']}/issue"

    made: Any = stage.post(url, {})
    again: Any = stage.post(url, {})
    renew(stage, customer)
    announce()

    assert made.status_code == 201, made.json
    assert (again.status_code, again.json["errors"][0]["code"]) == (409, "already_issued")
    bills: Any = stage.get("/v1/bills", customer_id=str(customer)).json
    assert len(bills["items"]) == 2, "the first period and the one that was announced"
    assert made.json["due_at"] == one["period"]["start"], "prepaid: due when it begins"
    assert [row["bill_id"] for row in listed(stage)] == [made.json["id"]]


def test_a_period_billed_early_is_told_as_paid_when_it_is_and_only_then(
    stage: Stage, announce: Announce
) -> None:
    """Its money is not among the funds any more, and customers renews all the same."""
    customer = ending(stage, days=3)
    announce()
    (one,) = listed(stage)
    made: Any = stage.post(f"/v1/proforma-bills/{one['id']}/issue", {}).json
    start = stage.facts[customer][1].expires_at

    def told() -> tuple[Any, list[datetime]]:
        data = stage.events(customer)[-1].data
        return data["available_funds"], [datetime.fromisoformat(d) for d in data["paid_periods"]]

    assert told()[1] == []
    stage.paid(customer, "499.00")
    assert told() == ("0.00", [])
    stage.paid(customer, "1.00")
    assert told() == ("0.00", [start])
    stage.post(f"/v1/bills/{made['id']}/void", {"reason": "a mistake"})
    assert told() == ("500.00", [])


def test_who_renews_late_gets_the_bill_that_was_announced(stage: Stage, announce: Announce) -> None:
    customer = ending(stage)
    announce()
    now = datetime.now(UTC)
    stage.update(customer, activated=False)
    facts = stage.facts[customer][1]
    assert facts.package_id is not None
    stage.activate(customer, facts.package_id, until=now + timedelta(days=37))
    (one,) = listed(stage, state="issued")
    bill: Any = stage.get(f"/v1/bills/{one['bill_id']}").json
    assert bill["period"]["start"] > one["period"]["start"]


def test_another_package_is_announced_anew(stage: Stage, announce: Announce) -> None:
    customer = ending(stage)
    announce()
    stage.update(customer, package_id=stage.package("900.00", name="Home 50"))
    announce()
    assert [(row["state"], row["total"]["amount"]) for row in listed(stage)] == [
        ("open", "900.00"), ("replaced", "500.00"),
    ]  # fmt: skip
    stage.update(customer, package_id=stage.package("0"))
    announce()
    assert listed(stage, state="open") == [], "a free package costs nothing"


def test_who_leaves_or_is_exported_is_asked_for_nothing_c33(
    stage: Stage, announce: Announce
) -> None:
    gone, exported = ending(stage, name="Gone"), ending(stage, name="Moving", holds=("export",))
    announce()
    stage.hear(stage.event(CustomerDeleted, gone, standing="deleted"))
    assert [(row["customer_id"], row["state"]) for row in listed(stage)] == [
        (str(gone), "withdrawn")
    ]
    stage.hear(stage.event(CustomerUpdated, exported, holds=()))
    announce()
    (open_one,) = listed(stage, state="open")
    stage.update(exported, holds=("export",))
    refused: Any = stage.post(f"/v1/proforma-bills/{open_one['id']}/issue", {})
    assert (refused.status_code, refused.json["errors"][0]["code"]) == (409, "export_in_progress")


def test_one_whose_period_went_by_lapses(stage: Stage, announce: Announce) -> None:
    ending(stage)
    announce()
    stage.rows(
        "UPDATE proforma SET period_start = now() - interval '30 days', period_end = now()"
        " RETURNING 1"
    )
    announce()
    (one,) = listed(stage)
    assert one["state"] == "lapsed"
    refused: Any = stage.post(f"/v1/proforma-bills/{one['id']}/issue", {})
    assert (refused.status_code, refused.json["errors"][0]["code"]) == (409, "not_open")


def test_proformas_and_bills_can_be_printed_with_values_escaped(
    stage: Stage, announce: Announce
) -> None:
    customer = ending(stage, name="Karim <b>Ahmed")
    announce()
    (one,) = listed(stage)
    bill: Any = stage.get("/v1/bills", customer_id=str(customer)).json["items"][0]  # type: ignore[index]
    for url, title in ((f"/v1/proforma-bills/{one['id']}", "Proforma"),
                       (f"/v1/bills/{bill['id']}", "Bill")):  # fmt: skip
        page = stage.client.get(url, headers={**stage.bearer(), "Accept": "text/html"})
        assert page.content_type == "text/html; charset=utf-8"
        assert f"<h1>{title} " in page.text and "500.00 BDT" in page.text
        assert "Karim &lt;b&gt;Ahmed" in page.text and "<b>" not in page.text


def test_another_branch_sees_and_issues_none_of_them(stage: Stage, announce: Announce) -> None:
    ending(stage, path=NORTH)
    announce()
    (one,) = listed(stage, NORTH)
    assert listed(stage, SOUTH) == []
    assert stage.get(f"/v1/proforma-bills/{one['id']}", SOUTH, "manager").status_code == 404
    issue = stage.post(f"/v1/proforma-bills/{one['id']}/issue", {}, SOUTH, "manager")
    assert issue.status_code == 404


def test_an_erased_customer_has_no_open_proforma_and_with_everything_none_at_all(
    stage: Stage, announce: Announce
) -> None:
    kept, removed = ending(stage, name="Kept"), ending(stage, name="Removed")
    announce()
    stage.erase(kept)
    stage.erase(removed, "everything")
    (one,) = listed(stage)
    assert (one["customer_id"], one["state"], one["username"]) == (
        str(kept), "withdrawn", "[erased]",
    )  # fmt: skip
    announce()
    assert len(listed(stage)) == 1


def test_the_clock_finds_whose_period_ends_without_reading_all_customers(
    stage: Stage, database: Database
) -> None:
    package = stage.package()
    with database.transaction() as session:
        session.execute(text("RESET ROLE"))
        session.execute(
            text(
                "INSERT INTO customer_fact (id, version, operator_path, customer_number, name,"
                " username, operator_id, operator_name, package_id, standing, balance_control,"
                " currency, activated, expires_at, announced_for) SELECT gen_random_uuid(), 1, '1/2/',"
                " 'C' || n, 'x', 'u' || n, gen_random_uuid(), 'North', :package, 'customer', 'prepaid',"
                " 'BDT', true, now() + n * interval '1 hour', CASE WHEN n < 150 THEN"
                " now() + n * interval '1 hour' END FROM generate_series(1, 30000) n"
            ),
            {"package": package},
        )
        session.execute(text("ANALYZE customer_fact"))
        plan = "\n".join(
            session.scalars(text(f"EXPLAIN {proformas._TAKE.text}"), {"days": 7, "most": 500})
        )
    assert "customer_fact_ending" in plan and "Seq Scan on customer_fact" not in plan, plan
