"""Demo data: a small ISP of three operators, six packages and 500 customers with histories.

Deterministic: `demo0001` to `demo0060` are active PPPoE customers with the password `demo`, whom
the NAS simulator brings online.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from customers import deletion, holds, operators, packages
from customers.deletion import REASONS, Order
from customers.domain import Account, Customer, Operator, Package, now
from customers.persistence import customers, tables
from customers.persistence import operators as rows
from customers.persistence.announcing import Change, announce
from customers.registering import view
from customers.settings import Settings
from shared.database import Database, uuid7
from shared.events import CustomerCreated
from shared.operations import Actor
from shared.sealing import seal
from shared.settings import BadSetting
from shared.tokens import Principal

SIZE = 500
# The simulator's customers come first and have nothing but a running package.
ONLINE = 60
FIRST_NAMES = ["Rahim", "Karim", "Nusrat", "Farhana", "Tanvir", "Sadia",
    "Imran", "Jannat", "Rafiq", "Shirin", "Arif", "Mitu"]  # fmt: skip
LAST_NAMES = ["Uddin", "Ahmed", "Hossain", "Akter", "Islam", "Chowdhury",
    "Rahman", "Begum", "Khan", "Sultana"]  # fmt: skip
PACKAGES = (
    ("Home 10", "500", 10_000, 30),
    ("Home 20", "800", 20_000, 30),
    ("Home 50", "1200", 50_000, 30),
    ("Business 100", "3500", 100_000, 30),
    ("Hotspot day", "20", 5_000, 1),
    ("Hotspot week", "100", 5_000, 7),
)


def fill(settings: Settings) -> None:
    """Once; a second run changes nothing. Refused where TENURE_DEMO is not on."""
    if not settings.demo:
        raise BadSetting("Demo data only where TENURE_DEMO=1 is set: its passwords are public")
    database = Database(settings)
    with database.lock("demo") as mine, database.transaction() as session:
        c = tables.customer.c
        known = session.scalar(select(c.id).where(c.username == "demo0001").limit(1))
        if mine and known is None:
            _fill(session, settings.secret_key)
    database.close()


def _fill(session: Session, secret: bytes) -> None:
    # Chance is the same in every run: tests and screenshots can name a customer.
    chance = random.Random(20261121)  # noqa: S311
    root = rows.by_username(session, "admin")
    assert root is not None
    actor = Actor(name=root.username, id=root.id, path=root.operator_path)
    caller = Principal(id=root.id, name="admin", role="admin", path=root.operator_path)
    resellers = [
        operators.add(session, caller, actor, username=name, name=f"{name.title()} Networks",
                      role="reseller", password=f"{name}-demo")
        for name in ("north", "south")
    ]  # fmt: skip
    sold = [_package(session, caller, actor, *one) for one in PACKAGES]
    made = [_customer(session, chance, n, [*resellers, root], secret) for n in range(1, SIZE + 1)]
    session.add_all(made)
    session.flush()
    session.add_all(_accounts(made))
    _tell(session, actor, "customer.created", made, lambda one, _: one.told(
        CustomerCreated, one.created_at))  # fmt: skip
    _activate(session, actor, made, sold, chance)
    _hold(session, actor, made)
    _delete(session, actor, made)


def _package(
    session: Session, caller: Principal, actor: Actor, name: str, price: str, kbps: int, days: int
) -> Package:
    return packages.add(session, caller, actor, {
        "name": name, "price": Decimal(price), "currency": "BDT", "validity_days": days,
        "billing_cycle": "monthly" if days == 30 else "daily",
        "download_kbps": kbps, "upload_kbps": kbps // 2,
    })  # fmt: skip


def _sort(number: int) -> str:
    """What sort of customer the number is; the online ones are all alike."""
    if number <= ONLINE:
        return "active"
    sorts = ("deleted", "held", "vacation", "postpaid", "hotspot", "inactive", "static")
    return "lead" if number > SIZE - 15 else sorts[number % 10] if number % 10 < 7 else "active"


def _customer(
    session: Session, chance: random.Random, number: int, owners: Sequence[Operator], secret: bytes
) -> Customer:
    sort = _sort(number)
    owner = owners[2 if number % 25 == 0 else number % 2]
    name = f"{chance.choice(FIRST_NAMES)} {chance.choice(LAST_NAMES)}"
    created = now() - timedelta(days=chance.randrange(40, 700), seconds=number)
    services: dict[str, Any] = {"hotspot": "hotspot", "static": "static"}
    customer = Customer(
        id=UUID(str(uuid7())),
        customer_number=customers.next_number(session),
        name=name,
        username=f"demo{number:04d}",
        password_sealed=seal("demo", secret),
        email=f"demo{number:04d}@example.org" if number % 3 else None,
        phone=f"+8801711{number:06d}",
        address=f"House {number}, Road {number % 30 + 1}, Dhaka",
        kind="lead" if sort == "lead" else "customer",
        service_type=services.get(sort, "pppoe"),
        static_address=f"10.66.{number // 250}.{number % 250 + 1}" if sort == "static" else None,
        customer_class=rows.customer_class(session),
        operator=owner,
        operator_path=owner.operator_path,
        balance_control="postpaid" if sort == "postpaid" else "prepaid",
        credit_limit=Decimal(5000) if sort == "postpaid" else None,
        created_at=created,
        updated_at=created,
        status_since=created,
    )
    customer.settle(created)
    return customer


def _accounts(made: Sequence[Customer]) -> list[Account]:
    """Every business line has a second one (C46)."""
    return [
        Account(
            id=UUID(str(uuid7())), customer_id=one.id, name=f"{one.username}-office",
            service_type=one.service_type, created_at=one.created_at,
        )
        for one in made
        if one.balance_control == "postpaid"
    ]  # fmt: skip


def _tell(
    session: Session, actor: Actor, action: str, chosen: Sequence[Customer],
    happens: Callable[[Customer, datetime], Any], moment: datetime | None = None,
) -> None:  # fmt: skip
    at = moment or now()
    changes = [Change(one, happens(one, at), None, view(one)) for one in chosen]
    announce(session, actor, action, changes)


def _activate(
    session: Session, actor: Actor, made: Sequence[Customer], sold: Sequence[Package],
    chance: random.Random,
) -> None:  # fmt: skip
    """Some time ago, so that they run out one by one; the inactive have run out already."""
    changes = []
    for number, one in enumerate(made, 1):
        sort = _sort(number)
        if sort in ("lead", "inactive"):
            continue
        package = sold[5] if one.service_type == "hotspot" else sold[chance.randrange(4)]
        ago = timedelta(hours=chance.randrange(1, package.validity_days * 20))
        changes.append(Change(one, one.activate(package, True, now() - ago), None, view(one)))
    announce(session, actor, "customer.activated", changes)


def _hold(session: Session, actor: Actor, made: Sequence[Customer]) -> None:
    chosen = {
        kind: [one for number, one in enumerate(made, 1) if _sort(number) == sort]
        for kind, sort in (("admin", "held"), ("vacation", "vacation"))
    }
    holds.place(session, actor, chosen["admin"], "admin", reason="asked for by the court")
    holds.place(session, actor, chosen["vacation"], "vacation", reason="abroad",
                until=now() + timedelta(days=20))  # fmt: skip


def _delete(session: Session, actor: Actor, made: Sequence[Customer]) -> None:
    """Each of the five reasons (A7 to A11), over the last months."""
    gone = [one for number, one in enumerate(made, 1) if _sort(number) == "deleted"]
    for place, reason in enumerate(REASONS):
        moment = now() - timedelta(days=17 * place + 2, hours=place)
        order = Order(reason=reason, note=f"demo: {reason.replace('_', ' ')}", cascade=True)
        deletion.delete_many(session, actor, gone[place :: len(REASONS)], order, moment)
