"""Customer classes: the rules change, and every customer of the class is told of anew."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from customers import accounting
from customers.domain import CustomerClass, now
from customers.operators import taken
from customers.persistence import customers
from customers.persistence.announcing import Change, announce
from shared import jobs, operations
from shared.database import EVERYTHING, uuid7
from shared.events import CustomerStatusChanged
from shared.jobs import Verdict
from shared.operations import SYSTEM_PATH, Actor

RETELL = "customers.retell"


def view(rules: Any) -> dict[str, Any]:
    return {field.name: getattr(rules, field.name) for field in dataclasses.fields(CustomerClass)}


def add(session: Session, actor: Actor, fields: dict[str, Any]) -> CustomerClass:
    """Another sort of customer. Raises Refusal (taken)."""
    rules = CustomerClass(id=UUID(str(uuid7())), **fields)
    try:
        with session.begin_nested():
            session.add(rules)
    except IntegrityError as clash:
        raise taken("name") from clash
    operations.record(
        session, actor, "customer_class.created", "customer_class", rules.id,
        operator_path=SYSTEM_PATH, after=fields, personal=False,
    )  # fmt: skip
    return rules


def change(
    session: Session, actor: Actor, rules: CustomerClass, changes: dict[str, Any]
) -> CustomerClass:
    before = {name: getattr(rules, name) for name in changes}
    for name, value in changes.items():
        setattr(rules, name, value)
    rules.version += 1
    session.flush()
    operations.record(
        session, actor, "customer_class.changed", "customer_class", rules.id,
        operator_path=SYSTEM_PATH, before=before, after=changes, personal=False,
    )  # fmt: skip
    jobs.enqueue(
        session, RETELL, actor, operator_path=actor.path or "1/",
        select=(
            "SELECT id FROM customer WHERE class_id = :class AND state <> 'erasing'",
            {"class": rules.id},
        ),
    )  # fmt: skip
    return rules


def retell(session: Session, job: Any, subjects: Sequence[UUID]) -> Mapping[UUID, Verdict]:
    """A chunk of customers under the new rules: holds, status, and the event that tells of them."""
    chosen = customers.lock(session, EVERYTHING, subjects)
    living = [customer for customer in chosen.values() if customer.state == "alive"]
    accounting.followed(session, living)
    moment, changes = now(), []
    for customer in living:
        customer.version, customer.updated_at = customer.version + 1, moment
        customer.settle(moment)
        changes.append(Change(customer, customer.told(CustomerStatusChanged, moment)))
    announce(session, jobs.actor_of(job), "customer.rules_changed", changes)
    return {customer.id: ("done", {"status": customer.status}) for customer in chosen.values()}
