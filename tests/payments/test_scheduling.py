"""Exports of every finished day or week (E24)."""

from __future__ import annotations

import random
from datetime import date, timedelta
from typing import Any

import pytest

from payments import scheduling, tasks
from payments.jobs import kinds
from payments.settings import PaymentsSettings
from shared.database import Database
from shared.jobs import run_due
from tests.payments.dunning import today
from tests.payments.stage import NORTH, SOUTH, Stage
from tests.payments.test_reports import history
from tests.support.noon import NOON


def schedule(stage: Stage, path: str = "1/", **more: Any) -> Any:
    body = {"resource": "payments", "every": "day", **more}
    return stage.post("/v1/export-schedules", body, path, "admin" if path == "1/" else "reseller")


def test_every_finished_day_is_exported_once(
    stage: Stage, database: Database, settings: PaymentsSettings
) -> None:
    history(stage, stage.customer(), random.Random(4))
    made = schedule(stage, filter={"method": "cash"})
    assert made.status_code == 201, made.json
    tasks.schedule_exports(database, settings)
    assert stage.rows("SELECT 1 FROM export") == [], "today is not over"
    stage.rows(
        "UPDATE export_schedule SET last_period = :day RETURNING 1", day=today() - timedelta(days=4)
    )

    for _ in range(2):
        tasks.schedule_exports(database, settings)

    asked = stage.rows("SELECT params->'filter' AS filter FROM export ORDER BY created_at, id")
    days = [str(today() - timedelta(days=n)) for n in (3, 2, 1)]
    assert sorted((a.filter["from"], a.filter["to"]) for a in asked) == [(d, d) for d in days]
    run_due(database, kinds(settings))
    listed: Any = stage.get("/v1/exports").json
    assert {item["state"] for item in listed["items"]} == {"succeeded"}
    rows = sum(item["rows_written"] for item in listed["items"])
    expected = stage.rows(
        "SELECT count(*) FROM payment WHERE method = 'cash' AND"
        " (recorded_at AT TIME ZONE :zone)::date BETWEEN :first AND :last",
        first=today() - timedelta(days=3), last=today() - timedelta(days=1), zone=NOON.key,
    )  # fmt: skip
    assert rows == expected[0][0]


def test_a_weekly_schedule_begins_on_monday_and_catches_up_a_few(
    stage: Stage, database: Database, settings: PaymentsSettings
) -> None:
    schedule(stage, every="week")
    stage.rows("UPDATE export_schedule SET last_period = '2026-01-05' RETURNING 1")
    tasks.schedule_exports(database, settings)
    asked = stage.rows("SELECT params->'filter'->>'from' AS first FROM export")
    assert len(asked) == 7
    assert {date.fromisoformat(a.first).weekday() for a in asked} == {0}


def test_who_is_dismissed_gets_no_more_files(
    stage: Stage, database: Database, settings: PaymentsSettings
) -> None:
    stage.operator(NORTH, "north")
    schedule(stage, NORTH)
    stage.rows("UPDATE operator_fact SET active = false RETURNING 1")
    stage.rows("UPDATE export_schedule SET last_period = '2026-01-05' RETURNING 1")
    tasks.schedule_exports(database, settings)
    assert stage.rows("SELECT 1 FROM export") == []


def test_a_schedule_is_of_its_branch_and_goes_when_it_is_dropped(stage: Stage) -> None:
    made = schedule(stage, NORTH)
    url = f"/v1/export-schedules/{made.json['id']}"
    assert stage.get(url, SOUTH, "reseller").status_code == 404
    assert stage.get("/v1/export-schedules", SOUTH, "reseller").json["items"] == []  # type: ignore[index]
    headers = stage.bearer(NORTH, "reseller")
    assert stage.client.delete(url, headers=headers).status_code == 428
    assert stage.client.delete(url, headers={**headers, "If-Match": '"9"'}).status_code == 412
    assert stage.client.delete(url, headers={**headers, "If-Match": '"1"'}).status_code == 200
    assert stage.get(url, NORTH, "reseller").status_code == 404


def change_schedule(
    stage: Stage, made: Any, etag: str | None = None, path: str = NORTH, **changes: Any
) -> Any:
    return stage.client.patch(
        f"/v1/export-schedules/{made.json['id']}", json=changes,
        headers={**stage.bearer(path, "reseller"), "If-Match": etag or made.headers["ETag"]},
    )  # fmt: skip


