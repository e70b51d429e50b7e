"""What was charged for the state, by month: as it was declared, and without waiting (E25, promise 3)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from flask import Flask
from sqlalchemy import text

from payments import rollup
from payments import settings as payments_settings
from payments.persistence.taxes import BY_MONTH, NOTHING_SUMMED
from payments.settings import PaymentsSettings
from payments.taxing import TaxRule
from shared.database import EVERYTHING, Database, Scope
from tests.payments.charging_tax import charging
from tests.payments.stage import NORTH, SOUTH, Stage
from tests.support.noon import NOON


def test_taxes_are_reported_by_month_and_branch(app: Flask, stage: Stage) -> None:
    with charging(app, TaxRule(Decimal(15))):
        bills = [stage.bill(stage.customer(path=path), "115.00") for path in (NORTH, NORTH, SOUTH)]
    stage.post(f"/v1/bills/{bills[0]['id']}/void", {"reason": "billed twice"})
    found: Any = stage.get("/v1/reports/taxes").json
    (month,) = found["items"]
    assert (month["charged"]["amount"], month["taken_back"]["amount"], month["owed"]["amount"]) == (
        "45.00", "15.00", "30.00",
    )  # fmt: skip
    (south,) = stage.get("/v1/reports/taxes", SOUTH).json["items"]  # type: ignore[index]
    assert south["owed"]["amount"] == "15.00"
    assert stage.get("/v1/reports/taxes", to="2020-01-01").json["items"] == []  # type: ignore[index]


def test_days_that_are_over_are_summed_up_and_stay_as_they_were_declared(
    app: Flask, stage: Stage, database: Database, settings: PaymentsSettings
) -> None:
    with charging(app, TaxRule(Decimal(15))):
        for days in (70, 40, 40, 3):
            stage.bill(stage.customer(path=NORTH if days == 3 else SOUTH), "115.00")
            _age(database, days)
        stage.bill(stage.customer(path=NORTH), "115.00")
    now = datetime.now(UTC)
    spans: list[dict[str, Any]] = [
        {}, {"from": (now - timedelta(days=40, hours=1)).isoformat()},
        {"to": (now - timedelta(days=39)).isoformat()},
        {"from": (now - timedelta(days=71)).isoformat(), "to": (now - timedelta(days=1)).isoformat()},
    ]  # fmt: skip
    asked = [(path, span) for path in ("1/", NORTH, SOUTH) for span in spans]
    before = [stage.get("/v1/reports/taxes", path, **span).json for path, span in asked]

    while _rolled(database, settings):
        pass

    assert stage.rows("SELECT sum(charged) FROM tax_day")[0][0] == 60
    assert [stage.get("/v1/reports/taxes", path, **span).json for path, span in asked] == before
    for one in stage.rows("SELECT customer_id FROM account WHERE operator_path = :p", p=SOUTH):
        stage.rows("UPDATE account SET operator_path = :p WHERE customer_id = :c RETURNING 1",
                   p=NORTH, c=one.customer_id)  # fmt: skip
    assert stage.get("/v1/reports/taxes", SOUTH).json == before[asked.index((SOUTH, {}))]


def test_the_taxes_of_today_are_found_by_their_time_however_many_there_are(
    app: Flask, stage: Stage, database: Database
) -> None:
    """On a day of mass billing nobody waits for the report to read the ledger."""
    customer = stage.customer(path=NORTH)
    with charging(app, TaxRule(Decimal(15))):
        stage.bill(customer, "115.00")
    assert stage.rows(
        "SELECT e.taxed_at = t.recorded_at FROM ledger_entry e JOIN ledger_transaction t"
        " ON t.id = e.transaction_id WHERE e.account = 'tax'"
    ) == [(True,)]  # fmt: skip
    _book_taxes_of_last_month(database, customer, 20_000)
    now = datetime.now(UTC)
    span = {"begin": now - timedelta(hours=1), "summed": now, "after": now, "end": now,
            "zone": NOON.key, **NOTHING_SUMMED}  # fmt: skip
    for scope, low, high in (
        (EVERYTHING, "", "~"), (Scope(NORTH), NORTH, Scope(NORTH).end),
    ):  # fmt: skip
        with database.transaction(scope) as session:
            explained = text(f"EXPLAIN {BY_MONTH.text}")
            plan = "\n".join(session.scalars(explained, {**span, "low": low, "high": high}))
        assert plan.count("Index Cond: ((taxed_at >=") == 2, plan
        assert "Seq Scan on ledger" not in plan, plan


def test_taxes_of_before_are_given_the_time_of_their_booking(
    app: Flask, stage: Stage, database: Database
) -> None:
    with charging(app, TaxRule(Decimal(15))):
        stage.bill(stage.customer(), "115.00")
    _age(database, 40)
    script = payments_settings.MIGRATIONS / "versions" / "0029_tax_by_time.sql"
    with database.connection() as connection:
        connection.exec_driver_sql("RESET ROLE")
        connection.exec_driver_sql("ALTER TABLE ledger_entry DROP COLUMN taxed_at")
        connection.exec_driver_sql("CREATE INDEX ledger_entry_tax ON ledger_entry (transaction_id)")
        driver: Any = connection.connection.driver_connection
        driver.execute(script.read_text())
        times = connection.exec_driver_sql(
            "SELECT e.account, e.taxed_at = t.recorded_at FROM ledger_entry e"
            " JOIN ledger_transaction t ON t.id = e.transaction_id ORDER BY e.account"
        ).all()
        connection.exec_driver_sql(f"SET ROLE {database.role}")
    assert times == [("receivable", None), ("revenue", None), ("tax", True)]
    assert len(stage.get("/v1/reports/taxes").json["items"]) == 1  # type: ignore[index]


def _book_taxes_of_last_month(database: Database, customer: UUID, many: int) -> None:
    with database.connection() as connection:
        connection.exec_driver_sql("RESET ROLE")
        connection.exec_driver_sql("SET session_replication_role = replica")
        connection.exec_driver_sql(
            "INSERT INTO ledger_entry (transaction_id, line, customer_id, account, amount, taxed_at)"
            " SELECT gen_random_uuid(), 1, %s, 'tax', -15, now() - interval '30 days'"
            " FROM generate_series(1, %s)",
            (customer, many),
        )
        connection.exec_driver_sql("SET session_replication_role = origin")
        connection.exec_driver_sql("ANALYZE ledger_entry")
        connection.exec_driver_sql(f"SET ROLE {database.role}")


def _rolled(database: Database, settings: PaymentsSettings) -> int:
    with database.transaction() as session:
        return rollup.roll(session, settings.time_zone)


def _age(database: Database, days: int) -> None:
    """What was booked until now was booked so many days earlier."""
    with database.connection() as connection:
        connection.exec_driver_sql("RESET ROLE")
        connection.exec_driver_sql("SET session_replication_role = replica")
        for table, column in (("ledger_transaction", "recorded_at"), ("ledger_entry", "taxed_at")):
            connection.exec_driver_sql(
                f"UPDATE {table} SET {column} = {column} - make_interval(days => %s)"
                f" WHERE {column} > now() - interval '1 hour'",
                (days,),
            )
        connection.exec_driver_sql("SET session_replication_role = origin")
        connection.exec_driver_sql(f"SET ROLE {database.role}")
