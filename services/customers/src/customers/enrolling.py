"""Many customers signed up at once (an import): looked up, checked, written and told of in sets.

What is refused is refused one by one, with its reasons; so is everything when two of the set clash with
each other, or somebody was quicker: then each goes its own way through `registering`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from customers import clashes, policies, registering
from customers.domain import Customer, Missing, NotValid, Refusal
from customers.persistence import customers, operators, tables
from customers.persistence.announcing import Change, announce
from customers.policies import Policy
from shared.database import Scope
from shared.events import CustomerCreated
from shared.operations import Actor

c = tables.customer.c
Refused = Missing | NotValid | Refusal
Fields = dict[str, Any]


class _Known:
    """What all of the set share, read once: the rules, the operators, the classes, the packages."""

    def __init__(self, session: Session, scope: Scope, actor: Actor) -> None:
        self.session, self.scope, self.actor = session, scope, actor
        self.policy = policies.read(session)
        self.standard = operators.customer_class(session)
        self._kept: dict[tuple[str, Any], Any] = {}

    def once(self, kind: str, key: Any, read: Callable[[], Any]) -> Any:
        if (kind, key) not in self._kept:
            self._kept[kind, key] = read()
        return self._kept[kind, key]

    def operator(self, operator_id: UUID | None) -> Any:
        return self.once(
            "operator", operator_id,
            lambda: registering.operator_of(self.session, self.scope, operator_id),
        )  # fmt: skip

    def package(self, package_id: UUID) -> Any:
        return self.once(
            "package", package_id, lambda: operators.package(self.session, self.scope, package_id)
        )


def enrol(
    session: Session, scope: Scope, actor: Actor, wishes: Mapping[UUID, Fields], *, secret: bytes,
    spoiled: Collection[UUID] = (),
) -> dict[UUID, Customer | list[Refused]]:  # fmt: skip
    """By the key of each wish: the new customer, or every reason why there is none.

    Who is `spoiled` is refused already: what else is wrong is told, and nobody is signed up.
    """
    known = _Known(session, scope, actor)
    faults: dict[UUID, list[Refused]] = {key: [] for key in wishes}
    with session.no_autoflush:
        found = {key: _drafted(known, wish, secret, faults[key]) for key, wish in wishes.items()}
        drafts = {key: one for key, one in found.items() if one is not None}
        for key, refusal in _clashing(session, known.policy, drafts).items():
            faults[key].append(refusal)
    going = {key: one for key, one in drafts.items() if not faults[key] and key not in spoiled}
    try:
        with session.begin_nested():
            _sign_up(session, actor, list(going.values()))
    except IntegrityError:
        return {**faults, **{key: _alone(known, wishes[key], secret) for key in going}}
    return {**faults, **going}


def _drafted(known: _Known, wish: Fields, secret: bytes, faults: list[Refused]) -> Customer | None:
    """The customer without the fields that are refused, which go to `faults`."""
    kept = dict(wish)
    while True:
        try:
            return _draft(known, dict(kept), secret)
        except NotValid as fault:
            faults.append(fault)
            if kept.pop(fault.field, None) is None:
                return None
        except (Missing, Refusal) as refused:
            faults.append(refused)
            return None


def _draft(known: _Known, fields: Fields, secret: bytes) -> Customer:
    fields["operator"] = known.operator(fields.pop("operator_id", None) or known.actor.id)
    if fields.get("package_id") is not None:
        fields["package"] = known.package(fields.pop("package_id"))
    fields.setdefault("customer_class", known.standard)
    return registering.drafted(known.session, known.scope, fields, known.policy, secret)


def _clashing(
    session: Session, policy: Policy, drafts: Mapping[UUID, Customer]
) -> dict[UUID, Refused]:
    """Those whose login, e-mail or number somebody has: found in three looks, each told singly."""
    used = {name: _used(session, policy, name, drafts.values()) for name in registering.UNIQUE}
    refused: dict[UUID, Refused] = {}
    for key, one in drafts.items():
        if any(_folded(name, getattr(one, name)) in used[name] for name in registering.UNIQUE):
            try:
                clashes.check(session, policy, one, set(registering.UNIQUE))
            except Refusal as refusal:
                refused[key] = refusal
    return refused


def _folded(name: str, value: str | None) -> str | None:
    return value.lower() if name == "email" and value else value


def _used(
    session: Session, policy: Policy, name: str, drafts: Iterable[Customer]
) -> set[str | None]:
    """Which of these values may be in use; `clashes` decides. Numbers of the sequence are free."""
    values = {_folded(name, getattr(one, name)) for one in drafts} - {None, ""}
    held: ColumnElement[Any] = func.lower(c.email) if name == "email" else c[name]
    reserved = name == "username" and policy.reserved_login_days
    states = ["alive", "deleted"] if reserved or name == "customer_number" else ["alive"]
    query = select(held).where(c.state.in_(states), held.in_(sorted(map(str, values))))
    if name == "static_address":
        query = query.where(clashes.SERVED)
    return set(session.scalars(query))


def _sign_up(session: Session, actor: Actor, going: Sequence[Customer]) -> None:
    without = [one for one in going if not one.customer_number]
    for one, number in zip(without, customers.next_numbers(session, len(without)), strict=True):
        one.customer_number = number
    session.add_all(going)
    session.flush()
    announce(session, actor, "customer.created", [
        Change(one, one.told(CustomerCreated, one.created_at), None, registering.view(one))
        for one in going
    ])  # fmt: skip


def _alone(known: _Known, fields: Fields, secret: bytes) -> Customer | list[Refused]:
    try:
        with known.session.begin_nested():
            return registering.register(
                known.session, known.scope, known.actor, fields, secret=secret
            )
    except (Missing, NotValid, Refusal) as refused:
        return [refused]
