"""A package is assigned and renewed (A29), a suspension postponed (C13-C15), a customer closed (C3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from customers import holds, policies, working_days
from customers.domain import (
    ENDED_BY_ACTIVATION,
    Customer,
    Missing,
    NotValid,
    Package,
    Refusal,
    now,
    renews,
)
from customers.persistence import customers, operators
from customers.persistence.announcing import Change, announce
from shared.database import Scope
from shared.operations import SYSTEM, Actor


def activate(
    session: Session, scope: Scope, actor: Actor, customer: Customer,
    package_id: UUID | None = None, *, renew: bool = True,
) -> Customer:  # fmt: skip
    """Serve the locked customer until now, or the running end, plus the package's days.

    Raises Refusal for one that is closed, exported, blocked, or a lead; NotValid for the package.
    """
    package = _package(session, scope, package_id) if package_id else None
    held = customers.inherited_holds(session)
    fault = activate_many(session, actor, [customer], package, renew, held).get(customer.id)
    if isinstance(fault, Exception):
        raise fault
    return customer


def activate_many(
    session: Session, actor: Actor, chosen: Sequence[Customer], package: Package | None,
    renew: bool, held: Sequence[tuple[str, frozenset[str]]], dry_run: bool = False, *,
    reason: str | None = None,
) -> Mapping[UUID, Exception]:  # fmt: skip
    """Activate those that may be; why not, of the others."""
    moment, faults, changes = now(), dict[UUID, Exception](), list[Change]()
    for customer in chosen:
        try:
            wanted = _allowed(customer, package, held)
        except (Refusal, NotValid) as fault:
            faults[customer.id] = fault
            continue
        if not dry_run:
            changes.append(_activate(customer, wanted, renew, moment, reason))
    _announce(session, actor, "customer.activated", changes)
    return faults


def renew(session: Session, chosen: Sequence[Customer]) -> None:
    """The next period of locked customers whose service goes on by itself; payments bills it."""
    moment = now()
    _announce(session, SYSTEM, "customer.renewed", [
        _activate(one, one.package, True, moment) for one in chosen
        if renews(one) and one.package is not None
    ])  # fmt: skip


def _announce(session: Session, actor: Actor, action: str, changes: Sequence[Change]) -> None:
    """The holds that ended with the activation, and its event."""
    for kind in ENDED_BY_ACTIVATION:
        free = [one.customer.id for one in changes if kind not in one.customer.holds]
        lifted = holds.mark_lifted(session, actor, free, {kind})
        if kind == "terminated":
            holds.begin_grace(session, lifted)
    announce(session, actor, action, changes)


def _activate(
    customer: Customer, package: Package, renew: bool, moment: datetime, reason: str | None = None
) -> Change:
    before = _view(customer)
    event = customer.activate(package, renew, moment)
    return Change(customer, event, before, _view(customer), reason)


def _view(customer: Customer) -> dict[str, Any]:
    return {
        "package": customer.package and customer.package.name,
        "expires_at": customer.expires_at,
        "status": customer.status,
    }


def _allowed(
    customer: Customer, package: Package | None, held: Sequence[tuple[str, frozenset[str]]]
) -> Package:
    customer.refuse_if_final()
    above = customers.holds_above(held, customer.operator_path)
    blocking = {"admin", "fraud"} & ({*customer.holds} | above)
    if blocking:
        raise Refusal("blocked", "The customer is blocked: lift the hold first.", [{
            "code": "blocked",
            "detail": f"hold {', '.join(sorted(blocking))}: why-offline has the call that lifts each",
            "resolve": f"GET /v1/customers/{customer.id}/why-offline",
        }])  # fmt: skip
    if "export" in customer.holds:
        raise Refusal("export_in_progress", "Billing is paused while the export runs (C33).")
    report = customer.restore_report
    if report is not None and not report["intact"]:
        wrong = ", ".join(name for name, fits in report["checks"].items() if not fits)
        raise Refusal("integrity", f"The check after the restore found a fault: {wrong} (B17-B20).", [{
            "code": "integrity", "detail": "put it right; deleting and restoring again checks anew",
            "resolve": f"POST /v1/customers/{customer.id}/delete",
        }])  # fmt: skip
    if customer.kind == "lead":
        raise Refusal("lead", "A lead has no service: make it a customer first.", [{
            "code": "lead", "detail": "kind is lead",
            "resolve": f"PATCH /v1/customers/{customer.id} {{\"kind\": \"customer\"}}",
        }])  # fmt: skip
    wanted = package or customer.package
    if wanted is None:
        raise NotValid("package_id", "say which package: none is assigned", "missing")
    if wanted.retired:
        raise NotValid("package_id", "this package is retired; choose another one", "retired")
    return wanted


def _package(session: Session, scope: Scope, package_id: UUID) -> Package:
    try:
        return operators.package(session, scope, package_id)
    except Missing as error:
        raise NotValid("package_id", "there is no such package", "unknown") from error


def postpone(
    session: Session, actor: Actor, customer: Customer, until: datetime, reason: str | None
) -> Customer:
    """C13, C14, decision 1.6.11: a promise to pay, capped by the settings and logged.

    One that would end on a weekend or holiday ends on the next working day.
    """
    customer.refuse_if_final()
    customer.refuse_if_exporting("no suspension is postponed")
    moment, policy = now(), policies.read(session)
    most = policy.lift_suspension_days
    if not moment < until <= moment + timedelta(days=most):
        raise NotValid("until", f"must lie in the future, at most {most} days from now")
    until = working_days.next_working(session, until)
    _refuse_one_more(session, customer, until, policy.lift_suspensions_a_quarter)
    before = {"lift_suspension_until": customer.lift_suspension_until, "status": customer.status}
    event = customer.postpone(until, moment)
    after = {"lift_suspension_until": until, "status": customer.status}
    announce(session, actor, "customer.suspension_lifted",
             [Change(customer, event, before, after, reason)])  # fmt: skip
    return customer


_UNKEPT = text(
    "SELECT count(*) FILTER (WHERE action = 'customer.suspension_lifted')"
    " - count(*) FILTER (WHERE action = 'customer.suspension_settled') FROM operation"
    " WHERE subject = :customer AND at > :since"
    " AND action IN ('customer.suspension_lifted', 'customer.suspension_settled')"
)


def _refuse_one_more(session: Session, customer: Customer, until: datetime, most: int) -> None:
    """A quarter has room for so many; one that a payment ended is no reason to refuse another one."""
    standing = customer.lift_suspension_until
    if standing is not None and until <= standing:
        return
    since = now() - timedelta(days=90)
    made = session.scalar(_UNKEPT, {"customer": customer.id, "since": since}) or 0
    if made >= most:
        raise Refusal(
            "too_many_postponements",
            f"{most} postponements in 90 days that ended without a payment are all",
        )


def finish_export(
    session: Session, actor: Actor, customer: Customer, reason: str | None
) -> Customer:
    """C32: the migration is over, and the customer is not operational here any more. Twice is once.

    Raises Refusal when no export is under way. To give it up instead, its hold is lifted (C38).
    """
    if customer.exported_at is not None:
        return customer
    customer.refuse_if_final()
    if "export" not in customer.holds:
        raise Refusal("no_export", "No export is under way.", [{
            "code": "no_export", "detail": "begin it with a hold of the kind export (C33)",
            "resolve": f"POST /v1/customers/{customer.id}/holds",
        }])  # fmt: skip
    holds.mark_lifted(session, actor, [customer.id], {"export"})
    before = {"status": customer.status}
    event = customer.finish_export(now())
    announce(session, actor, "customer.exported",
             [Change(customer, event, before, {"status": customer.status}, reason)])  # fmt: skip
    return customer


def close(session: Session, actor: Actor, chosen: Sequence[Customer], reason: str) -> None:
    """C3, C4: for good; the accounts close with it. Closing twice changes nothing.

    Raises Refusal for one that is exported (C32), or while its export runs.
    """
    going = [customer for customer in chosen if customer.closed_at is None]
    for customer in going:
        customer.refuse_if_final()
        customer.refuse_if_exporting("nobody is closed")
    moment = now()
    for account in customers.accounts(session, [customer.id for customer in going]):
        if account.state != "closed":
            account.state, account.closed_at = "closed", moment
    holds.mark_lifted(session, actor, [customer.id for customer in going], {"terminated"})
    changes = []
    for customer in going:
        before = {"status": customer.status}
        event = customer.close(moment)
        changes.append(Change(customer, event, before, {"status": "closed"}, reason))
    announce(session, actor, "customer.closed", changes)
