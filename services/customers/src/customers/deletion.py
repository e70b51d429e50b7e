"""Deletion: marked, hidden, and kept whole, with who, when, why and how it was (A2-A18, C47-C48)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from customers import policies
from customers.domain import Account, Customer, Refusal, now
from customers.persistence import customers
from customers.persistence.announcing import Change, announce
from customers.policies import Policy
from shared.database import Scope
from shared.operations import Actor

REASONS = ("closed_account", "migrated_away", "wrong_entry", "test_account", "operator_error")


@dataclass(frozen=True, kw_only=True)
class Order:
    """Why the customers go. `cascade` closes their accounts first (C48)."""

    reason: str
    note: str | None = None
    cascade: bool = False
    dry_run: bool = False


def delete(
    session: Session, scope: Scope, actor: Actor, customer_id: UUID, order: Order
) -> Customer:
    """Delete one; deleting it twice gives the same. Raises Missing, IsErased, Refusal `blocked`."""
    customer = customers.lock_one(session, scope, customer_id)
    if customer.state == "deleted":
        return customer
    blocked = delete_many(session, actor, [customer], order)
    if customer_id in blocked:
        errors = blocked[customer_id]
        raise Refusal("blocked", "; ".join(error["detail"] for error in errors), errors)
    return customer


def delete_many(
    session: Session,
    actor: Actor,
    chosen: Sequence[Customer],
    order: Order,
    moment: datetime | None = None,
) -> Mapping[UUID, list[dict[str, Any]]]:
    """Delete those of the locked, living `chosen` that nothing blocks; the blockers of the others."""
    policy = policies.read(session)
    lines = _accounts(session, chosen)
    blocked = {
        customer.id: found
        for customer in chosen
        if (found := blockers(policy, customer, lines[customer.id], order.cascade))
    }
    going = [customer for customer in chosen if customer.id not in blocked]
    if order.dry_run or not going:
        return blocked
    at = moment or now()
    kept = kept_days(session)
    announce(
        session, actor, "customer.deleted",
        [_delete(customer, lines[customer.id], actor, order, at, kept) for customer in going],
    )  # fmt: skip
    return blocked


def _accounts(session: Session, chosen: Iterable[Customer]) -> dict[UUID, list[Account]]:
    lines: dict[UUID, list[Account]] = defaultdict(list)
    for account in customers.accounts(session, [customer.id for customer in chosen]):
        lines[account.customer_id].append(account)
    return lines


def _delete(
    customer: Customer, lines: Sequence[Account], actor: Actor, order: Order, moment: datetime,
    kept: Mapping[str, Mapping[str, int | None]],
) -> Change:  # fmt: skip
    for account in lines:
        if account.state == "open" and order.cascade:
            account.state, account.closed_at = "closed", moment
            account.closed_by_deletion = True
    before = snapshot(customer, lines)
    days = kept.get(order.reason, {})
    event = customer.delete(
        moment,
        deleted_by=actor.name,
        deleted_by_id=actor.id,
        deletion_reason=order.reason,
        deletion_note=order.note,
        # Which event tells of it: the proof of the books that follows names it.
        deletion_snapshot=before | {"version": customer.version + 1},
        erase_after=_after(moment, days.get("retain_days")),
        sessions_erase_after=_after(moment, days.get("sessions_days")),
    )
    after = {"reason": order.reason, "erase_after": customer.erase_after}
    return Change(customer, event, before, after, order.note or order.reason)


def kept_days(session: Session) -> dict[str, dict[str, int | None]]:
    """Per reason and data class, how long the deleted are kept; None: the person until somebody says
    otherwise, sessions as long as the person."""
    rows = session.execute(text("SELECT reason, retain_days, sessions_days FROM retention_policy"))
    return {row.reason: dict(row._mapping) for row in rows}


def _after(deleted_at: datetime, days: int | None) -> datetime | None:
    return None if days is None else deleted_at + timedelta(days=days)


def corrected(session: Session, customer: Customer, fields: dict[str, Any]) -> dict[str, Any]:
    """D16: the reason and the note of a deletion too; another reason has another retention."""
    fields = dict(fields)
    if "note" in fields:
        fields["deletion_note"] = fields.pop("note")
    if "reason" in fields:
        fields["deletion_reason"] = fields.pop("reason")
        days = kept_days(session).get(fields["deletion_reason"], {})
        deleted_at, gone = customer.deleted_at, customer.sessions_erased_before
        assert deleted_at is not None
        fields["erase_after"] = _after(deleted_at, days.get("retain_days"))
        # What was given up since the deletion is not given up twice.
        fields["sessions_erase_after"] = (
            _after(deleted_at, days.get("sessions_days"))
            if gone is None or gone < deleted_at
            else None
        )
    return fields


def snapshot(customer: Customer, lines: Sequence[Account]) -> dict[str, Any]:
    """How the customer was, for the deleted list (A15) and for the report of a restore."""
    package = customer.package
    return {
        "package_id": str(package.id) if package else None,
        "package_name": package.name if package else None,
        "operator_id": str(customer.operator.id),
        "operator_name": customer.operator.name,
        "status": customer.status,
        "holds": list(customer.holds),
        "balance": str(customer.balance),
        "available_funds": str(customer.available_funds),
        "currency": customer.currency,
        "accounts": {str(line.id): line.name for line in lines},
        "activated": customer.activated_at is not None,
        "expires_at": customer.expires_at and customer.expires_at.isoformat(),
    }


def blockers(
    policy: Policy, customer: Customer, lines: Sequence[Account], cascade: bool
) -> list[dict[str, Any]]:
    """What stands in the way by the site's policy (1.6.7), each with the call that resolves it."""
    place = f"/v1/customers/{customer.id}"
    open_lines = [line for line in lines if line.state == "open"]
    found: dict[str, Any] = {
        "open_accounts": bool(open_lines) and not cascade and {
            "detail": f"{len(open_lines)} open accounts (C48)",
            "resolve": f"DELETE {place}/accounts/{{account_id}}, or cascade: true",
        },
        "open_balance": customer.balance != 0 and {
            "detail": f"the balance is {customer.balance:f} {customer.currency}",
            "resolve": "POST /v1/payments",
        },
        "legal_hold": customer.legal_hold is not None and {
            "detail": "a legal hold stands",
            "resolve": f"DELETE {place}/legal-hold",
        },
    }  # fmt: skip
    return [{"code": code, **found[code]} for code in policy.deletion_blockers if found[code]]
