"""Adjustments, credit notes and write-offs: ledger entries with a reason, exact and reversible (E27)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

from payments import proving
from shared.database import Database
from tests.payments.stage import NORTH, SOUTH, Stage


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json["errors"][0]["code"]


def money(amount: str, currency: str = "BDT") -> dict[str, Any]:
    return {"amount": {"amount": amount, "currency": currency}}


def adjust(stage: Stage, customer: UUID, amount: str, direction: str = "credit") -> Any:
    body = {"direction": direction, "reason": "outage in May", **money(amount)}
    return stage.post(f"/v1/customers/{customer}/adjustments", body)


def write_off(stage: Stage, customer: UUID, amount: str | None = None) -> Any:
    body = {"reason": "moved away", **({} if amount is None else money(amount))}
    return stage.post(f"/v1/customers/{customer}/write-offs", body)


def note(stage: Stage, bill: str, amount: str | None = None) -> Any:
    body = {"reason": "billed too much", **({} if amount is None else money(amount))}
    return stage.post(f"/v1/bills/{bill}/credit-note", body)


def status(stage: Stage, bill: Any) -> tuple[str, str]:
    found: Any = stage.get(f"/v1/bills/{bill['id']}").json
    return found["status"], found["paid"]["amount"]


def proved(database: Database) -> bool:
    return bool(proving.prove(database)["differences"] == 0)


def test_an_adjustment_pays_open_bills_and_waits_as_funds_e27(
    stage: Stage, database: Database
) -> None:
    customer = stage.customer()
    bill = stage.bill(customer, "300.00")
    seen = stage.events(customer)[-1].sequence

    given = adjust(stage, customer, "500.00")

    assert given.status_code == 201, given.json
    assert status(stage, bill) == ("paid", "300.00")
    balance = stage.balance(customer)
    assert (balance["billed"], balance["paid"]) == ("-200.00", "0.00")
    assert (balance["outstanding"], balance["available_funds"]) == ("-200.00", "200.00")
    assert balance["credited"] == "500.00"
    assert stage.types(customer, seen) == ["bill.paid", "account.changed"]
    assert stage.rows("SELECT 1 FROM payment") == [], "no line of the payments log"
    line: Any = stage.get(f"/v1/customers/{customer}/statement").json["items"][0]  # type: ignore[index]
    assert (line["kind"], line["amount"]["amount"]) == ("adjustment", "-500.00")
    assert (line["number"], line["credit_id"]) == (given.json["number"], given.json["credit_id"])
    assert proved(database)


def test_a_debit_adjustment_is_a_bill_with_its_reason(stage: Stage) -> None:
    customer = stage.customer()

    given = adjust(stage, customer, "75.00", "debit")

    assert (given.status_code, given.json["credit_id"]) == (201, None)
    bill: Any = stage.get(f"/v1/bills/{given.json['bill_id']}").json
    assert bill["items"][0]["description"] == "Adjustment: outage in May"
    assert stage.balance(customer)["outstanding"] == "75.00"


def test_a_write_off_gives_up_the_oldest_bill_first_and_never_becomes_funds(
    stage: Stage, database: Database
) -> None:
    customer = stage.customer()
    old = stage.bill(customer, "300.00", due_at="2026-01-01T00:00:00Z")
    new = stage.bill(customer, "200.00")
    assert code(write_off(stage, customer, "500.01")) == (422, "more_than_owed")

    assert write_off(stage, customer, "350.00").status_code == 201

    assert (status(stage, old)[0], status(stage, new)) == ("paid", ("partly_paid", "50.00"))
    assert stage.balance(customer)["outstanding"] == "150.00"
    assert write_off(stage, customer).json["amount"]["amount"] == "150.00"
    assert code(write_off(stage, customer)) == (409, "nothing_owed")
    # The bill never was, so nothing of it was given up: no money appears.
    assert stage.post(f"/v1/bills/{old['id']}/void", {"reason": "a slip"}).status_code == 200
    balance = stage.balance(customer)
    assert (balance["outstanding"], balance["available_funds"]) == ("0.00", "0.00")
    assert proved(database)


def test_a_write_off_of_what_is_overdue_ends_being_overdue(
    stage: Stage, database: Database
) -> None:
    from payments import tasks
    from payments.settings import current

    customer = stage.customer()
    stage.bill(customer, "300.00", due_at="2026-01-01T00:00:00Z")
    tasks.mark_overdue(database, current())
    assert stage.balance(customer)["overdue"] is True

    write_off(stage, customer)

    assert stage.balance(customer)["overdue"] is False
    assert stage.events(customer)[-1].data["overdue"] is False


def test_a_credit_note_takes_its_own_bill_first_and_frees_money_that_paid_it(
    stage: Stage, database: Database
) -> None:
    customer = stage.customer()
    older = stage.bill(customer, "100.00", due_at="2026-01-01T00:00:00Z")
    bill = stage.bill(customer, "500.00")
    assert note(stage, bill["id"], "200.00").status_code == 201
    assert (status(stage, older), status(stage, bill)) == (
        ("open", "0.00"), ("partly_paid", "200.00"),
    )  # fmt: skip
    stage.paid(customer, "400.00")
    assert stage.balance(customer)["outstanding"] == "0.00"

    assert note(stage, bill["id"]).json["amount"]["amount"] == "300.00"

    assert status(stage, bill) == ("paid", "500.00")
    balance = stage.balance(customer)
    assert (balance["billed"], balance["available_funds"]) == ("100.00", "300.00")
    assert code(note(stage, bill["id"])) == (409, "credited")
    assert code(note(stage, older["id"], "100.01")) == (422, "more_than_billed")
    assert proved(database)


def test_a_void_bill_takes_its_credit_notes_along(stage: Stage, database: Database) -> None:
    customer = stage.customer()
    bill = stage.bill(customer, "500.00")
    stage.paid(customer, "450.00")
    given = note(stage, bill["id"], "200.00").json
    other = stage.bill(customer, "1000.00")

    stage.post(f"/v1/bills/{bill['id']}/void", {"reason": "a slip"})

    assert status(stage, other) == ("partly_paid", "450.00")
    left: Any = stage.get(f"/v1/credits/{given['id']}").json
    assert left["reversed"] == left["amount"]
    assert stage.balance(customer)["outstanding"] == "550.00"
    assert code(note(stage, bill["id"], "1.00")) == (409, "already_voided")
    assert proved(database)


def test_a_credit_can_be_taken_back_once(stage: Stage, database: Database) -> None:
    customer = stage.customer()
    bill = stage.bill(customer, "300.00")
    given = write_off(stage, customer).json
    url = f"/v1/credits/{given['id']}/reverse"

    with ThreadPoolExecutor(4) as pool:
        answers = list(
            pool.map(lambda _: stage.post(url, {"reason": "he came back"}).status_code, range(4))
        )

    assert sorted(answers) == [200, 409, 409, 409]
    assert status(stage, bill) == ("open", "0.00")
    assert stage.balance(customer)["outstanding"] == "300.00"
    assert proved(database)


def test_a_bill_with_a_write_off_takes_no_credit_note(stage: Stage) -> None:
    customer = stage.customer()
    bill = stage.bill(customer, "300.00")
    write_off(stage, customer, "100.00")

    assert code(note(stage, bill["id"], "50.00")) == (409, "written_off")


def test_no_credit_note_while_the_customer_is_exported_c35(stage: Stage) -> None:
    customer = stage.customer()
    bill = stage.bill(customer, "300.00")
    given = note(stage, bill["id"], "50.00").json
    back = f"/v1/credits/{given['id']}/reverse"
    stage.update(customer, holds=("export",))

    assert code(note(stage, bill["id"])) == (409, "export_in_progress")
    assert code(stage.post(back, {"reason": "a slip"})) == (409, "export_in_progress")
    stage.update(customer, holds=(), standing="exported")
    assert code(note(stage, bill["id"])) == (409, "exported")


def test_each_kind_of_credit_asks_for_a_permission_of_its_own(stage: Stage) -> None:
    customer = stage.customer()
    bill = stage.bill(customer, "300.00")
    given = adjust(stage, customer, "1.00").json
    body = {"reason": "a reason", "direction": "credit", **money("5.00")}
    calls = {
        f"/v1/customers/{customer}/adjustments": ("adjustments.write", body),
        f"/v1/customers/{customer}/write-offs": ("write_offs.write", {"reason": "a reason"}),
        f"/v1/bills/{bill['id']}/credit-note": ("credit_notes.write", {"reason": "a reason"}),
        f"/v1/credits/{given['credit_id']}/reverse": ("credits.reverse", {"reason": "a reason"}),
    }
    for url, (permission, sent) in calls.items():
        answer: Any = stage.post(url, sent, NORTH, "reseller")
        assert (answer.status_code, answer.json["permission"]) == (403, permission)
        without_key = stage.client.post(url, json=sent, headers=stage.bearer())
        assert without_key.status_code == 400


def test_credits_of_another_branch_are_not_there(stage: Stage) -> None:
    customer = stage.customer()
    bill = stage.bill(customer, "300.00")
    given = note(stage, bill["id"], "10.00").json

    for url, body in (
        (f"/v1/customers/{customer}/adjustments", {"direction": "credit", **money("5.00")}),
        (f"/v1/customers/{customer}/write-offs", {}),
        (f"/v1/bills/{bill['id']}/credit-note", {}),
        (f"/v1/credits/{given['id']}/reverse", {}),
    ):
        answer = stage.post(url, {"reason": "a reason", **body}, SOUTH, "manager")
        assert answer.status_code == 404, url
    assert stage.get(f"/v1/credits/{given['id']}", SOUTH, "manager").status_code == 404
    assert stage.get("/v1/credits", SOUTH, "manager").json["items"] == []  # type: ignore[index]
    here: Any = stage.get("/v1/credits", NORTH, "manager", kind="credit_note").json
    assert [item["id"] for item in here["items"]] == [given["id"]]


def test_bad_credits_are_refused_by_the_field(stage: Stage) -> None:
    customer = stage.customer()
    stage.bill(customer, "300.00")
    url = f"/v1/customers/{customer}/adjustments"
    good = {"direction": "credit", "reason": "a reason", **money("5.00")}
    for change, pointer in (
        ({"direction": "sideways"}, "/direction"),
        ({"reason": ""}, "/reason"),
        (money("0.00"), "/amount"),
        (money("-1.00"), "/amount"),
        (money("1.001"), "/amount"),
        (money("5.00", "USD"), "/amount/currency"),
        ({"colour": "red"}, "/colour"),
    ):
        answer: Any = stage.post(url, {**good, **change})
        assert answer.status_code == 422, change
        assert answer.json["errors"][0]["pointer"] == pointer
    assert stage.rows("SELECT 1 FROM credit") == []
