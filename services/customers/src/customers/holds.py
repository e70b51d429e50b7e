"""Holds: set and lifted, each only by its owner (statuses, column "lifted by")."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlalchemy.orm import Session

from customers import policies
from customers.domain import Customer, Hold, Missing, NotAllowed, NotValid, Refusal, now
from customers.persistence.announcing import Change, announce
from shared.database import Scope, uuid7
from shared.events import HoldKind
from shared.operations import Actor

# What an operator may set; `fair_use`, and `spending` for what is not charged here, come from who
# measures the use (a front end).
SETTABLE: tuple[HoldKind, ...] = (
    "admin", "fraud", "vacation", "reseller", "payment_frozen", "export", "spending", "fair_use",
)  # fmt: skip
# Nobody lifts these by hand (C12, C27, C31): what does.
SYSTEMS = {
    "overdue": "a payment that covers what is overdue; lift-suspension postpones it",
    "credit": "a payment that brings the balance under the credit limit",
    "funds": "a payment that raises the funds above zero",
    "spending": "00:00:00 of the next day, or a spending limit above the day's expenses",
    "terminated": "activate",
}
# These end by themselves in a stronger status, after the class's days (C19, C23).
AGING = ("overdue", "terminated")


def place(
    session: Session, actor: Actor, chosen: Sequence[Customer], kind: HoldKind, *,
    reason: str | None = None, until: datetime | None = None,
) -> list[Customer]:  # fmt: skip
    """Hold those of the locked `chosen` whom this owner does not hold so yet; those that changed."""
    if kind not in SETTABLE:
        raise Refusal("system_hold", f"{kind} follows from the account: it is set by the system.")
    until = end(session, kind, until)
    for customer in chosen:
        customer.refuse_if_final()
    held = held_by(session, actor.path, kind, [customer.id for customer in chosen])
    going = [customer for customer in chosen if customer.id not in held]
    set_holds(session, actor, going, kind, reason=reason, until=until, owner_path=actor.path)
    return going


def end(session: Session, kind: HoldKind, until: datetime | None) -> datetime | None:
    """When a hold that is set now ends; `spending` at the next midnight (C31). Raises NotValid."""
    if kind == "spending":
        midnight = next_midnight(policies.read(session).time_zone)
        until = until or midnight
        if until > midnight:
            raise NotValid(
                "until", f"spending ends at midnight: {midnight.isoformat()} at the latest"
            )
    if until is not None and until <= now():
        raise NotValid("until", "must lie in the future")
    return until


def set_holds(
    session: Session, actor: Actor, going: Sequence[Customer], kind: HoldKind, *,
    reason: str | None = None, until: datetime | None = None, owner_path: str | None = None,
) -> None:  # fmt: skip
    moment = now()
    session.add_all(
        Hold(
            id=UUID(str(uuid7())), customer_id=customer.id, kind=kind, actor=actor.name,
            reason=reason, owner_path=owner_path, since=moment,
            until=until or _end_of_period(customer, kind, moment),
        )
        for customer in going
    )  # fmt: skip
    changes = []
    for customer in going:
        before = _view(customer)
        event = customer.hold({kind}, moment)
        changes.append(Change(customer, event, before, _view(customer), reason))
    announce(session, actor, "customer.held", changes)


def _end_of_period(customer: Customer, kind: HoldKind, moment: datetime) -> datetime | None:
    """Fair use throttles until the new period (statuses, row 7), be it renewed long before or not at all."""
    return customer.expires_at if kind == "fair_use" and customer.activated(moment) else None


def _view(customer: Customer) -> dict[str, Any]:
    return {"holds": list(customer.holds), "status": customer.status}


def next_midnight(zone: str) -> datetime:
    """C31: the spending limit is renewed at 00:00:00 of the ISP's day."""
    today = now().astimezone(ZoneInfo(zone)).date()
    return datetime.combine(today + timedelta(days=1), time(), ZoneInfo(zone))


def lift(session: Session, scope: Scope, actor: Actor, customer: Customer, hold_id: UUID) -> None:
    """Lift one hold; lifting it twice changes nothing. Raises Missing, Refusal, NotAllowed."""
    hold = session.get(Hold, hold_id)
    if hold is None or hold.customer_id != customer.id:
        raise Missing("hold")
    if hold.lifted_at is not None:
        return
    if hold.kind in SYSTEMS:
        raise Refusal(
            "system_hold", f"{hold.kind} is not lifted by hand, but by {SYSTEMS[hold.kind]}."
        )
    customer.refuse_if_final()
    if hold.owner_path is not None and not scope.holds(hold.owner_path):
        raise NotAllowed("This hold was set by an operator above you, who alone lifts it.")
    lift_rows(session, actor, [customer], [hold_id])


