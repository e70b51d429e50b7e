"""Ageing, and sums of days."""

from __future__ import annotations

import csv
import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from importlib import import_module
from typing import Any
from uuid import UUID

import pytest

from payments import rollup, tasks
from payments.jobs import kinds
from payments.persistence import ageing
from payments.settings import PaymentsSettings
from shared.database import Database
from shared.jobs import run_due
from tests.payments.dunning import today
from tests.payments.stage import NORTH, SOUTH, Stage


def test_what_is_owed_is_shown_by_how_long_it_is_due(stage: Stage) -> None:
    north, south = stage.customer(), stage.customer("Rahim", SOUTH)
    for customer, days, amount in (
        (north, -5, "10.00"), (north, 2, "20.00"), (north, 45, "30.00"), (south, 200, "40.00"),
        (south, 201, "1.00"),
    ):  # fmt: skip
        due = (datetime.now(UTC) - timedelta(days=days)).isoformat()
        stage.bill(customer, amount, due_at=due)
    stage.paid(north, "5.00")

    def ages(path: str = "1/", **query: str) -> list[tuple[Any, ...]]:
        role: Any = "admin" if path == "1/" else "manager"
        found: Any = stage.get("/v1/reports/ageing", path, role, **query).json
        return [
            (i["age"], i["unpaid"]["amount"], i["bills"], i["customers"]) for i in found["items"]
        ]

    assert ages() == [
        ("not_due", "10.00", 1, 1), ("1-30", "20.00", 1, 1), ("31-60", "25.00", 1, 1),
        ("91+", "41.00", 2, 1),
    ]  # fmt: skip
    assert ages(SOUTH) == [("91+", "41.00", 2, 1)]
    assert len(ages(by="operator")) == 4
    assert stage.get("/v1/reports/ageing", by="moon").status_code == 422


def history(stage: Stage, customer: UUID, chance: random.Random) -> None:
    """Payments over the last days, as a load writes them."""
    for number in range(40):
        when = datetime.now(UTC) - timedelta(minutes=chance.randrange(0, 9 * 24 * 60))
        stage.rows(
            "INSERT INTO payment (id, customer_id, operator_path, amount, currency, method, paid_at,"
            " recorded_at, operator_id, operator_name, receipt_number, gateway) VALUES"
            " (gen_random_uuid(), :customer, (SELECT operator_path FROM account"
            " WHERE customer_id = :customer), :amount, 'BDT', :method, :at, :at, :operator, 'x',"
            " :number, CASE WHEN :amount = 5 THEN 'bkash' END) RETURNING 1",
            customer=customer, amount=chance.choice((1, 5, 10)), at=when,
            method=chance.choice(("cash", "bkash")), operator=UUID(int=chance.randrange(1, 3)),
            number=f"{customer}-{number}",
        )  # fmt: skip


def _answers(stage: Stage) -> list[Any]:
    start, end = today() - timedelta(days=6), today() - timedelta(days=1)
    asked: list[dict[str, str]] = [
        {}, {"from": str(start)}, {"to": str(end)}, {"from": str(start), "to": str(end)},
        {"method": "cash"}, {"operator_id": str(UUID(int=1))},
        {"from": f"{start}T09:30:00Z", "to": f"{end}T21:00:00Z"}, {"from": f"{end}T09:00:00Z"},
        {"from": f"{end}T09:00:00Z", "to": f"{end}T10:00:00Z"},
    ]  # fmt: skip
    found = [
        stage.get("/v1/payments/totals", path, role, **{name: value}).json  # type: ignore[arg-type]
        for path, role in (("1/", "admin"), (NORTH, "manager"))
        for name, value in (("gateway", "bkash"), ("status", "recorded"), ("status", "refunded"))
    ]
    for query in asked:
        for path, role in (("1/", "admin"), (NORTH, "manager")):
            found.append(stage.get("/v1/payments/totals", path, role, **query).json)  # type: ignore[arg-type]
            for by in ("day,method,operator", "method", "operator"):
                report = stage.get("/v1/reports/collections", path, role, by=by, **query)  # type: ignore[arg-type]
                found.append(report.json)
    return found


