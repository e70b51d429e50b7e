"""Policies by customer class and the calendar of holidays: who may set them, and to what (C9-C15)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import text

from payments.preparing import migrate
from payments.settings import PaymentsSettings
from shared.database import Database
from tests.payments.dunning import overdue, policy, put
from tests.payments.stage import NORTH, Stage
from tests.support.noon import NOON


def test_a_class_has_its_own_grace(stage: Stage, clock: Any) -> None:
    business = uuid4()
    assert policy(stage, grace_days=1).status_code == 200
    assert policy(stage, str(business), grace_days=30).status_code == 200
    patient = stage.customer("Company", class_id=business)
    hurried = stage.customer("Karim", class_id=uuid4())
    due = (datetime.now(UTC) - timedelta(days=2)).isoformat()
    for customer in (patient, hurried):
        stage.bill(customer, due_at=due)
    clock()
    assert overdue(stage, hurried)
    assert not overdue(stage, patient)
    policy(stage, str(business), grace_days=0)
    clock()
    assert overdue(stage, patient)


def test_policies_and_holidays_are_written_over_what_was_read(stage: Stage) -> None:
    assert policy(stage, grace_days=5).headers["ETag"] == '"1"'
    assert policy(stage, grace_days=6).headers["ETag"] == '"2"'
    body = {"grace_days": 1, "promise_days": 7, "promises_a_quarter": 3}
    assert put(stage, "/v1/dunning-policies/default", body, '"1"').status_code == 412
    assert stage.client.put(
        "/v1/dunning-policies/default", json=body, headers=stage.bearer()
    ).status_code == 428  # fmt: skip
    calendar: dict[str, Any] = {"weekend": [], "holidays": []}
    assert put(stage, "/v1/holidays", calendar, '"9"').status_code == 412
    items: Any = stage.get("/v1/dunning-policies").json
    assert [(item["class_id"], item["grace_days"]) for item in items["items"]] == [(None, 6)]


def test_the_calendar_is_of_the_sites_zone_before_anybody_sets_it(
    stage: Stage, settings: PaymentsSettings, database: Database
) -> None:
    """C13: a day without a cut-off begins at the ISP's midnight; what is set keeps its zone."""
    assert stage.get("/v1/holidays").json["time_zone"] == NOON.key  # type: ignore[index]
    migrate(replace(settings, time_zone="Asia/Kathmandu"))
    with database.transaction() as session:
        # 18:30 UTC is 00:15 of the next day in Kathmandu.
        session.execute(text("INSERT INTO holiday VALUES ('2026-03-02', 'Holi')"))
        day = text("SELECT working_day('2026-03-01T18:30:00Z')")
        assert session.scalar(day) is False
        session.execute(text("DELETE FROM holiday"))
    put(stage, "/v1/holidays", {"weekend": [], "holidays": []})
    migrate(replace(settings, time_zone="Europe/London"))
    assert stage.get("/v1/holidays").json["time_zone"] == NOON.key  # type: ignore[index]


def test_only_an_admin_sets_policies_and_holidays(stage: Stage) -> None:
    for url in ("/v1/dunning-policies/default", "/v1/holidays"):
        assert stage.get(url, NORTH, "reseller").status_code == 200
        headers = {**stage.bearer(NORTH, "manager"), "If-Match": "*"}
        answer: Any = stage.client.put(url, json={}, headers=headers)
        assert (answer.status_code, answer.json["permission"]) == (403, "dunning.write")
    assert stage.get("/v1/dunning-policies/nonsense").status_code == 404


def test_bad_policies_holidays_and_promises_are_refused_by_the_field(stage: Stage) -> None:
    for url, good, bad in (
        ("/v1/dunning-policies/default", {"grace_days": 1, "promise_days": 1, "promises_a_quarter": 1},
         ({"grace_days": -1}, {"remind_days": [1, 1]}, {"promise_days": 91}, {"colour": 1})),
        ("/v1/holidays", {"weekend": [], "holidays": []},
         ({"weekend": [0]}, {"weekend": [1, 2, 3, 4, 5, 6, 7]},
          {"holidays": [{"day": "2026-02-30", "name": "x"}]},
          {"holidays": [{"day": "2026-02-01", "name": "x"}, {"day": "2026-02-01", "name": "y"}]})),
    ):  # fmt: skip
        for change in bad:
            answer: Any = put(stage, url, {**good, **change}, "*")
            assert answer.status_code == 422, change
            assert answer.json["errors"][0]["pointer"].startswith(f"/{next(iter(change))}")
    customer = stage.customer()
    stage.bill(customer)
    assert stage.post(f"/v1/customers/{customer}/promises", {"until": "soon"}).status_code == 422
