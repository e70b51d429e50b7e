"""What of a customer is in use by somebody else: login, e-mail, phone, number, static address (B13-B16,
decision 1.6.3)."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import and_, func, or_, select, text
from sqlalchemy.orm import Session
from sqlalchemy.sql import ColumnElement

from customers.domain import FINAL, Customer, Refusal, now
from customers.persistence import tables
from customers.policies import Policy

c = tables.customer.c
# The network cannot tell two equal logins apart, nor carry one address to two; nor the books two numbers.
FIELDS = ("username", "email", "phone", "customer_number", "static_address")
# A closed or exported one keeps its address for the record alone, and cannot be edited (C4, C32).
SERVED = and_(c.closed_at.is_(None), c.exported_at.is_(None))
# Of addresses near the taken one so many are looked at.
NEIGHBOURS = 32


def find(
    session: Session, policy: Policy, customer: Customer, fields: Iterable[str]
) -> list[dict[str, Any]]:
    """An error per field of `fields` that a living customer or lead holds, with what is free.

    Another one's data is not shown: only that the value is taken.
    """
    with session.no_autoflush:
        return [
            _error(session, policy, customer, name)
            for name in FIELDS
            if name in fields
            and getattr(customer, name) is not None
            and not (name == "static_address" and customer.standing in FINAL)
            and _in_use(session, customer, _holder(policy, name, getattr(customer, name)))
        ]


def check(session: Session, policy: Policy, customer: Customer, fields: Iterable[str]) -> None:
    """Raises Refusal `taken`."""
    errors = find(session, policy, customer, fields)
    if errors:
        names = ", ".join(error["pointer"][1:] for error in errors)
        raise Refusal("taken", f"In use by somebody else: {names}.", errors)


# Each by the index that its uniqueness has.
_CLASHING = text(
    "SELECT w.id FROM unnest(CAST(:ids AS uuid[]), CAST(:usernames AS text[]),"
    " CAST(:emails AS text[]), CAST(:phones AS text[]), CAST(:numbers AS text[]),"
    " CAST(:addresses AS text[])) AS w(id, username, email, phone, number, address)"
    " WHERE EXISTS (SELECT FROM customer c WHERE c.state = 'alive' AND c.username = w.username)"
    " OR EXISTS (SELECT FROM customer c WHERE c.state = 'alive' AND lower(c.email) = lower(w.email)"
    "  AND c.email IS NOT NULL)"
    " OR EXISTS (SELECT FROM customer c WHERE c.state = 'alive' AND c.phone = w.phone"
    "  AND c.phone IS NOT NULL)"
    " OR EXISTS (SELECT FROM customer c WHERE c.state = 'alive' AND c.static_address = w.address"
    "  AND c.closed_at IS NULL AND c.exported_at IS NULL)"
    " OR EXISTS (SELECT FROM customer c WHERE c.state <> 'erasing' AND c.customer_number = w.number"
    "  AND c.id <> w.id)"
    " OR EXISTS (SELECT FROM customer c WHERE c.state = 'deleted' AND c.username = w.username"
    "  AND c.id <> w.id AND c.deleted_at > now() - :reserved * interval '1 day')"
)


def clashing(session: Session, policy: Policy, deleted: Sequence[Customer]) -> set[UUID]:
    """Which of the deleted have something that is in use by somebody else: one question for all."""
    wanted = {
        "ids": [one.id for one in deleted],
        "usernames": [one.username for one in deleted],
        "emails": [one.email for one in deleted],
        "phones": [one.phone for one in deleted],
        "numbers": [one.customer_number for one in deleted],
        "addresses": [one.static_address for one in deleted],
        "reserved": policy.reserved_login_days,
    }
    return set(session.scalars(_CLASHING, wanted))


def _in_use(session: Session, customer: Customer, holder: ColumnElement[bool]) -> bool:
    return bool(session.scalar(select(select(c.id).where(holder, c.id != customer.id).exists())))


def _holder(policy: Policy, name: str, value: str) -> ColumnElement[bool]:
    alive = c.state == "alive"
    if name == "email":
        return and_(alive, func.lower(c.email) == value.lower())
    if name == "static_address":
        return and_(alive, SERVED, c.static_address == value)
    if name == "customer_number":
        return and_(c.state != "erasing", c.customer_number == value)
    if name == "username" and policy.reserved_login_days:
        since = now() - timedelta(days=policy.reserved_login_days)
        reserved = and_(c.state == "deleted", c.deleted_at > since)
        return and_(c.username == value, or_(alive, reserved))
    return and_(alive, c[name] == value)


def _error(session: Session, policy: Policy, customer: Customer, name: str) -> dict[str, Any]:
    error: dict[str, Any] = {
        "pointer": f"/{name}",
        "code": "taken",
        "detail": f"This {name} is used by another customer or lead; give another one.",
    }
    if name == policy_field(policy):
        error["detail"] += " Customers sign in to the portal with it."
    if name in ("username", "email"):
        free = _free(session, policy, customer, name)
        if free:
            error["suggestions"] = free
    if name == "static_address":
        error["detail"] += " With none the NAS gives one of its pool."
        error["suggestions"] = _free_addresses(session, customer.static_address)
    return error


def policy_field(policy: Policy) -> str:
    """B15: the field that the portal signs in with."""
    return "email" if policy.portal_authentication_field == "email" else "username"


def _free(session: Session, policy: Policy, customer: Customer, name: str) -> list[str]:
    """Up to three values near the taken one that nobody uses."""
    value = getattr(customer, name)
    local, at, domain = value.partition("@")
    marks = ["2", f".{customer.customer_number}", "3", "-new"]
    if name == "email":
        marks = [f"+{customer.customer_number}"]
    tried = [f"{local}{mark}{at}{domain}" for mark in marks]
    free = [
        candidate
        for candidate in tried
        if len(candidate) <= 64 and not _in_use(session, customer, _holder(policy, name, candidate))
    ]
    return free[:3]


def _free_addresses(session: Session, taken: str | None) -> list[str]:
    """Up to three after the taken one, of the same /24 or /120, that no customer has."""
    address = ipaddress.ip_address(str(taken))
    network = ipaddress.ip_network((address, address.max_prefixlen - 8), strict=False)
    last = int(network.broadcast_address) - int(address)
    wanted = [str(address + n) for n in range(1, min(NEIGHBOURS, last))]
    held = set(
        session.scalars(
            select(c.static_address).where(c.state == "alive", SERVED, c.static_address.in_(wanted))
        )
    )
    return [one for one in wanted if one not in held][:3]