def test_a_schedule_is_changed_by_who_saw_it_last(stage: Stage) -> None:
    made = schedule(stage, NORTH, filter={"method": "cash"}, columns=["amount"])
    url = f"/v1/export-schedules/{made.json['id']}"
    headers = stage.bearer(NORTH, "reseller")

    assert stage.client.patch(url, json={"format": "xlsx"}, headers=headers).status_code == 428
    assert change_schedule(stage, made, path=SOUTH, format="xlsx").status_code == 404
    changed = change_schedule(stage, made, format="xlsx", filter={"method": "nagad"}, columns=None)
    late = change_schedule(stage, made, format="parquet")

    assert changed.status_code == 200, changed.json
    assert changed.json == made.json | {
        "format": "xlsx", "filter": {"method": "nagad"}, "columns": None, "version": 2,
    }  # fmt: skip
    assert changed.json == stage.get(url, NORTH, "reseller").json
    assert changed.headers["ETag"] == '"2"' and late.status_code == 412
    for wrong, pointer in (
        ({"resource": "bills"}, "/resource"), ({"every": "month"}, "/every"),
        ({"filter": {"q": "Karim"}}, "/filter/q"), ({"columns": ["colour"]}, "/columns"),
        ({"format": None}, "/format"), ({"columns": []}, "/columns"),
    ):  # fmt: skip
        answer = change_schedule(stage, made, '"2"', **wrong)
        assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, pointer)
    (logged,) = stage.rows(
        "SELECT d.before, d.after FROM operation o JOIN operation_detail d ON d.operation_id = o.id"
        " WHERE o.action = 'export_schedule.changed'"
    )
    assert logged.before["format"] == "csv" and logged.after["filter"] == {"method": "nagad"}


@pytest.mark.parametrize(
    ("every", "last", "other", "first"),
    [
        # 2026-11-11 is a Wednesday: Monday to Wednesday are there, and come in the week's file again.
        ("day", "2026-11-11", "week", "2026-11-09"),
        ("day", "2026-11-15", "week", "2026-11-16"),
        ("week", "2026-11-09", "day", "2026-11-16"),
        ("week", "2026-11-09", "week", "2026-11-16"),
    ],
)
def test_no_day_is_left_out_when_a_schedule_gets_another_length(
    stage: Stage, every: str, last: str, other: str, first: str
) -> None:
    made = schedule(stage, NORTH, every=every)
    stage.rows("UPDATE export_schedule SET last_period = :last RETURNING 1", last=last)

    changed: Any = change_schedule(stage, made, every=other).json

    then = date.fromisoformat(changed["last_period"]) + scheduling.length(other)
    assert then == date.fromisoformat(first)


def test_collections_are_exported_every_week(
    stage: Stage, database: Database, settings: PaymentsSettings
) -> None:
    history(stage, stage.customer(), random.Random(5))
    made = schedule(stage, resource="collections", every="week", filter={"method": "cash"})
    assert made.status_code == 201, made.json
    stage.rows("UPDATE export_schedule SET last_period = last_period - 14 RETURNING 1")

    tasks.schedule_exports(database, settings)
    run_due(database, kinds(settings))

    listed: Any = stage.get("/v1/exports").json
    made_of = {(item["resource"], item["state"]) for item in listed["items"]}
    assert made_of == {("collections", "succeeded")}
    asked = stage.rows("SELECT params->'filter'->>'method' AS method FROM export")
    assert len(asked) >= 2 and {one.method for one in asked} == {"cash"}


def test_bad_schedules_are_refused_by_the_field(stage: Stage) -> None:
    for change, pointer in (
        ({"every": "month"}, "/every"),
        ({"resource": "moon"}, "/resource"),
        ({"filter": {"from": "2026-01-01"}}, "/filter/from"),
        ({"filter": {"q": "Karim"}}, "/filter/q"),
        ({"filter": {"colour": "red"}}, "/filter/colour"),
        ({"columns": ["colour"]}, "/columns"),
        ({"format": "pdf"}, "/format"),
    ):
        answer = schedule(stage, **change)
        assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, pointer)
    assert stage.rows("SELECT 1 FROM export_schedule") == []
