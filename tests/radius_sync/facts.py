"""Events as customers and payments send them, and the way they take into the database."""

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from radius_sync.subscriptions import SUBSCRIPTIONS
from shared import inbox
from shared.database import Database, uuid7
from shared.events import Wire
from shared.sealing import seal

KEY = bytes.fromhex("ab" * 32)
PACKAGE = UUID("00000000-0000-7000-8000-0000000000aa")
PATH = "1/4/"
_sequence = itertools.count(1)


def event(type_: str, subject: UUID, data: dict[str, Any], path: str = PATH, **more: Any) -> Wire:
    """A CloudEvents object; `sequence` grows from call to call unless given."""
    return {
        "specversion": "1.0",
        "id": str(uuid7()),
        "source": "/customers",
        "type": type_,
        "subject": str(subject),
        "time": datetime.now(UTC).isoformat(),
        "sequence": more.get("sequence") or next(_sequence),
        "operatorpath": path,
        "data": data,
    }


def customer(
    username: str, customer_id: UUID | None = None, type_: str = "customer.updated", **facts: Any
) -> Wire:
    """An active customer of PACKAGE with the password `secret-USERNAME`, unless `facts` say else."""
    more = {name: facts.pop(name) for name in ("path", "sequence") if name in facts}
    kept: dict[str, Any] = {
        "customer_number": "1001", "name": "A Person", "username": username,
        "password": seal(f"secret-{username}", KEY), "email": None, "phone": None,
        "standing": "customer", "service_type": "pppoe", "operator_id": str(uuid4()),
        "operator_name": "north", "operator_path": more.get("path", PATH),
        "package_id": str(PACKAGE), "package_name": "Gold", "activated": True,
        "expires_at": (datetime.now(UTC) + timedelta(days=30)).isoformat(), "holds": [],
        "overdue_effect": "suspend", "suspended_access": "walled", "limited_kbps": 512,
        "lift_suspension_until": None, "balance_control": "prepaid", "currency": "BDT",
        "credit_limit": None, "static_address": None,
    }  # fmt: skip
    return event(type_, customer_id or UUID(str(uuid7())), {"customer": kept | facts}, **more)


def package(package_id: UUID = PACKAGE, **facts: Any) -> Wire:
    data = {
        "name": "Gold", "price": "500.00", "currency": "BDT", "billing_cycle": "monthly",
        "download_kbps": 20000, "upload_kbps": 5000, "validity_days": 30, "retired": False,
        "attributes": {},
    }  # fmt: skip
    return event("package.changed", package_id, data | facts, path="")


def account(customer_id: UUID, **facts: Any) -> Wire:
    data = {
        "currency": "BDT", "billed": "0", "paid": "0", "outstanding": "0", "overdue": False,
        "overdue_amount": "0", "available_funds": "0",
    }  # fmt: skip
    return event("account.changed", customer_id, data | facts)


def operator(path: str, operator_id: UUID | None = None, **facts: Any) -> Wire:
    data: dict[str, Any] = {
        "username": "north", "name": "North", "role": "reseller", "parent_id": None,
        "active": True, "holds": [],
    }  # fmt: skip
    return event("operator.changed", operator_id or uuid4(), data | facts, path=path)


def hear(database: Database, *events: Wire) -> inbox.Rings:
    """As the worker takes a batch; asserts that no event became a dead letter."""
    rings = inbox.take(database, SUBSCRIPTIONS, "customers", list(events))
    with database.transaction() as session:
        from sqlalchemy import text

        assert session.scalars(text("SELECT error FROM dead_letter")).all() == []
    return rings
