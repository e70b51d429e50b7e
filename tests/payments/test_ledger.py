"""Nobody can change the ledger, and it proves itself every night (promise 3)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError
from uuid_utils.compat import uuid7

from payments import money, proving
from shared.database import Database
from tests.payments.stage import Stage


def test_the_service_can_neither_change_nor_remove_a_ledger_row(
    stage: Stage, database: Database
) -> None:
    stage.paid(stage.customer())

    for table in ("ledger_entry", "ledger_transaction", "erased_money"):
        for statement in (f"DELETE FROM {table}", f"TRUNCATE {table}"):
            with pytest.raises(DBAPIError, match="permission denied"), database.transaction() as s:
                s.execute(text(statement))
    with pytest.raises(DBAPIError, match="permission denied"), database.transaction() as session:
        session.execute(text("UPDATE ledger_entry SET amount = amount * 2"))


def test_not_even_the_owner_of_the_tables_changes_the_ledger_by_accident(
    stage: Stage, database: Database
) -> None:
    stage.paid(stage.customer())

    for statement in (
        "UPDATE ledger_entry SET amount = amount * 2",
        "DELETE FROM ledger_transaction",
        "TRUNCATE ledger_entry, ledger_transaction",
    ):
        with pytest.raises(DBAPIError, match="append-only"), database.transaction() as session:
            session.execute(text("RESET ROLE"))
            session.execute(text(statement))


def test_a_transaction_that_does_not_balance_is_refused_at_commit(
    stage: Stage, database: Database
) -> None:
    customer = stage.customer()
    header = (
        "INSERT INTO ledger_transaction (id, customer_id, kind, currency, effective_at)"
        " VALUES (:id, :customer, 'payment', 'BDT', now())"
    )
    line = (
        "INSERT INTO ledger_entry (transaction_id, line, customer_id, account, amount)"
        " VALUES (:id, :line, :customer, 'receivable', :amount)"
    )
    wrong: list[list[tuple[int, str]]] = [
        [],
        [(1, "5.00")],
        [(1, "5.00"), (2, "-4.99")],
        [(2, "5.00"), (3, "-5.00")],
        [(1, "5.001"), (2, "-5.001")],
    ]
    for lines in wrong:
        params = {"id": uuid7(), "customer": customer}
        with pytest.raises(DBAPIError), database.transaction() as session:
            session.execute(text(header), params)
            for number, amount in lines:
                session.execute(text(line), {**params, "line": number, "amount": amount})

    params = {"id": uuid7(), "customer": customer}
    with database.transaction() as session:
        session.execute(text(header), params)
        for number, amount in ((1, "5.00"), (2, "-5.00")):
            session.execute(text(line), {**params, "line": number, "amount": amount})
    with pytest.raises(IntegrityError, match="does not balance"), database.transaction() as session:
        session.execute(text(line), {**params, "line": 3, "amount": "1.00"})


def test_the_nightly_proof_finds_an_account_that_is_off_by_one_paisa(
    stage: Stage, database: Database
) -> None:
    customer = stage.customer()
    stage.bill(customer, "500.00")
    stage.paid(customer, "200.00")
    assert proving.prove(database) == {"accounts": 1, "differences": 0}

    with database.transaction() as session:
        session.execute(
            text("UPDATE account SET paid = paid + 0.01, outstanding = outstanding - 0.01")
        )
    assert proving.prove(database)["differences"] == 2

    report: Any = stage.get("/v1/reports/ledger-proof").json
    assert {found["kind"] for found in report["findings"]} == {"account", "receivable"}


def test_the_nightly_proof_finds_transactions_that_make_up_for_one_another(
    stage: Stage, database: Database
) -> None:
    stage.paid(stage.customer(), "200.00")
    customer = stage.customer("Rahim")
    stage.paid(customer, "100.00")
    stage.paid(customer, "50.00")
    with database.transaction() as session:
        session.execute(text("RESET ROLE"))
        session.execute(text("SET LOCAL session_replication_role = replica"))
        for sign, amount in (("+", 100), ("-", 50)):
            session.execute(
                text(
                    f"UPDATE ledger_entry SET amount = amount {sign} 1"
                    " WHERE customer_id = :customer AND account = 'cash' AND amount = :amount"
                ),
                {"customer": customer, "amount": amount},
            )

    assert proving.prove(database)["differences"] == 2

    report: Any = stage.get("/v1/reports/ledger-proof").json
    assert [found["kind"] for found in report["findings"]] == ["unbalanced"] * 2


def test_the_nightly_proof_holds_back_no_events_and_keeps_what_each_check_found(
    stage: Stage, database: Database
) -> None:
    stage.paid(stage.customer(), "200.00")
    with database.transaction() as session:
        assert [proving.compare(session, check) for check in proving.CHECKS] == [0] * len(
            proving.CHECKS
        )
        assert session.scalar(text("SELECT pg_current_xact_id_if_assigned()::text")) is None
    stage.rows(
        "UPDATE account SET paid = paid + 0.01, outstanding = outstanding - 0.01 RETURNING 1"
    )

    assert proving.prove(database) == {"accounts": 1, "differences": 2}
    assert proving.prove(database) == {"accounts": 1, "differences": 2}

    report: Any = stage.get("/v1/reports/ledger-proof").json
    assert sorted(found["kind"] for found in report["findings"]) == ["account", "receivable"]


def test_the_database_and_the_program_agree_on_every_currencys_decimals(database: Database) -> None:
    with database.transaction() as session:
        theirs = {
            code: session.scalar(text("SELECT minor_units(:code)"), {"code": code})
            for code in sorted(money.CURRENCIES)
        }
    assert theirs == {code: money.minor_units(code) for code in money.CURRENCIES}


def test_the_use_of_a_postpaid_customers_credit_is_a_view_of_the_ledger_c24_c43(
    stage: Stage,
) -> None:
    customer = stage.customer(balance_control="postpaid", credit_limit=Decimal("300.00"))
    prepaid = stage.customer("Rahim", credit_limit=Decimal("300.00"))

    def credit(one: Any) -> tuple[Any, ...]:
        found = stage.balance(one)
        return tuple(found[f"credit_{name}"] for name in ("limit", "used", "left"))

    assert credit(customer) == ("300.00", "0.00", "300.00")
    stage.bill(customer, "250.00")
    assert credit(customer) == ("300.00", "250.00", "50.00")
    stage.bill(customer, "100.00")
    assert credit(customer) == ("300.00", "350.00", "0.00")
    stage.paid(customer, "400.00")
    assert credit(customer) == ("300.00", "0.00", "300.00")
    assert credit(prepaid) == (None, None, None)
