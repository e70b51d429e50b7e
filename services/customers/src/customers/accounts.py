"""The service lines of a customer (C46): opened and closed, never removed."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from customers.domain import Account, Customer, Missing, Refusal, now
from customers.persistence import tables
from shared import operations
from shared.database import uuid7
from shared.operations import Actor


def add(
    session: Session, actor: Actor, customer: Customer, *, name: str, service_type: str
) -> Account:
    """Raises Refusal: `taken` for a second line of one name and service, which would overlap the first."""
    customer.refuse_if_final()
    customer.refuse_if_exporting("no account is opened")
    if _running(session, customer, name, service_type):
        raise Refusal("taken", "This customer has a line of that name and service: close it, or give"
                               " another name.", [{
            "pointer": "/name", "code": "taken", "detail": "a line that is not closed is called so",
        }])  # fmt: skip
    made = Account(
        id=UUID(str(uuid7())), customer_id=customer.id, name=name, service_type=service_type
    )
    session.add(made)
    session.flush()
    _log(session, actor, customer, "account.opened", made, None)
    return made


def _running(session: Session, customer: Customer, name: str, service_type: str) -> bool:
    a = tables.account.c
    same = (a.customer_id == customer.id, a.name == name, a.service_type == service_type)
    return bool(session.scalar(select(select(a.id).where(*same, a.state != "closed").exists())))


def close(session: Session, actor: Actor, customer: Customer, account_id: UUID) -> Account:
    """Closing twice changes nothing. Raises Missing, Refusal."""
    found = session.get(Account, account_id)
    if found is None or found.customer_id != customer.id:
        raise Missing("account")
    if found.state != "closed":
        customer.refuse_if_exporting("no account is closed")
        before = view(found)
        found.state, found.closed_at = "closed", now()
        _log(session, actor, customer, "account.closed", found, before)
    return found


def view(account: Any) -> dict[str, Any]:
    names = ("id", "name", "service_type", "state", "created_at", "closed_at")
    return {name: getattr(account, name) for name in names}


def _log(
    session: Session, actor: Actor, customer: Customer, action: str, account: Account,
    before: dict[str, Any] | None,
) -> None:  # fmt: skip
    operations.record(
        session, actor, action, "customer", customer.id, operator_path=customer.operator_path,
        before=before, after=view(account),
    )  # fmt: skip
