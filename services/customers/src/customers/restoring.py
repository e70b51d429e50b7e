"""Restore: what clashes and what will not be live is planned, then the customer comes back inactive."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from customers import (
    accounting,
    activation,
    clashes,
    holds,
    integrity,
    policies,
    registering,
    session_erasure,
    spending,
)
from customers.deletion import snapshot
from customers.domain import FINAL, Account, Customer, NotValid, Operator, Refusal, ancestors, now
from customers.persistence import customers, operators, tables
from customers.persistence.announcing import Change, announce
from shared.database import Scope
from shared.operations import Actor

RESOLVABLE = ("username", "email", "phone", "customer_number", "static_address")
NOT_LIVE = [
    "RADIUS access: rejected until a package is assigned and renewed (A29-A31)",
    "sessions: none is opened by a restore (A30)",
]


@dataclass(kw_only=True)
class Plan:
    """What a restore would do. `errors` are the clashes to resolve first (B13-B16)."""

    customer_id: UUID
    changes: dict[str, Any] = field(default_factory=dict)
    errors: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    operator: Operator | None = None


def plan_many(
    session: Session, scope: Scope, chosen: Sequence[Customer], resolutions: Mapping[str, Any]
) -> list[Plan]:
    """A plan each, in their order; `resolutions` by id. Only who clashes is looked at one by one."""
    clashing = clashes.clashing(session, policies.read(session), chosen)
    plans = []
    for customer in chosen:
        given = resolutions.get(str(customer.id), {})
        tested = bool(given) or customer.id in clashing
        plans.append(plan(session, scope, customer, given, tested=tested))
    return plans


def plan(
    session: Session, scope: Scope, customer: Customer, resolutions: dict[str, Any], *,
    tested: bool = True,
) -> Plan:  # fmt: skip
    """Clashes against customers and leads after `resolutions`; the gone operator; the retired package.

    Not `tested`: it is known already that nobody has what this customer had.
    """
    made = Plan(customer_id=customer.id, notes=[*NOT_LIVE, *session_erasure.note(customer)])
    if tested:
        _test(session, customer, resolutions, made)
    if customer.operator.status != "active":
        made.operator = _nearest(session, scope, customer)
        made.changes["operator_id"] = str(made.operator.id)
        made.notes.append(
            "operator: disabled, so the customer goes to the nearest active one above"
        )
    if customer.package is not None and customer.package.retired:
        made.notes.append("package: retired; activation needs another one")
    made.notes += [f"hold {kind}: {_stands(kind)}" for kind in customer.holds]
    return made


def _stands(kind: str) -> str:
    if kind in holds.AGING:
        return "stands as before, and its days go on from where the deletion stopped them"
    return "stands as before"


def _test(session: Session, customer: Customer, resolutions: dict[str, Any], made: Plan) -> None:
    policy = policies.read(session)
    given = {name: resolutions[name] for name in RESOLVABLE if name in resolutions}
    if given.get("phone") is not None:
        given["phone"] = registering.phone(given["phone"], policy)
    made.changes = {k: v for k, v in given.items() if v != getattr(customer, k)}
    wished: Any = _Wished(customer, made.changes)
    # Families share a telephone: who gives the same one again says so on purpose.
    tested = set(RESOLVABLE) - ({"phone"} if "phone" in given else set())
    with session.no_autoflush:
        made.errors = clashes.find(session, policy, wished, tested)


class _Wished:
    """A customer as the resolutions would make it, for the clash test only."""

    def __init__(self, customer: Customer, changes: dict[str, Any]) -> None:
        self._customer, self._changes = customer, changes

    def __getattr__(self, name: str) -> Any:
        return self._changes.get(name, getattr(self._customer, name))


def _nearest(session: Session, scope: Scope, customer: Customer) -> Operator:
    """The nearest active operator above, within the caller's branch."""
    o = tables.operator.c
    found = session.scalars(
        select(Operator)
        .where(
            o.operator_path.in_(ancestors(customer.operator_path)),
            o.status == "active",
            scope.covers(o.operator_path),
        )
        .order_by(func.length(o.operator_path).desc())
    ).first()
    if found is None:
        raise Refusal("operator_disabled", "The operator of this customer is disabled, and nobody"
                                           " above in your branch is active.")  # fmt: skip
    return found