@pytest.mark.parametrize("seed", [1, 2])
def test_sums_of_days_answer_as_the_payments_do(
    stage: Stage, database: Database, settings: PaymentsSettings, seed: int
) -> None:
    chance = random.Random(seed)
    customers = [stage.customer(), stage.customer("Rahim", SOUTH)]
    for customer in customers:
        history(stage, customer, chance)
    stage.paid(customers[0], "3.00")
    before = _answers(stage)

    tasks.roll_up(database, settings)

    assert stage.rows("SELECT 1 FROM collection_day LIMIT 1")
    assert _answers(stage) == before
    # A change of a day that is summed up is seen at once, and after the next round as well.
    old = "(SELECT id FROM payment WHERE recorded_at < now() - interval '3 days' LIMIT 3)"
    stage.rows(f"UPDATE payment SET status = 'voided' WHERE id IN {old} RETURNING 1")
    stage.rows(
        "UPDATE payment SET refunded = amount, status = 'refunded' WHERE id = (SELECT id FROM payment"
        " WHERE recorded_at < now() - interval '4 days' AND status = 'recorded' LIMIT 1) RETURNING 1"
    )
    _history_again = stage.customer("New", NORTH)
    history(stage, _history_again, chance)
    dirty = _answers(stage)
    assert dirty != before
    stage.rows("DELETE FROM collection_day RETURNING 1")
    stage.rows("DELETE FROM collection_rolled RETURNING 1")
    assert _answers(stage) == dirty, "the payments themselves say the same"
    tasks.roll_up(database, settings)
    assert _answers(stage) == dirty
    assert stage.rows("SELECT 1 FROM collection_dirty") == []


def test_totals_by_gateway_status_and_hour_read_the_sums_of_days(
    stage: Stage, database: Database, settings: PaymentsSettings
) -> None:
    history(stage, stage.customer(), random.Random(5))
    tasks.roll_up(database, settings)
    stage.rows("UPDATE collection_day SET amount = amount + 1000000 RETURNING 1")

    asked: tuple[dict[str, Any], ...] = (
        {"gateway": "bkash"}, {"status": "recorded"},
        {"from": f"{today() - timedelta(days=8)}T05:00:00Z"},
    )  # fmt: skip
    for query in asked:
        found: Any = stage.get("/v1/payments/totals", **query).json
        assert float(found["items"][0]["amount"]["amount"]) > 1_000_000, query


def test_a_report_of_too_many_lines_is_refused_summed_up_or_not(
    stage: Stage, database: Database, settings: PaymentsSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    history(stage, stage.customer(), random.Random(6))
    monkeypatch.setattr(ageing, "MOST_LINES", 1)
    monkeypatch.setattr(import_module("payments.api.reports"), "MOST_LINES", 1)

    for _ in range(2):
        refused: Any = stage.get("/v1/reports/collections", by="day")
        assert refused.status_code == 422, refused.json
        assert [(e["parameter"], e["code"]) for e in refused.json["errors"]] == [("by", "too_many")]
        assert stage.get("/v1/reports/collections", by="method", method="cash").status_code == 200
        tasks.roll_up(database, settings)


def test_collections_of_any_length_are_exported_as_the_report_shows_them_e24(
    stage: Stage, database: Database, settings: PaymentsSettings
) -> None:
    history(stage, stage.customer(), random.Random(8))
    history(stage, stage.customer("Rahim", SOUTH), random.Random(9))
    since = {"from": str(today() - timedelta(days=6)), "method": "cash"}
    for path, role in (("1/", "admin"), (SOUTH, "manager")):
        report: Any = stage.get("/v1/reports/collections", path, role, **since).json  # type: ignore[arg-type]
        asked: Any = stage.post(
            "/v1/exports",
            {"resource": "collections", "filter": since},
            path,
            role,  # type: ignore[arg-type]
        )
        assert asked.status_code == 202, asked.json
        run_due(database, kinds(settings))

        answer = stage.get(f"/v1/exports/{asked.json['export_id']}/file", path, role)  # type: ignore[arg-type]
        rows = list(csv.DictReader(answer.data.decode("utf-8-sig").splitlines()))
        answer.close()

        assert len(rows) == len(report["items"]) > 0
        exported = [
            (row["Day"], row["Operator"], int(row["Payments"]), Decimal(row["Net"])) for row in rows
        ]
        shown = [
            (item["day"], item["operator_name"], item["payments"], Decimal(item["net"]["amount"]))
            for item in report["items"]
        ]
        assert sorted(exported) == sorted(shown)


def test_a_day_is_summed_up_once_and_again_when_it_changes(
    stage: Stage, database: Database, settings: PaymentsSettings
) -> None:
    customer = stage.customer()
    history(stage, customer, random.Random(3))
    tasks.roll_up(database, settings)
    with database.transaction() as session:
        assert rollup.roll(session, settings.time_zone) == 0
    stage.erase(customer, "everything")
    assert stage.rows("SELECT 1 FROM collection_dirty")
    tasks.roll_up(database, settings)
    assert stage.rows("SELECT 1 FROM collection_day") == []