def held_by(
    session: Session, owner_path: str | None, kind: HoldKind, ids: Collection[UUID]
) -> Mapping[UUID, UUID]:
    """The standing holds of this kind that this owner set, by customer; None: the system's."""
    session.flush()
    rows = session.execute(
        text(
            "SELECT customer_id, id FROM hold WHERE customer_id = ANY(:ids) AND kind = :kind"
            " AND lifted_at IS NULL AND owner_path IS NOT DISTINCT FROM :owner"
        ),
        {"ids": list(ids), "kind": kind, "owner": owner_path},
    )
    return {row.customer_id: row.id for row in rows}


def lift_kinds(
    session: Session, actor: Actor, chosen: Sequence[Customer], kinds: Collection[str],
    reason: str | None = None,
) -> list[Customer]:  # fmt: skip
    """Lift these kinds, whoever set them; those that changed."""
    going = [customer for customer in chosen if set(kinds) & {*customer.holds}]
    mark_lifted(session, actor, [customer.id for customer in going], kinds)
    _let_go(session, actor, [(customer, set(kinds)) for customer in going], reason)
    return going


def lift_rows(
    session: Session, actor: Actor, chosen: Sequence[Customer], rows: Collection[UUID],
    reason: str | None = None,
) -> list[Customer]:  # fmt: skip
    """Lift these holds of the locked `chosen`; those that had one. What another owner holds, stands."""
    session.flush()
    asked = {"who": actor.name, "ids": [one.id for one in chosen], "rows": list(rows)}
    lifted = defaultdict[UUID, set[str]](set)
    for row in session.execute(_LIFT, asked).all():
        lifted[row.customer_id].add(row.kind)
    going = [customer for customer in chosen if customer.id in lifted]
    for row in session.execute(_STANDING, {"ids": list(lifted)}):
        lifted[row.customer_id].discard(row.kind)
    _let_go(session, actor, [(customer, lifted[customer.id]) for customer in going], reason)
    return going


_LIFT = text(
    "UPDATE hold SET lifted_at = now(), lifted_by = :who WHERE lifted_at IS NULL"
    " AND id = ANY(:rows) AND customer_id = ANY(:ids) RETURNING customer_id, kind"
)
_STANDING = text(
    "SELECT customer_id, kind FROM hold WHERE lifted_at IS NULL AND customer_id = ANY(:ids)"
)


def _let_go(
    session: Session, actor: Actor, going: Sequence[tuple[Customer, set[str]]], reason: str | None
) -> None:
    moment, changes = now(), []
    for customer, kinds in going:
        before = _view(customer)
        event = customer.lift(kinds, moment)
        changes.append(Change(customer, event, before, _view(customer), reason))
    announce(session, actor, "customer.hold_lifted", changes)


def mark_lifted(
    session: Session, actor: Actor, ids: Iterable[UUID], kinds: Collection[str]
) -> Sequence[UUID]:
    """Lift the rows of these kinds; the customers who had one."""
    session.flush()
    return session.scalars(
        text(
            "UPDATE hold SET lifted_at = now(), lifted_by = :who WHERE lifted_at IS NULL"
            " AND customer_id = ANY(:ids) AND kind = ANY(:kinds) RETURNING customer_id"
        ),
        {"who": actor.name, "ids": list(ids), "kinds": list(kinds)},
    ).all()


def begin_grace(session: Session, ids: Collection[UUID]) -> None:
    """C21: brought back while something is owed, a customer has the class's days of grace anew."""
    session.execute(
        text(
            "UPDATE hold SET grace_from = now()"
            " WHERE customer_id = ANY(:ids) AND kind = 'overdue' AND lifted_at IS NULL"
        ),
        {"ids": list(ids)},
    )


def leave_out_deleted_time(session: Session, ids: Collection[UUID]) -> None:
    """Before a restore: the days of grace and of termination stood still since the deletion (A28)."""
    session.execute(
        text(
            "UPDATE hold h SET grace_from = d.counted + greatest(now() - d.stopped, interval '0')"
            " FROM (SELECT h.id, coalesce(h.grace_from, h.since) AS counted,"
            " greatest(c.deleted_at, h.grace_from, h.since) AS stopped"
            " FROM hold h JOIN customer c ON c.id = h.customer_id"
            " WHERE h.customer_id = ANY(:ids) AND h.lifted_at IS NULL AND h.kind = ANY(:kinds)"
            " AND c.state = 'deleted') d WHERE d.id = h.id"
        ),
        {"ids": list(ids), "kinds": list(AGING)},
    )
