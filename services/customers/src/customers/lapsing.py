"""What time alone ends: holds with an end, packages, postponements, terminations (C15, C19-C23, C31).

State decides what is due, so doing it twice, late, or on two machines changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from customers import activation, holds, operator_holds
from customers.domain import FINAL, Customer, now
from customers.persistence import customers
from customers.persistence.announcing import Change, announce
from shared.database import EVERYTHING, Database
from shared.operations import SYSTEM

# One transaction of 500 rows takes well below a second, so nobody waits long for its locks.
CHUNK = 500
# As the index `hold_aging` has it.
AGED_FROM = "coalesce(h.grace_from, h.since)"
Work = Callable[[Session, list[Customer]], None]

_DUE = {
    # An hour ahead: at its very end radius-sync takes a service offline by itself.
    "renewals": "SELECT c.id FROM customer c JOIN customer_class k ON k.id = c.class_id"
    " JOIN package p ON p.id = c.package_id WHERE c.state = 'alive' AND c.activated_at IS NOT NULL"
    " AND c.expires_at <= now() + interval '1 hour' AND c.kind <> 'lead' AND c.closed_at IS NULL"
    " AND c.exported_at IS NULL AND NOT c.holds && ARRAY['terminated', 'vacation']"
    " AND (coalesce(c.waits_from, c.expires_at) = ANY(c.paid_periods) OR k.renews AND NOT p.retired"
    " AND NOT c.holds && ARRAY['export', 'funds']"
    " AND (k.charge_while_suspended OR NOT c.overdue)"
    " AND (c.balance_control = 'postpaid' OR c.available_funds >="
    " CASE WHEN p.charge_of = p.price THEN p.charge ELSE p.price END)) ORDER BY c.expires_at",
    "exports": "SELECT id FROM customer WHERE state = 'alive' AND activated_at IS NOT NULL"
    " AND expires_at <= now() + interval '1 hour' AND 'export' = ANY(holds) ORDER BY expires_at",
    "packages": "SELECT id FROM customer WHERE state = 'alive' AND activated_at IS NOT NULL"
    " AND expires_at <= now() ORDER BY expires_at",
    "postponements": "SELECT id FROM customer WHERE lift_suspension_until <= now()"
    " AND state = 'alive' ORDER BY lift_suspension_until",
    "holds": "SELECT h.customer_id FROM hold h JOIN customer c ON c.id = h.customer_id"
    " WHERE h.lifted_at IS NULL AND h.until <= now() AND c.state = 'alive' ORDER BY h.until",
    "grace": "SELECT h.customer_id FROM hold h JOIN customer c ON c.id = h.customer_id"
    " JOIN customer_class k ON k.id = c.class_id"
    " WHERE h.lifted_at IS NULL AND h.kind = 'overdue' AND c.state = 'alive'"
    " AND c.closed_at IS NULL AND c.exported_at IS NULL"
    " AND NOT c.holds && ARRAY['terminated', 'export']"
    " AND (c.lift_suspension_until IS NULL OR c.lift_suspension_until <= now())"
    f" AND {AGED_FROM} <= now() - k.grace_days * interval '1 day' AND (SELECT working_day(now()))"
    f" ORDER BY {AGED_FROM}",
    "terminations": "SELECT h.customer_id FROM hold h JOIN customer c ON c.id = h.customer_id"
    " JOIN customer_class k ON k.id = c.class_id"
    " WHERE h.lifted_at IS NULL AND h.kind = 'terminated' AND c.state = 'alive'"
    " AND c.closed_at IS NULL AND c.exported_at IS NULL AND NOT 'export' = ANY(c.holds)"
    f" AND {AGED_FROM} <= now() - k.termination_days * interval '1 day' ORDER BY {AGED_FROM}",
}


def sweep(database: Database) -> dict[str, int]:
    """Do all that is due, in chunks; how many of each. One sweeper at a time, the others return."""
    done: dict[str, int] = {}
    with database.lock("customers.lapsing") as mine:
        for name, work in _WORK.items() if mine else ():
            done[name] = 0
            while count := _some(database, name, work):
                done[name] += count
                if count < CHUNK:
                    break
        if mine:
            with database.transaction() as session:
                done["operators"] = operator_holds.end_due(session, CHUNK)
    return done


def _some(database: Database, name: str, work: Work) -> int:
    with database.transaction() as session:
        ids: Sequence[UUID] = session.scalars(
            text(f"{_DUE[name]} LIMIT :most"), {"most": CHUNK}
        ).all()
        if not ids:
            return 0
        chosen = customers.lock(session, EVERYTHING, set(ids))
        work(session, [one for one in chosen.values() if one.state == "alive"])
    return len(ids)


def _lapse(session: Session, chosen: list[Customer]) -> None:
    moment, changes = now(), []
    for one in chosen:
        before = _view(one)
        event = one.lapse(moment)
        changes.append(Change(one, event, before, _view(one), "its time has come"))
    announce(session, SYSTEM, "customer.lapsed", changes)


def _wait(session: Session, chosen: list[Customer]) -> None:
    """C38: whoever is still here when the export is given up has the status of before."""
    moment, changes = now(), []
    for one in chosen:
        if "export" in one.holds:
            before = {"expires_at": one.expires_at}
            event = one.wait(moment)
            after = {"expires_at": one.expires_at}
            changes.append(Change(one, event, before, after, "an export runs"))
    announce(session, SYSTEM, "customer.waits", changes)


def _view(one: Customer) -> dict[str, Any]:
    return {"status": one.status, "lift_suspension_until": one.lift_suspension_until}


def _end_holds(session: Session, chosen: list[Customer]) -> None:
    ended = [
        hold.id
        for hold in customers.holds_in_force(session, [one.id for one in chosen])
        if hold.until is not None and hold.until <= now()
    ]
    holds.lift_rows(session, SYSTEM, chosen, ended, "its time has come")


def _terminate(session: Session, chosen: list[Customer]) -> None:
    """C19, C20: all services stop; the data stay, so that the last period can be billed."""
    holds.set_holds(session, SYSTEM, chosen, "terminated", reason="the grace period is over")


def _close(session: Session, chosen: list[Customer]) -> None:
    """C23: not reactivated within the class's days."""
    # An export may have begun or ended since they were found.
    here = [one for one in chosen if one.standing not in FINAL and "export" not in one.holds]
    activation.close(session, SYSTEM, here, "provisional termination ran out")


_WORK: dict[str, Work] = {
    "renewals": activation.renew,
    "exports": _wait,
    "packages": _lapse,
    "postponements": _lapse,
    "holds": _end_holds,
    "grace": _terminate,
    "terminations": _close,
}
