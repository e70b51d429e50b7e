"""What tests of dunning need: days, policies and promises, by the API."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from tests.payments.stage import Stage
from tests.support.noon import NOON

LONG_AGO = "2026-01-01T00:00:00Z"


def today() -> date:
    return datetime.now(NOON).date()


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json["errors"][0]["code"]


def put(stage: Stage, url: str, body: dict[str, Any], match: str | None = None) -> Any:
    headers = {**stage.bearer(), "If-Match": match or stage.get(url).headers["ETag"]}
    return stage.client.put(url, json=body, headers=headers)


def holidays(stage: Stage, *days: date, weekend: tuple[int, ...] = ()) -> None:
    named = [{"day": day.isoformat(), "name": "Eid"} for day in days]
    answer = put(stage, "/v1/holidays", {"weekend": list(weekend), "holidays": named})
    assert answer.status_code == 200, answer.json


def policy(stage: Stage, name: str = "default", **more: Any) -> Any:
    body = {"grace_days": 3, "promise_days": 7, "promises_a_quarter": 3, **more}
    return put(stage, f"/v1/dunning-policies/{name}", body)


def promise(stage: Stage, customer: UUID, days: int = 3, path: str = "1/", **more: Any) -> Any:
    body = {"until": (today() + timedelta(days=days)).isoformat(), **more}
    role: Any = "admin" if path == "1/" else "reseller"
    return stage.post(f"/v1/customers/{customer}/promises", body, path, role)


def overdue(stage: Stage, customer: UUID) -> bool:
    found = bool(stage.events(customer)[-1].data["overdue"])
    assert stage.balance(customer)["overdue"] == found
    return found
