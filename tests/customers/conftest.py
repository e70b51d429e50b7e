"""A customers service of its own for every test: database, web application, callers."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from werkzeug.test import TestResponse

from customers import bulk, signing_keys
from customers.preparing import migrate
from customers.settings import Settings
from customers.subscriptions import SUBSCRIPTIONS
from customers.web import build
from shared import jobs
from shared.database import Database
from shared.events import Wire
from shared.inbox import take
from shared.tokens import Principal, Role, issue
from tests.support.databases import drop, fresh, read_settings


@dataclass
class Caller:
    """A front end with a token: `get`, `post`, `patch`, `delete` with JSON in and out."""

    client: FlaskClient
    token: str
    id: UUID
    path: str
    numbers: list[int] = field(default_factory=lambda: [0])

    def call(self, method: str, url: str, body: Any = None, **headers: str) -> TestResponse:
        return self.client.open(
            url, method=method, data=None if body is None else orjson.dumps(body),
            headers={
                "Authorization": f"Bearer {self.token}",
                **({} if body is None else {"Content-Type": "application/json"}),
                **{name.replace("_", "-"): value for name, value in headers.items()},
            },
        )  # fmt: skip

    def get(self, url: str) -> TestResponse:
        return self.call("GET", url)

    def post(self, url: str, body: Any = None, **headers: str) -> TestResponse:
        return self.call("POST", url, body if body is not None else {}, **headers)

    def delete(self, url: str, **headers: str) -> TestResponse:
        return self.call("DELETE", url, **headers)

    def patch(self, url: str, body: Any, match: str = "*") -> TestResponse:
        return self.call("PATCH", url, body, If_Match=match)

    def bulk(self, url: str, body: Any) -> TestResponse:
        """With an Idempotency-Key of its own."""
        self.numbers[0] += 1
        return self.post(url, body, Idempotency_Key=f"test-key-{self.numbers[0]:06d}")


@dataclass
class Site:
    """The service as its tests see it; `admin` is the first operator."""

    settings: Settings
    app: Flask
    database: Database
    admin: Caller = field(init=False)

    def caller(self, operator_id: UUID, path: str, role: Role, name: str = "caller") -> Caller:
        with self.database.transaction() as session:
            key = signing_keys.current(session, self.settings.secret_key)
        principal = Principal(id=operator_id, name=name, role=role, path=path, generation=1)
        return Caller(self.app.test_client(), issue(principal, key), operator_id, path)

    def operator(
        self, username: str, role: Role = "reseller", above: Caller | None = None
    ) -> Caller:
        """A new operator below `above` (the admin), signed in."""
        answer = (above or self.admin).post(
            "/v1/operators",
            {
                "username": username,
                "name": username.title(),
                "role": role,
                "password": f"{username}-password",
            },
        )
        assert answer.status_code == 201, answer.text
        found = self.one("SELECT id, operator_path FROM operator WHERE username = :n", n=username)
        return self.caller(found.id, found.operator_path, role, username)

    def package(self, name: str = "Home 10", **more: Any) -> str:
        body = {
            "name": name,
            "price": {"amount": "500.00", "currency": "BDT"},
            "billing_cycle": "monthly",
            "download_kbps": 10_000,
            "upload_kbps": 5_000,
            "validity_days": 30,
        }
        answer = self.admin.post("/v1/packages", body | more)
        assert answer.status_code == 201, answer.text
        return str(answer.json["id"])  # type: ignore[index]

    def customer(self, username: str, caller: Caller | None = None, **more: Any) -> dict[str, Any]:
        body = {"name": username.title(), "username": username, "password": "secret-1"}
        answer = (caller or self.admin).post("/v1/customers", body | more)
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.get_json()
        return made

    def deleted(self, username: str, reason: str = "closed_account", **more: Any) -> dict[str, Any]:
        made = self.customer(username, **more)
        answer = self.admin.post(f"/v1/customers/{made['id']}/delete", {"reason": reason})
        assert answer.status_code == 200, answer.text
        return made

    def rows(self, sql: str, **params: Any) -> list[Any]:
        with self.database.transaction() as session:
            return list(session.execute(text(sql), params))

    def one(self, sql: str, **params: Any) -> Any:
        (row,) = self.rows(sql, **params)
        return row

    def change(self, sql: str, **params: Any) -> None:
        """A change that only time or another service makes."""
        with self.database.transaction() as session:
            # The limit is for requests: some changes fill a table, on a busy machine.
            session.execute(text("SET LOCAL statement_timeout = 0"))
            session.execute(text(sql), params)

    def events(self, subject: str) -> list[Any]:
        return self.rows("SELECT * FROM outbox WHERE subject = :s ORDER BY position", s=subject)

    def hear(self, *events: Wire) -> None:
        take(self.database, SUBSCRIPTIONS, "payments", list(events))
        assert self.rows("SELECT error FROM dead_letter") == []

    def run_jobs(self) -> None:
        jobs.run_due(self.database, bulk.JOBS)


@pytest.fixture
def site(postgres: str, redis_url: str, tmp_path: Path) -> Iterator[Site]:
    yield from make_site(postgres, redis_url, tmp_path)


def make_site(postgres: str, redis_url: str, home: Path) -> Iterator[Site]:
    """For fixtures: a site on an empty database, dropped afterwards."""
    settings = read_settings("customers", "customers", Settings, postgres, home, redis_url)
    settings = fresh(settings, migrate)
    app = build(settings)
    made = Site(settings, app, app.extensions["tenure.database"])
    first = made.one("SELECT id, operator_path FROM operator")
    made.admin = made.caller(first.id, first.operator_path, "admin", "admin")
    yield made
    made.database.close()
    drop(settings)


@pytest.fixture
def account() -> Callable[..., Wire]:
    """An `account.changed` of payments on the wire."""

    def make(subject: str, sequence: int, **more: Any) -> Wire:
        data = {
            "currency": "BDT", "billed": "0", "paid": "0", "outstanding": "0", "overdue": False,
            "overdue_amount": "0", "available_funds": "0",
        }  # fmt: skip
        kind = more.pop("type", "account.changed")
        return {
            "id": f"00000000-0000-7000-8000-{sequence:012d}", "type": kind, "subject": subject,
            "sequence": sequence, "operatorpath": "1/", "data": data | more,
        }  # fmt: skip

    return make
