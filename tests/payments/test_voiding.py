"""Bills that never were: their periods are billed anew (E25), and what was paid is there again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from payments import proving, tasks
from payments.settings import PaymentsSettings
from shared.database import Database
from shared.events import CustomerDeleted, CustomerRestored
from tests.payments.stage import Stage

Announce = Callable[[], None]


@pytest.fixture
def announce(database: Database, settings: PaymentsSettings) -> Announce:
    return lambda: tasks.announce(database, settings)


def ending(stage: Stage) -> UUID:
    """A customer whose first period is paid and ends in three days."""
    customer = stage.customer()
    stage.activate(customer, stage.package(), until=datetime.now(UTC) + timedelta(days=3))
    stage.paid(customer)
    return customer


def announced(stage: Stage, customer: UUID) -> Any:
    answer: Any = stage.get("/v1/proforma-bills", state="open", customer_id=str(customer)).json
    return answer["items"]


def billed_early(stage: Stage, customer: UUID, announce: Announce) -> Any:
    """The bill of the next period."""
    announce()
    (one,) = announced(stage, customer)
    made = stage.post(f"/v1/proforma-bills/{one['id']}/issue", {})
    assert made.status_code == 201, made.json
    return made.json


def next_start(stage: Stage, customer: UUID) -> datetime:
    found = stage.facts[customer][1].expires_at
    assert found is not None
    return found


def renew(stage: Stage, customer: UUID) -> None:
    package = stage.facts[customer][1].package_id
    assert package is not None
    stage.activate(customer, package, until=next_start(stage, customer) + timedelta(days=30))


def bills(stage: Stage, customer: UUID) -> list[tuple[str, str]]:
    """Status and total of each, the oldest first."""
    found: Any = stage.get("/v1/bills", customer_id=str(customer), sort="issued_at").json
    return [(bill["status"], bill["total"]["amount"]) for bill in found["items"]]


def told(stage: Stage, customer: UUID) -> tuple[str, list[datetime]]:
    """The funds and the paid periods, as customers was told last."""
    data = stage.events(customer)[-1].data
    return data["available_funds"], [datetime.fromisoformat(d) for d in data["paid_periods"]]


def exact(database: Database) -> bool:
    return bool(proving.prove(database)["differences"] == 0)


def test_a_period_whose_bill_is_void_is_announced_and_billed_anew_e25(
    stage: Stage, announce: Announce, database: Database
) -> None:
    customer = ending(stage)
    bill = billed_early(stage, customer, announce)
    stage.paid(customer)
    stage.post(f"/v1/bills/{bill['id']}/void", {"reason": "a mistake"})
    assert told(stage, customer) == ("500.00", []), "so customers renews it from the funds"

    announce()
    (again,) = announced(stage, customer)
    renew(stage, customer)

    assert again["period"] == bill["period"]
    assert bills(stage, customer) == [("paid", "500.00"), ("void", "500.00"), ("paid", "500.00")]
    assert told(stage, customer)[0] == "0.00"
    assert announced(stage, customer) == []
    assert exact(database)


def test_a_void_bill_of_a_period_that_was_served_is_billed_anew_by_hand_alone(
    stage: Stage, announce: Announce
) -> None:
    customer = ending(stage)
    event = stage.activate(customer, stage.package("700.00"), datetime.now(UTC) + timedelta(days=9))
    first: Any = stage.get("/v1/bills", customer_id=str(customer), status="open").json
    bill = first["items"][0]
    stage.post(f"/v1/bills/{bill['id']}/void", {"reason": "an outage"})

    stage.hear(event)
    assert bills(stage, customer) == [("paid", "500.00"), ("void", "700.00")]
    stage.bill(customer, "350.00", period=bill["period"])
    assert bills(stage, customer)[-1] == ("open", "350.00")


@pytest.mark.parametrize("how", ["void", "refund"])
def test_a_period_is_paid_only_while_its_bill_is(
    stage: Stage, announce: Announce, how: str
) -> None:
    customer = ending(stage)
    billed_early(stage, customer, announce)
    payment = stage.paid(customer)
    assert told(stage, customer) == ("0.00", [next_start(stage, customer)])

    body = {"reason": "it never came"}
    if how == "refund":
        body["amount"] = {"amount": "1.00", "currency": "BDT"}  # type: ignore[assignment]
    answer = stage.post(f"/v1/payments/{payment['id']}/{how}", body)

    assert answer.status_code in {200, 201}, answer.json
    assert told(stage, customer) == ("0.00", [])


def test_a_period_paid_by_a_credit_is_not_paid_without_it(stage: Stage, announce: Announce) -> None:
    customer = ending(stage)
    billed_early(stage, customer, announce)
    url = f"/v1/customers/{customer}/adjustments"
    given: Any = stage.post(
        url,
        {
            "amount": {"amount": "500.00", "currency": "BDT"},
            "reason": "an outage",
            "direction": "credit",
        },
    )
    assert given.status_code == 201, given.json
    assert told(stage, customer) == ("0.00", [next_start(stage, customer)])
    stage.post(f"/v1/credits/{given.json['credit_id']}/reverse", {"reason": "there was none"})
    assert told(stage, customer) == ("0.00", [])


def test_a_period_is_not_paid_by_giving_up_its_bill(stage: Stage, announce: Announce) -> None:
    customer = ending(stage)
    bill = billed_early(stage, customer, announce)
    url = f"/v1/customers/{customer}/write-offs"
    given_up: Any = stage.post(url, {"reason": "moved away"})
    assert given_up.status_code == 201, given_up.json
    assert told(stage, customer) == ("0.00", [])

    credit: Any = stage.get("/v1/credits", customer_id=str(customer)).json
    stage.post(f"/v1/credits/{credit['items'][0]['id']}/reverse", {"reason": "is back"})
    stage.paid(customer)
    assert told(stage, customer) == ("0.00", [datetime.fromisoformat(bill["period"]["start"])])


def test_another_package_before_its_period_takes_the_old_ones_bill_back_e25(
    stage: Stage, announce: Announce, database: Database
) -> None:
    """Who paid for the small package has that money, is asked for the rest, and is not given the large."""
    customer = ending(stage)
    billed_early(stage, customer, announce)
    stage.paid(customer)
    assert told(stage, customer) == ("0.00", [next_start(stage, customer)])

    stage.update(customer, package_id=stage.package("900.00", name="Home 50"))
    assert told(stage, customer) == ("500.00", []), "customers does not renew it for nothing"
    announce()
    (again,) = announced(stage, customer)
    assert (again["total"]["amount"], again["to_pay"]["amount"]) == ("900.00", "400.00")
    stage.paid(customer, "400.00")
    renew(stage, customer)

    assert bills(stage, customer) == [("paid", "500.00"), ("void", "500.00"), ("paid", "900.00")]
    assert told(stage, customer)[0] == "0.00"
    (logged,) = stage.rows("SELECT actor FROM operation WHERE action = 'bill.voided'")
    assert logged.actor == "system"
    assert exact(database)


@pytest.mark.parametrize(
    ("price", "billed", "funds"),
    [("900.00", [("partly_paid", "900.00")], "0.00"), ("300.00", [("paid", "300.00")], "200.00"),
     ("0", [], "500.00")],
)  # fmt: skip
@pytest.mark.parametrize("package_is_late", [False, True])
def test_a_renewal_heard_before_the_change_of_package_is_billed_at_the_new_price(
    stage: Stage, announce: Announce, database: Database, price: str,
    billed: list[tuple[str, str]], funds: str, package_is_late: bool,
) -> None:  # fmt: skip
    customer, package = ending(stage), uuid7()
    billed_early(stage, customer, announce)
    stage.paid(customer)
    until = next_start(stage, customer) + timedelta(days=30)
    news = stage.package_event(package, price)

    if not package_is_late:
        stage.hear(news)
    event = stage.activate(customer, package, until)
    if package_is_late:
        stage.hear(news)
    stage.hear(event)

    assert bills(stage, customer) == [("paid", "500.00"), ("void", "500.00"), *billed]
    assert told(stage, customer)[0] == funds
    assert exact(database)


def test_a_bill_by_hand_and_one_of_the_package_stay_whatever_else_changes(
    stage: Stage, announce: Announce
) -> None:
    same, by_hand = ending(stage), ending(stage)
    billed_early(stage, same, announce)
    start = next_start(stage, by_hand)
    period = {"start": start.isoformat(), "end": (start + timedelta(days=30)).isoformat()}
    stage.bill(by_hand, "450.00", period=period)

    stage.update(same, name="Karim the Second")
    stage.update(by_hand, package_id=stage.package("900.00"))
    renew(stage, same)
    renew(stage, by_hand)

    assert bills(stage, same) == [("paid", "500.00"), ("open", "500.00")]
    assert bills(stage, by_hand) == [("paid", "500.00"), ("open", "450.00")]


def test_what_is_billed_while_an_export_runs_is_void_after_it_c35(
    stage: Stage, announce: Announce
) -> None:
    customer = ending(stage)
    billed_early(stage, customer, announce)
    stage.update(customer, package_id=stage.package("900.00"), holds=("export",))
    assert bills(stage, customer)[-1] == ("open", "500.00")
    stage.update(customer, holds=())
    assert bills(stage, customer)[-1] == ("void", "500.00")


@pytest.mark.parametrize("standing", ["closed", "deleted"])
def test_who_leaves_before_a_period_paid_early_has_that_money_again_e25(
    stage: Stage, announce: Announce, database: Database, standing: str
) -> None:
    """The period that was served stays billed; what nobody serves is no sale."""
    customer = ending(stage)
    billed_early(stage, customer, announce)
    stage.paid(customer)
    event = stage.event(CustomerDeleted, customer, standing=standing, activated=False)
    stage.hear(event)
    stage.hear(event)
    assert bills(stage, customer) == [("paid", "500.00"), ("void", "500.00")]
    assert told(stage, customer) == ("500.00", [])
    (proof,) = [row for row in stage.events(customer) if row.type == "account.proved"]
    assert all(proof.data["checks"].values()) and proof.data["credit"] == "500"
    assert exact(database)

    back = stage.event(CustomerRestored, customer, standing="customer")
    stage.hear(back)
    renew(stage, customer)
    assert bills(stage, customer) == [("paid", "500.00"), ("void", "500.00"), ("paid", "500.00")]
    assert told(stage, customer)[0] == "0.00"
    assert exact(database)


def test_who_leaves_keeps_what_was_billed_by_hand_or_while_an_export_runs(
    stage: Stage, announce: Announce
) -> None:
    by_hand, exported = ending(stage), ending(stage)
    start = next_start(stage, by_hand)
    period = {"start": start.isoformat(), "end": (start + timedelta(days=30)).isoformat()}
    stage.bill(by_hand, "450.00", period=period)
    billed_early(stage, exported, announce)
    stage.update(by_hand, standing="deleted")
    stage.update(exported, standing="deleted", holds=("export",))
    assert bills(stage, by_hand) == [("paid", "500.00"), ("open", "450.00")]
    assert bills(stage, exported)[-1] == ("open", "500.00")