def restore(
    session: Session, scope: Scope, actor: Actor, customer_id: UUID, resolutions: dict[str, Any]
) -> tuple[Customer, Plan]:
    """Restore one; restoring it twice gives the same. `resolutions` as in api.md, with `dry_run`.

    Raises Missing, IsErased, Refusal (`taken` with suggestions; `not_deleted`).
    """
    customer = customers.lock_one(session, scope, customer_id)
    if customer.state == "alive":
        if customer.restored_at is None:
            raise Refusal("not_deleted", "This customer is not deleted.")
        return customer, Plan(customer_id=customer_id)
    made = plan(session, scope, customer, resolutions)
    if resolutions.get("dry_run"):
        return customer, made
    if made.errors:
        raise taken(made)
    with registering.refused_as_taken(session):
        bring_back(session, actor, [(customer, made)])
    _then_activate(session, scope, actor, customer, resolutions)
    return customer, made


def taken(made: Plan) -> Refusal:
    names = ", ".join(error["pointer"][1:] for error in made.errors)
    return Refusal("taken", f"Give other values for what is in use by now: {names}.", made.errors)


def _then_activate(
    session: Session, scope: Scope, actor: Actor, customer: Customer, resolutions: dict[str, Any]
) -> None:
    package_id = resolutions.get("package_id")
    if resolutions.get("activate"):
        activation.activate(session, scope, actor, customer, package_id)
    elif package_id is not None and (customer.package is None or customer.package.id != package_id):
        package = operators.package(session, scope, package_id)
        if package.retired:
            raise NotValid("package_id", "this package is retired; choose another one", "retired")
        activation.activate(session, scope, actor, customer, package_id, renew=False)


def bring_back(
    session: Session, actor: Actor, planned: Sequence[tuple[Customer, Plan]]
) -> list[Customer]:
    """Apply plans without clashes to locked, deleted customers; each keeps its integrity report."""
    moment = now()
    ids = [customer.id for customer, _ in planned]
    holds.leave_out_deleted_time(session, ids)
    lines = customers.accounts(session, ids)
    logs = integrity.logs(session, ids)
    crowded = integrity.crowded(session, (_borne(customer, made) for customer, made in planned))
    changes = []
    for customer, made in planned:
        own = [line for line in lines if line.customer_id == customer.id]
        kept, before = customer.deletion_snapshot or {}, snapshot(customer, own)
        was = {"deleted_at": customer.deleted_at, "reason": customer.deletion_reason} | {
            name: getattr(customer, name) for name in made.changes if name in RESOLVABLE
        }
        if made.operator is not None:
            was |= {
                "operator": customer.operator.name, "operator_path": customer.operator_path,
            }  # fmt: skip
        _apply(customer, made, own)
        event = customer.restore(moment)
        customer.restore_report = integrity.report(
            kept,
            before,
            snapshot(customer, own),
            logs[customer.id],
            alone=customer.id not in crowded,
            lines=own,
        ) | {"version": customer.version, "notes": session_erasure.note(customer)}
        after = {"changes": made.changes, "integrity": customer.restore_report["intact"]}
        changes.append(Change(customer, event, was, after))
    announce(session, actor, "customer.restored", changes)
    # Payments may have told of the account while the customer lay deleted.
    accounting.followed(session, [customer for customer, _ in planned])
    spending.follow(session, ids)
    return [customer for customer, _ in planned]


def _borne(customer: Customer, made: Plan) -> tuple[UUID, str, str | None]:
    """What the network will know the restored customer by."""
    username = made.changes.get("username", customer.username)
    address = made.changes.get("static_address", customer.static_address)
    return customer.id, username, None if customer.standing in FINAL else address


def _apply(customer: Customer, made: Plan, lines: Sequence[Account]) -> None:
    for name, value in made.changes.items():
        if name in RESOLVABLE:
            setattr(customer, name, value)
    if made.operator is not None:
        customer.operator = made.operator
        customer.operator_path = made.operator.operator_path
    for line in lines:
        # B11, decision 1.6.4: the services come back, and none of them runs.
        if line.state == "open" or line.closed_by_deletion:
            line.state, line.closed_at, line.closed_by_deletion = "stopped", None, False
