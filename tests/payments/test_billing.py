"""Bills: one for each period, overdue after grace, settled by payment (E25, C9, C10, C18)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from uuid_utils.compat import uuid7

from payments import billing
from payments.settings import PaymentsSettings
from shared.events import CustomerActivated, CustomerUpdated
from tests.payments.stage import NORTH, SOUTH, Stage
from tests.support.noon import NOON


def later(stage: Stage, settings: PaymentsSettings, **after: int) -> int:
    """Mark overdue as the tick will after that time."""
    with stage.database.transaction() as session:
        return billing.mark_overdue(session, settings, datetime.now(UTC) + timedelta(**after))


def bills(stage: Stage, customer: Any) -> list[Any]:
    answer: Any = stage.get("/v1/bills", customer_id=str(customer), sort="issued_at").json
    return list(answer["items"])


def test_an_activation_is_billed_once_however_often_it_is_told(stage: Stage) -> None:
    package, customer = stage.package("500.00", days=30), stage.customer()
    event = stage.activate(customer, package)

    stage.hear(event)
    stage.hear(event, event)

    (bill,) = bills(stage, customer)
    assert bill["total"] == {"amount": "500.00", "currency": "BDT"}
    assert bill["items"][0]["description"] == "Home 20"
    start, end = (datetime.fromisoformat(bill["period"][k]) for k in ("start", "end"))
    assert end - start == timedelta(days=30)


def test_two_activations_of_one_period_are_one_bill_and_the_next_period_another(
    stage: Stage,
) -> None:
    package, customer = stage.package(days=30), stage.customer()
    until = datetime.now(UTC) + timedelta(days=30)

    stage.activate(customer, package, until)
    stage.activate(customer, package, until)
    stage.activate(customer, package, until + timedelta(days=30))

    assert len(bills(stage, customer)) == 2


def test_an_activation_older_than_the_facts_is_billed_all_the_same(stage: Stage) -> None:
    package, customer = stage.package(), stage.customer()
    late = stage.event(
        CustomerActivated, customer, package_id=package, activated=True,
        expires_at=datetime.now(UTC) + timedelta(days=30),
    )  # fmt: skip
    stage.update(customer, name="Karim the Second")

    stage.hear(late)

    assert len(bills(stage, customer)) == 1
    assert bills(stage, customer)[0]["customer_name"] == "Karim the Second"


def test_an_activation_before_its_package_is_billed_when_the_package_comes(stage: Stage) -> None:
    customer, package = stage.customer(), uuid7()
    stage.activate(customer, package)
    assert bills(stage, customer) == []

    stage.hear(stage.package_event(package, "650.00"))

    assert [bill["total"]["amount"] for bill in bills(stage, customer)] == ["650.00"]


def test_a_free_package_makes_no_bill(stage: Stage) -> None:
    customer = stage.customer()
    stage.activate(customer, stage.package("0"))
    assert bills(stage, customer) == []
    assert stage.rows("SELECT outcome FROM activation") == [("free",)]


def test_no_bill_while_a_customer_is_exported_and_one_afterwards_c33(stage: Stage) -> None:
    package, customer = stage.package(), stage.customer(holds=("export",))
    stage.activate(customer, package)
    assert bills(stage, customer) == []

    stage.hear(stage.event(CustomerUpdated, customer, holds=()))

    assert len(bills(stage, customer)) == 1


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        ({"holds": ("export",)}, "export_in_progress"),
        ({"standing": "exported"}, "exported"),
        ({"standing": "closed"}, "closed"),
        ({"standing": "deleted"}, "deleted"),
    ],
    ids=["C33", "C32", "C4", "A2"],
)
def test_no_bill_comes_out_by_hand_of_who_is_exported_closed_or_deleted_c4_c32_c33_c35(
    stage: Stage, facts: dict[str, Any], code: str
) -> None:
    customer = stage.customer()
    stage.update(customer, **facts)
    item = {"description": "Router", "amount": {"amount": "5.00", "currency": "BDT"}}
    charge = {"direction": "debit", "amount": item["amount"], "reason": "a router"}

    answers: list[Any] = [
        stage.post("/v1/bills", {"customer_id": str(customer), "items": [item]}),
        stage.post(f"/v1/customers/{customer}/adjustments", charge),
    ]

    assert [(a.status_code, a.json["errors"][0]["code"]) for a in answers] == [(409, code)] * 2
    assert bills(stage, customer) == []


def test_a_manager_bills_and_corrects_in_the_own_branch_alone_e25(stage: Stage) -> None:
    """Row-level security is the second line, and lets who may write do so."""
    customer = stage.customer()
    five = {"amount": "5.00", "currency": "BDT"}
    bill = {"customer_id": str(customer), "items": [{"description": "Router", "amount": five}]}
    charge = {"direction": "debit", "amount": five, "reason": "a router"}
    gift = {"direction": "credit", "amount": {**five, "amount": "1.00"}, "reason": "an outage"}

    def by(path: str, url: str, body: Any) -> Any:
        return stage.post(url, body, path, "manager")

    assert by(SOUTH, "/v1/bills", bill).status_code == 404
    made = by(NORTH, "/v1/bills", bill)
    assert made.status_code == 201, made.json
    assert len(made.json["items"]) == 1
    for url, body in (
        (f"/v1/customers/{customer}/adjustments", charge),
        (f"/v1/customers/{customer}/adjustments", gift),
        (
            f"/v1/bills/{made.json['id']}/credit-note",
            {"reason": "too much", "amount": gift["amount"]},
        ),
        (f"/v1/bills/{made.json['id']}/void", {"reason": "billed twice"}),
    ):
        assert by(SOUTH, url, body).status_code in (403, 404), url
        answer = by(NORTH, url, body)
        assert answer.status_code in (200, 201), (url, answer.json)
    assert len(bills(stage, customer)) == 2


def test_who_left_may_still_pay_what_was_billed_before_c20_e27(stage: Stage) -> None:
    for standing in ("closed", "deleted", "exported"):
        customer = stage.customer(standing.title())
        stage.bill(customer)
        stage.update(customer, standing=standing)
        stage.paid(customer, "500.00")
        assert [bill["status"] for bill in bills(stage, customer)] == ["paid"], standing


def test_an_activation_that_waited_for_an_export_is_not_billed_here_when_it_is_over_c32(
    stage: Stage,
) -> None:
    package, customer = stage.package(), stage.customer(holds=("export",))
    stage.activate(customer, package)

    stage.update(customer, holds=(), standing="exported")
    stage.hear(stage.package_event(package, "500.00"))

    assert bills(stage, customer) == []


def test_money_on_account_pays_an_activation_at_once(stage: Stage) -> None:
    package, customer = stage.package("500.00"), stage.customer()
    stage.paid(customer, "800.00")

    stage.activate(customer, package)

    assert [bill["status"] for bill in bills(stage, customer)] == ["paid"]
    assert stage.balance(customer)["available_funds"] == "300.00"


def test_overdue_after_due_and_grace_and_settled_by_the_payment_that_covers_it_c9_c10(
    stage: Stage, settings: PaymentsSettings
) -> None:
    customer = stage.customer(balance_control="postpaid")
    stage.activate(customer, stage.package("500.00"))
    assert later(stage, settings, days=settings.due_days + settings.grace_days - 1) == 0
    seen = stage.events(customer)[-1].sequence

    assert later(stage, settings, days=settings.due_days + settings.grace_days + 1) == 1

    told = stage.events(customer, seen)
    assert [row.type for row in told] == ["bill.overdue", "account.changed"]
    assert told[-1].data["overdue"] is True
    assert told[-1].data["overdue_amount"] == "500.00"

    seen = told[-1].sequence
    stage.paid(customer, "200.00")
    assert stage.types(customer, seen) == ["payment.recorded", "account.changed"]
    assert stage.events(customer)[-1].data["overdue_amount"] == "300.00"

    seen = stage.events(customer)[-1].sequence
    stage.paid(customer, "300.00")
    assert stage.types(customer, seen) == ["payment.recorded", "bill.paid", "account.settled"]
    assert stage.events(customer)[-1].data["overdue"] is False
    assert later(stage, settings, days=100) == 0


def test_prepaid_is_due_at_once_and_postpaid_after_its_terms(
    stage: Stage, settings: PaymentsSettings
) -> None:
    package = stage.package()
    prepaid, postpaid = stage.customer("A"), stage.customer("B", balance_control="postpaid")
    for customer in (prepaid, postpaid):
        stage.activate(customer, package)

    first, second = bills(stage, prepaid)[0], bills(stage, postpaid)[0]

    assert first["due_at"] == first["issued_at"]
    wait = datetime.fromisoformat(second["due_at"]) - datetime.fromisoformat(second["issued_at"])
    assert wait == timedelta(days=settings.due_days)


def test_a_daily_package_is_billed_for_each_day_once(stage: Stage) -> None:
    package, customer = stage.package("20.00", days=1, name="Day pass"), stage.customer()
    first = datetime.now(UTC) + timedelta(days=1)
    for until in (first, first, first + timedelta(days=1)):
        stage.activate(customer, package, until)
    days = [(bill["period"]["start"], bill["period"]["end"]) for bill in bills(stage, customer)]
    assert len(days) == 2
    assert days[0][1] == days[1][0], "the second day begins where the first ends"


def test_the_last_period_of_a_provisionally_terminated_customer_is_billed_c20(stage: Stage) -> None:
    """C20: the services stop, the data stay, so that the last billing period can be invoiced."""
    package, customer = stage.package(), stage.customer(balance_control="postpaid")
    event = stage.event(
        CustomerActivated, customer, package_id=package, activated=True,
        expires_at=datetime.now(UTC) + timedelta(days=30),
    )  # fmt: skip
    stage.update(customer, holds=("overdue", "terminated"), activated=False)
    stage.hear(event)
    usage = stage.bill(customer, "35.00")
    assert [bill["status"] for bill in bills(stage, customer)] == ["open", "open"]
    stage.paid(customer, "535.00")
    assert stage.get(f"/v1/bills/{usage['id']}").json["status"] == "paid"  # type: ignore[index]


def test_a_blocked_customer_is_billed_for_the_period_all_the_same_c8(stage: Stage) -> None:
    package, customer = stage.package("500.00"), stage.customer(holds=("fraud",))
    stage.activate(customer, package)
    assert [bill["total"]["amount"] for bill in bills(stage, customer)] == ["500.00"]


def test_a_void_bill_frees_its_money_for_the_next_bill(stage: Stage) -> None:
    customer = stage.customer()
    first, second = stage.bill(customer, "300.00"), stage.bill(customer, "200.00")
    stage.paid(customer, "300.00")

    answer: Any = stage.post(f"/v1/bills/{first['id']}/void", {"reason": "billed twice"})

    assert answer.json["status"] == "void"
    assert stage.get(f"/v1/bills/{second['id']}").json["status"] == "paid"  # type: ignore[index]
    balance = stage.balance(customer)
    assert (balance["billed"], balance["credited"]) == ("200.00", "300.00")
    assert (balance["outstanding"], balance["available_funds"]) == ("-100.00", "100.00")
    again: Any = stage.post(f"/v1/bills/{first['id']}/void", {"reason": "billed twice"})
    assert (again.status_code, again.json["errors"][0]["code"]) == (409, "already_voided")


def test_no_bill_is_void_while_its_customer_is_exported_c35(stage: Stage) -> None:
    customer = stage.customer()
    bill = stage.bill(customer)
    void = f"/v1/bills/{bill['id']}/void"
    stage.update(customer, holds=("export",))
    answer: Any = stage.post(void, {"reason": "billed twice"})
    assert (answer.status_code, answer.json["errors"][0]["code"]) == (409, "export_in_progress")

    stage.update(customer, holds=(), standing="exported")

    answer = stage.post(void, {"reason": "billed twice"})
    assert (answer.status_code, answer.json["errors"][0]["code"]) == (409, "exported")


def test_bills_have_items_a_period_and_numbers_without_gaps(stage: Stage) -> None:
    customer = stage.customer()
    period = {"start": "2026-11-01T00:00:00Z", "end": "2026-12-01T00:00:00Z"}
    money = {"amount": "250.00", "currency": "BDT"}
    body = {
        "customer_id": str(customer),
        "items": [
            {"description": "Router", "quantity": 2, "amount": money},
            {"description": "Visit", "amount": {"amount": "0.01", "currency": "BDT"}},
        ],
        "period": period,
    }

    first: Any = stage.post("/v1/bills", body)
    second: Any = stage.post("/v1/bills", body)
    third = stage.bill(customer)

    assert first.json["total"]["amount"] == "250.01"
    assert [item["quantity"] for item in first.json["items"]] == [2, 1]
    assert first.json["status"] == "open"
    assert (second.status_code, second.json["errors"][0]["code"]) == (409, "period_billed")
    year = datetime.now(NOON).year
    assert [first.json["number"], third["number"]] == [f"B-NORTH-{year}-{n:06d}" for n in (1, 2)]


def test_a_bad_bill_is_refused_and_names_the_field(stage: Stage) -> None:
    customer = stage.customer()
    changes: list[dict[str, Any]]
    good = {"description": "Router", "amount": {"amount": "5.00", "currency": "BDT"}}
    changes = [
        {"items": []},
        {"items": [{**good, "quantity": 0}]},
        {"items": [{**good, "amount": {"amount": "-5.00", "currency": "BDT"}}]},
        {"items": [good, {**good, "amount": {"amount": "5.00", "currency": "USD"}}]},
        {"items": [{**good, "amount": {"amount": "5.00", "currency": "USD"}}]},
        {"period": {"start": "2026-12-01T00:00:00Z", "end": "2026-11-01T00:00:00Z"}},
        {"total": "5.00"},
    ]
    for change in changes:
        body = {"customer_id": str(customer), "items": [good], **change}
        answer: Any = stage.post("/v1/bills", body)
        assert answer.status_code == 422, change
        assert answer.json["errors"][0]["pointer"], change
    assert stage.rows("SELECT 1 FROM bill") == []


def test_bills_are_listed_by_status_customer_and_search(stage: Stage) -> None:
    karim, rahim = stage.customer("Karim Ahmed"), stage.customer("Rahim Uddin")
    stage.bill(karim, "100.00")
    paid = stage.bill(rahim, "200.00")
    stage.paid(rahim, "200.00")

    def numbers(**query: Any) -> list[str]:
        answer: Any = stage.get("/v1/bills", **query).json
        return [row["total"]["amount"] for row in answer["items"]]

    assert numbers() == ["200.00", "100.00"]
    assert numbers(status="open") == ["100.00"]
    assert numbers(q="rahim") == ["200.00"]
    assert numbers(number=paid["number"]) == ["200.00"]
    assert numbers(q="nobody at all") == []


def test_the_documentation_says_that_an_amount_is_of_the_whole_line(stage: Stage) -> None:
    document: Any = stage.client.get("/openapi.json").json
    schemas = document["components"]["schemas"]
    for name in ("ItemRequest", "Item"):
        assert "whole line" in schemas[name]["properties"]["amount"]["description"]
    assert schemas["ItemRequest"]["properties"]["amount"]["type"] == "object"
    assert "not multiplied" in schemas["ItemRequest"]["properties"]["quantity"]["description"]
    customer, line = stage.customer(), {"amount": "750.25", "currency": "BDT"}
    items = [{"description": "Router", "quantity": 2, "amount": line}]
    made: Any = stage.post("/v1/bills", {"customer_id": str(customer), "items": items})
    assert made.json["total"] == line
