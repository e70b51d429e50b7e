"""Erasure: the person is gone everywhere, the money stays or goes with a certificate (A32-A37)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

from uuid_utils.compat import uuid7

from payments import proving
from payments.settings import PaymentsSettings
from shared.database import Database
from shared.events import CustomerBillingErasing, CustomerErasing, CustomerUpdated
from tests.payments.stage import Stage

NEEDLES = ("Karim", "karim.ahmed", "+8801711000000", "secret-note", "BOOK-4711", "Garden Street")

# Every text-like column of every table: a person must not be found in any.
_COLUMNS = (
    "SELECT c.table_name, c.column_name FROM information_schema.columns c"
    " JOIN information_schema.tables t USING (table_schema, table_name)"
    " WHERE c.table_schema = 'public' AND t.table_type = 'BASE TABLE'"
    " AND c.data_type IN ('text', 'jsonb', 'ARRAY', 'character varying')"
)


def traces(stage: Stage) -> set[str]:
    """table.column of every place where a needle is left."""
    found = set()
    for table, column in stage.rows(_COLUMNS):
        for needle in NEEDLES:
            if stage.rows(
                f'SELECT 1 FROM "{table}" WHERE strpos("{column}"::text, :needle) > 0 LIMIT 1',
                needle=needle,
            ):
                found.add(f"{table}.{column}")
    return found


def person(stage: Stage) -> Any:
    """A customer with traces in every corner that payments has."""
    customer = stage.customer("Karim Ahmed", balance_control="postpaid")
    stage.activate(customer, stage.package("500.00"))
    body = {
        "customer_id": str(customer),
        "items": [{"description": "Cable to Garden Street 5",
                   "amount": {"amount": "120.00", "currency": "BDT"}}],
    }  # fmt: skip
    assert stage.post("/v1/bills", body).status_code == 201
    stage.paid(customer, "500.00", note="secret-note", transaction_reference="BOOK-4711")
    payment = stage.paid(customer, "50.00", note="secret-note again")
    stage.post(f"/v1/payments/{payment['id']}/void", {"reason": "Karim said so"})
    amount = {"amount": "5.00", "currency": "BDT"}
    for direction in ("credit", "debit"):
        adjustment = {"direction": direction, "amount": amount, "reason": "Karim, Garden Street"}
        assert stage.post(f"/v1/customers/{customer}/adjustments", adjustment).status_code == 201
    return customer


def receipt(stage: Stage, customer: Any) -> Any:
    (row,) = stage.rows(
        "SELECT data, sequence FROM outbox WHERE type = 'erasure.receipt' AND subject = :id",
        id=customer,
    )
    assert row.sequence == 1
    return row.data


def test_a_pseudonymised_customer_leaves_the_money_and_no_trace(
    stage: Stage, database: Database
) -> None:
    customer = person(stage)
    assert len(traces(stage)) >= 8, "the search itself must find something"
    before: Any = stage.get("/v1/payments/totals").json
    balance = stage.balance(customer)

    erasure = stage.erase(customer)

    assert traces(stage) == set()
    assert stage.get("/v1/payments/totals").json == before
    assert stage.balance(customer) == balance
    rows: Any = stage.get("/v1/payments").json
    assert {row["customer_name"] for row in rows["items"]} == {"[erased]"}
    assert {row["note"] for row in rows["items"]} == {None}
    told = receipt(stage, customer)
    assert told["erasure_id"] == str(erasure)
    assert told["service"] == "payments"
    assert told["rows"]["payment"] == 2
    assert told["rows"]["customer_fact"] == 1
    assert len(told["digest"]) == 64
    assert proving.prove(database)["differences"] == 0


def test_everything_takes_the_money_too_and_certifies_the_sum(stage: Stage) -> None:
    stayed = stage.customer("Rahim", phone=None)
    stage.paid(stayed, "70.00")
    customer = person(stage)
    balance = stage.balance(customer)

    erasure = stage.erase(customer, "everything")

    assert traces(stage) == set()
    for table in (
        "bill",
        "payment",
        "ledger_transaction",
        "ledger_entry",
        "account",
        "credit",
        "activation",
    ):
        assert stage.rows(f"SELECT 1 FROM {table} WHERE customer_id = :id", id=customer) == [], (
            table
        )
    assert stage.rows("SELECT type FROM outbox WHERE subject = :id", id=customer) == [
        ("erasure.receipt",)
    ]
    certified = dict(
        stage.rows(
            "SELECT account, sum(amount) FROM erased_money WHERE erasure_id = :id GROUP BY 1",
            id=erasure,
        )
    )
    assert certified["cash"] == Decimal(balance["paid"])
    assert -certified["revenue"] == Decimal(balance["billed"])
    assert sum(certified.values()) == 0
    assert stage.balance(stayed)["paid"] == "70.00"
    told = receipt(stage, customer)
    assert told["rows"]["ledger_entry"] > 0
    assert told["rows"]["bill"] == 3


def test_nothing_brings_an_erased_customer_back(stage: Stage) -> None:
    customer = person(stage)
    late = stage.event(CustomerUpdated, customer, name="Karim Ahmed")
    stage.erase(customer)

    stage.hear(late)
    stage.update(customer, name="Karim Ahmed")
    stage.activate(customer, stage.package())

    assert traces(stage) == set()
    assert stage.rows("SELECT name FROM customer_fact") == [("[erased]",)]
    answer = stage.pay(customer, "500.00", note="secret-note")
    assert answer.status_code == 410
    assert stage.rows("SELECT 1 FROM activation") == []


def test_an_erasure_told_twice_gives_one_receipt(stage: Stage) -> None:
    customer = person(stage)
    event = CustomerErasing(
        subject=customer, sequence=9, operator_path="1/2/", erasure_id=customer, mode="pseudonymise"
    )

    stage.hear(event, event)
    stage.hear(event)

    assert receipt(stage, customer)["rows"]["payment"] == 2


def test_an_erasure_that_overtakes_the_customers_first_event_keeps_the_person_out(
    stage: Stage,
) -> None:
    customer = stage.customer("Somebody Else")
    version, facts = stage.facts[customer]
    stage.rows("DELETE FROM account RETURNING 1")
    stage.rows("DELETE FROM customer_fact RETURNING 1")

    stage.erase(customer)
    stage.update(customer, name="Karim Ahmed")

    assert traces(stage) == set()
    assert receipt(stage, customer)["rows"] == {"customer_fact": 1}
    assert stage.rows("SELECT 1 FROM account") == []
    assert version
    assert facts


def test_a_gateways_reference_stays_unique_after_its_customer_is_erased(stage: Stage) -> None:
    gone, other = stage.customer("Karim Ahmed"), stage.customer("Rahim")
    stage.paid(gone, "500.00", method="bkash", transaction_reference="9AB12CD34E")
    stage.erase(gone)

    answer: Any = stage.pay(other, "500.00", method="bkash", transaction_reference="9AB12CD34E")

    assert (answer.status_code, answer.json["errors"][0]["code"]) == (409, "duplicate_transaction")


def test_export_files_that_may_hold_the_person_go_too(
    stage: Stage, database: Database, settings: PaymentsSettings
) -> None:
    from payments.jobs import kinds
    from shared.jobs import run_due

    customer = person(stage)
    asked: Any = stage.post("/v1/exports", {"resource": "payments", "format": "csv"})
    assert asked.status_code == 202
    run_due(database, kinds(settings))
    export = asked.json["export_id"]
    file = stage.get(f"/v1/exports/{export}/file")
    assert b"Karim Ahmed" in file.data
    file.close()

    stage.erase(customer)

    assert stage.get(f"/v1/exports/{export}/file").status_code == 410
    left = [path for path in (settings.home / "exports").rglob("*") if path.is_file()]
    assert left == []


def test_two_deliveries_at_once_give_one_receipt(stage: Stage) -> None:
    customer = person(stage)
    event = CustomerErasing(
        subject=customer, sequence=9, operator_path="1/2/", erasure_id=customer, mode="everything"
    )

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: stage.hear(event), range(8)))

    assert receipt(stage, customer)["rows"]["payment"] == 2


def billing_erasing(customer: Any, erasure: Any) -> CustomerBillingErasing:
    return CustomerBillingErasing(
        subject=customer, sequence=100, operator_path="1/2/", erasure_id=erasure
    )


def billing_receipts(stage: Stage, customer: Any) -> list[Any]:
    return stage.rows(
        "SELECT data FROM outbox WHERE type = 'customer.billing_erased' AND subject = :id",
        id=customer,
    )


def test_the_money_of_nobody_goes_later_and_totals_differ_by_what_is_certified_a40_a41(
    stage: Stage, database: Database
) -> None:
    stayed = stage.customer("Rahim", phone=None)
    stage.paid(stayed, "70.00")
    customer = person(stage)
    before, balance = total_paid(stage), stage.balance(customer)
    erasure = stage.erase(customer)
    assert total_paid(stage) == before

    told = billing_erasing(customer, erasure)
    stage.hear(told)
    stage.hear(told, told)

    certified = dict(
        stage.rows(
            "SELECT account, sum(amount) FROM erased_money WHERE erasure_id = :id GROUP BY 1",
            id=erasure,
        )
    )
    assert certified["cash"] == Decimal(balance["paid"])
    assert before - total_paid(stage) == certified["cash"]
    assert sum(certified.values()) == 0
    for table in ("bill", "payment", "ledger_transaction", "ledger_entry", "account", "credit"):
        assert stage.rows(f"SELECT 1 FROM {table} WHERE customer_id = :id", id=customer) == [], (
            table
        )
    (answer,) = billing_receipts(stage, customer)
    assert answer.data["erasure_id"] == str(erasure)
    assert answer.data["rows"]["payment"] == 2 and len(answer.data["digest"]) == 64
    assert receipt(stage, customer)["rows"]["customer_fact"] == 1, "the first proof stays told"
    assert stage.balance(stayed)["paid"] == "70.00"
    assert proving.prove(database)["differences"] == 0


def total_paid(stage: Stage) -> Decimal:
    found: Any = stage.get("/v1/payments/totals").json
    return sum((Decimal(line["amount"]["amount"]) for line in found["items"]), Decimal(0))


def test_a_database_restored_from_before_the_erasure_forgets_person_and_money_f36(
    stage: Stage,
) -> None:
    """It hears of both anew, in whatever order: nothing is left, and both are receipted."""
    customer = person(stage)
    erasure = uuid7()
    stage.hear(billing_erasing(customer, erasure))
    late = stage.event(CustomerUpdated, customer, name="Karim Ahmed")
    erasing = CustomerErasing(
        subject=customer, sequence=99, operator_path="1/2/", erasure_id=erasure, mode="pseudonymise"
    )
    stage.hear(erasing, late)
    assert traces(stage) == set()
    assert stage.rows("SELECT 1 FROM payment WHERE customer_id = :id", id=customer) == []
    assert len(billing_receipts(stage, customer)) == 1
    assert receipt(stage, customer)["erasure_id"] == str(erasure)
