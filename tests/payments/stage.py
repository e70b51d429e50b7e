"""A small ISP as payments hears of it: operators, packages, customers; and short ways to call the API."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from flask.testing import FlaskClient
from joserfc.jwk import OKPKey
from sqlalchemy import text
from uuid_utils.compat import uuid7
from werkzeug.test import TestResponse

from payments.subscriptions import SUBSCRIPTIONS
from shared.database import Database
from shared.events import (
    CustomerActivated,
    CustomerCreated,
    CustomerErasing,
    CustomerEvent,
    CustomerFacts,
    CustomerUpdated,
    Event,
    OperatorChanged,
    PackageChanged,
    Wire,
    payload,
)
from shared.inbox import take
from shared.tokens import Principal, Role, issue

KEY = OKPKey.generate_key("Ed25519", parameters={"kid": "test"}, auto_kid=False)
NORTH, SOUTH = "1/2/", "1/3/"


def wire(event: Event, at: datetime | None = None) -> Wire:
    """The event as customers' feed shows it."""
    return {
        "specversion": "1.0",
        "id": str(uuid7()),
        "source": "/customers",
        "type": event.type,
        "subject": str(event.subject),
        "time": (at or datetime.now(UTC)).isoformat(),
        "datacontenttype": "application/json",
        "sequence": event.sequence,
        "operatorpath": event.operator_path,
        "actorid": "system",
        "data": payload(event),
    }


def operator_id(path: str) -> UUID:
    return UUID(int=int(path.rstrip("/").rpartition("/")[2]))


@dataclass
class Stage:
    database: Database
    client: FlaskClient
    keys: Any = field(default_factory=lambda: itertools.count(1))
    facts: dict[UUID, tuple[int, CustomerFacts]] = field(default_factory=dict)

    def hear(self, *events: Event, at: datetime | None = None) -> None:
        """Take events as one batch, and fail when one of them became a dead letter."""
        take(self.database, SUBSCRIPTIONS, "customers", [wire(event, at) for event in events])
        assert self.rows("SELECT error FROM dead_letter WHERE state = 'dead'") == []

    def operator(self, path: str, username: str) -> UUID:
        found = operator_id(path)
        self.hear(
            OperatorChanged(
                subject=found, sequence=1, operator_path=path, username=username,
                name=username.title(), role="reseller", parent_id=None, active=True,
            )
        )  # fmt: skip
        return found

    def package(
        self, price: str = "500.00", *, days: int = 30, currency: str = "BDT", name: str = "Home 20"
    ) -> UUID:
        found = uuid7()
        self.hear(self.package_event(found, price, days=days, currency=currency, name=name))
        return found

    def package_event(
        self, id: UUID, price: str, *, days: int = 30, currency: str = "BDT", name: str = "Home 20"
    ) -> PackageChanged:
        return PackageChanged(
            subject=id, sequence=1, operator_path="1/", name=name, price=Decimal(price),
            currency=currency, billing_cycle="monthly", download_kbps=20_000, upload_kbps=20_000,
            validity_days=days, retired=False,
        )  # fmt: skip

    def customer(self, name: str = "Karim Ahmed", path: str = NORTH, **more: Any) -> UUID:
        found = uuid7()
        facts = CustomerFacts(
            **{
                "customer_number": f"C{next(self.keys):05d}",
                "name": name,
                "username": name.lower().replace(" ", "."),
                "password": None,
                "email": None,
                "phone": "+8801711000000",
                "standing": "customer",
                "service_type": "pppoe",
                "operator_id": operator_id(path),
                "operator_name": "North",
                "operator_path": path,
                "package_id": None,
                "package_name": None,
                "activated": False,
                "expires_at": None,
                "holds": (),
                "overdue_effect": "suspend",
                "suspended_access": "walled",
                "limited_kbps": 512,
                "lift_suspension_until": None,
                "balance_control": "prepaid",
                "currency": "BDT",
                "credit_limit": None,
                **more,
            }
        )
        self.facts[found] = (1, facts)
        self.hear(self.event(CustomerCreated, found))
        return found

    def event(self, kind: type[CustomerEvent], id: UUID, **changes: Any) -> CustomerEvent:
        """The customer's event of this kind, with the facts as last told."""
        version, facts = self.facts[id]
        facts = replace(facts, **changes)
        event = kind(
            subject=id, sequence=version, operator_path=facts.operator_path, customer=facts
        )
        self.facts[id] = (version + 1, facts)
        return event

    def update(self, id: UUID, **changes: Any) -> None:
        self.hear(self.event(CustomerUpdated, id, **changes))

    def activate(
        self, id: UUID, package: UUID, until: datetime | None = None, at: datetime | None = None
    ) -> CustomerEvent:
        until = until or (at or datetime.now(UTC)) + timedelta(days=30)
        event = self.event(
            CustomerActivated, id, package_id=package, activated=True, expires_at=until
        )
        self.hear(event, at=at)
        return event

    def erase(self, id: UUID, mode: Any = "pseudonymise") -> UUID:
        erasure = uuid7()
        self.hear(
            CustomerErasing(
                subject=id, sequence=99, operator_path=self.facts[id][1].operator_path,
                erasure_id=erasure, mode=mode,
            )
        )  # fmt: skip
        return erasure

    # ---------------------------------------------------------------- calls
    def bearer(self, path: str = "1/", role: Role = "admin", name: str = "admin") -> dict[str, str]:
        who = Principal(id=operator_id(path), name=name, role=role, path=path)
        return {"Authorization": f"Bearer {issue(who, KEY)}"}

    def get(self, url: str, path: str = "1/", role: Role = "admin", **query: Any) -> TestResponse:
        return self.client.get(url, query_string=query, headers=self.bearer(path, role))

    def post(
        self,
        url: str,
        body: Mapping[str, Any],
        path: str = "1/",
        role: Role = "admin",
        key: str | None = None,
    ) -> TestResponse:
        headers = {
            **self.bearer(path, role),
            "Idempotency-Key": key or f"test-key-{next(self.keys):08d}",
        }
        return self.client.post(url, json=body, headers=headers)

    def pay(
        self, customer: UUID, amount: str = "500.00", method: str = "cash", **more: Any
    ) -> TestResponse:
        call = {name: more.pop(name) for name in ("path", "role", "key") if name in more}
        body = {
            "customer_id": str(customer),
            "amount": {"amount": amount, "currency": more.pop("currency", "BDT")},
            "method": method,
            **more,
        }
        return self.post("/v1/payments", body, **call)

    def paid(self, customer: UUID, amount: str = "500.00", **more: Any) -> Any:
        """The recorded payment; a test that pays twice means it."""
        more.setdefault("override_duplicate", {"reason": "another month"})
        answer = self.pay(customer, amount, **more)
        assert answer.status_code == 201, answer.json
        return answer.json

    def bill(self, customer: UUID, amount: str = "500.00", **more: Any) -> Any:
        body = {
            "customer_id": str(customer),
            "items": [
                {"description": "Line rent", "amount": {"amount": amount, "currency": "BDT"}}
            ],
            **more,
        }
        answer = self.post("/v1/bills", body)
        assert answer.status_code == 201, answer.json
        return answer.json

    def balance(self, customer: UUID) -> dict[str, Any]:
        """The balance with amounts as plain text."""
        answer = self.get(f"/v1/customers/{customer}/balance")
        assert answer.status_code == 200, answer.json
        return {k: v["amount"] if isinstance(v, dict) else v for k, v in answer.json.items()}  # type: ignore[union-attr]

    # ---------------------------------------------------------------- the database
    def rows(self, sql: str, **params: Any) -> list[Any]:
        with self.database.transaction() as session:
            return list(session.execute(text(sql), params))

    def events(self, subject: UUID, after: int = 0) -> list[Any]:
        """What payments told of a customer, in order."""
        return self.rows(
            "SELECT type, sequence, data, operator_path FROM outbox WHERE subject = :subject"
            " AND sequence > :after ORDER BY sequence",
            subject=subject, after=after,
        )  # fmt: skip

    def types(self, subject: UUID, after: int = 0) -> list[str]:
        return [row.type for row in self.events(subject, after)]
