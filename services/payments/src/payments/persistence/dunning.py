"""Policies, the calendar, promises and reminders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select, text
from sqlalchemy.orm import Session

from payments.persistence.bills import BILLED_HERE
from payments.persistence.dunning_tables import promise_table, reminder
from payments.persistence.tables import customer_fact
from shared.database import Scope

# What holds for a class without a row: no reminder, and a promise of a week once a month.
PROMISE_DAYS, PROMISES_A_QUARTER = 7, 3


@dataclass(frozen=True)
class Policy:
    """The rules of a class; `class_id` None is for all without their own."""

    class_id: UUID | None
    grace_days: int
    remind_days: tuple[int, ...]
    promise_days: int
    promises_a_quarter: int
    version: int


def policies(session: Session, grace_days: int) -> list[Policy]:
    """That for everybody first; it is there before anybody wrote it, with version 0."""
    rows = session.execute(
        text(
            "SELECT class_id, grace_days, remind_days, promise_days, promises_a_quarter, version"
            " FROM dunning_policy ORDER BY class_id NULLS FIRST"
        )
    )
    found = [Policy(row[0], row[1], tuple(row[2]), *row[3:]) for row in rows]
    if found and found[0].class_id is None:
        return found
    return [Policy(None, grace_days, (), PROMISE_DAYS, PROMISES_A_QUARTER, 0), *found]


def policy_of(session: Session, class_id: UUID | None, grace_days: int) -> Policy:
    everybody, *others = policies(session, grace_days)
    return next((one for one in others if one.class_id == class_id), everybody)


def lock_policies(session: Session) -> None:
    """One writer at a time, of a policy that may not be there yet."""
    session.execute(text("SELECT 1 FROM calendar FOR UPDATE"))


def policy_for_writing(session: Session, class_id: UUID | None, grace_days: int) -> Policy:
    """The class's own, or, with version 0, what holds for it without one."""
    found = policy_of(session, class_id, grace_days)
    if found.class_id == class_id:
        return found
    return replace(found, class_id=class_id, version=0)


def put_policy(session: Session, policy: Policy) -> None:
    """Written over the version that was read, which the caller has compared."""
    session.execute(
        text(
            "INSERT INTO dunning_policy (class_id, grace_days, remind_days, promise_days,"
            " promises_a_quarter) VALUES (:class_id, :grace_days, :remind_days, :promise_days,"
            " :promises_a_quarter) ON CONFLICT (class_id) DO UPDATE SET"
            " grace_days = excluded.grace_days, remind_days = excluded.remind_days,"
            " promise_days = excluded.promise_days, version = dunning_policy.version + 1,"
            " promises_a_quarter = excluded.promises_a_quarter"
        ),
        {**policy.__dict__, "remind_days": list(policy.remind_days)},
    )


def calendar(session: Session, *, lock: bool = False) -> Any:
    """weekend, time_zone, version and `holidays`: rows of day and name, in order."""
    row = session.execute(
        text(
            "SELECT weekend, time_zone, version, (SELECT coalesce(jsonb_agg(jsonb_build_object("
            " 'day', day, 'name', name) ORDER BY day), '[]') FROM holiday) AS holidays"
            f" FROM calendar{' FOR UPDATE' if lock else ''}"
        )
    )
    return row.one()


def put_calendar(
    session: Session, weekend: Sequence[int], holidays: Mapping[date, str], time_zone: str
) -> None:
    session.execute(
        text("UPDATE calendar SET weekend = :weekend, time_zone = :zone, version = version + 1"),
        {"weekend": list(weekend), "zone": time_zone},
    )
    session.execute(text("DELETE FROM holiday"))
    session.execute(
        text(
            "INSERT INTO holiday (day, name)"
            " SELECT * FROM unnest(CAST(:days AS date[]), CAST(:names AS text[]))"
        ),
        {"days": list(holidays), "names": list(holidays.values())},
    )


_LATE = text(
    "SELECT a.customer_id FROM account a JOIN customer_fact f ON f.id = a.customer_id"
    f" AND f.erased_at IS NULL AND {BILLED_HERE} WHERE a.overdue_amount > 0 AND NOT a.overdue"
    " AND a.promised_until IS NULL AND (SELECT working_day(now())) LIMIT :most"
)


def late(session: Session, most: int) -> list[UUID]:
    """Accounts that are late and not told overdue yet; none on a holiday, nor while an export runs."""
    return list(session.scalars(_LATE, {"most": most}))


def add_promise(session: Session, row: Mapping[str, Any]) -> None:
    session.execute(promise_table.insert(), [dict(row)])
    session.execute(
        text("UPDATE account SET promised_until = :until WHERE customer_id = :customer"),
        {"until": row["until"], "customer": row["customer_id"]},
    )


def promises_since(session: Session, customer_id: UUID, since: datetime) -> int:
    """Those kept are no reason to refuse another one."""
    found = session.scalar(
        text(
            "SELECT count(*) FROM promise WHERE customer_id = :customer AND created_at > :since"
            " AND state <> 'kept'"
        ),
        {"customer": customer_id, "since": since},
    )
    return int(found or 0)


def promise(session: Session, promise_id: UUID) -> Any:
    """With its customer's name; None outside the caller's branch."""
    return session.execute(_promises().where(promise_table.c.id == promise_id)).one_or_none()


def _promises() -> Select[Any]:
    return select(
        promise_table, customer_fact.c.name.label("customer_name"), customer_fact.c.username
    ).join(customer_fact, customer_fact.c.id == promise_table.c.customer_id)


def listed(scope: Scope, filters: Mapping[str, Any]) -> Select[Any]:
    query = _promises().where(scope.covers(promise_table.c.operator_path))
    for name in ("customer_id", "state"):
        if filters.get(name) is not None:
            query = query.where(promise_table.c[name] == filters[name])
    return query


_PAST = text(
    "SELECT p.customer_id FROM promise p JOIN customer_fact f ON f.id = p.customer_id"
    f" AND {BILLED_HERE} WHERE p.state = 'open' AND p.until <= now()"
    " AND (SELECT working_day(now())) ORDER BY p.until LIMIT :most"
)


def past_promises(session: Session, most: int) -> list[UUID]:
    """Customers whose promise's day is over; none on a holiday, nor while an export runs (C33)."""
    return list(session.scalars(_PAST, {"most": most}))


_END = text(
    "WITH ended AS (UPDATE promise SET state = :state, ended_at = now(), version = version + 1"
    " WHERE customer_id = ANY(:customers) AND state = 'open' AND (NOT :past OR until <= now())"
    " RETURNING customer_id)"
    " UPDATE account a SET promised_until = NULL FROM ended"
    " WHERE a.customer_id = ended.customer_id RETURNING a.customer_id"
)


def end_promises(
    session: Session, customers: Sequence[UUID], state: str, *, past: bool = False
) -> list[UUID]:
    """The customers whose standing promise ended. The caller holds the accounts' locks."""
    return list(session.scalars(_END, {"customers": list(customers), "state": state, "past": past}))


_KEPT = text(
    "SELECT p.customer_id FROM promise p WHERE p.customer_id = ANY(:customers) AND p.state = 'open'"
    " AND p.amount <= (SELECT coalesce(sum(y.amount - y.refunded), 0) FROM payment y"
    " WHERE y.customer_id = p.customer_id AND y.recorded_at >= p.created_at"
    " AND y.status <> 'voided')"
)


def keep_promises(session: Session, customers: Sequence[UUID]) -> None:
    """A payment kept the promise when what was paid since is what was promised."""
    kept = list(session.scalars(_KEPT, {"customers": list(customers)}))
    if kept:
        end_promises(session, kept, "kept")


# A day that a policy brings late (or the first start) reminds of nothing older than two days. Who is
# closed still owes; who is deleted (A4) or served elsewhere (C32) hears nothing from here.
_TO_REMIND = text(
    "SELECT b.id, b.customer_id, s.day FROM bill b"
    " JOIN customer_fact f ON f.id = b.customer_id AND f.erased_at IS NULL"
    f" AND f.standing NOT IN ('deleted', 'exported') AND {BILLED_HERE}"
    " JOIN LATERAL (SELECT remind_days FROM dunning_policy p WHERE p.class_id = f.class_id"
    " OR p.class_id IS NULL ORDER BY p.class_id NULLS LAST LIMIT 1) p ON true"
    " CROSS JOIN LATERAL unnest(p.remind_days) AS s(day)"
    " WHERE b.status IN ('open', 'partly_paid', 'overdue')"
    " AND b.due_at <= CAST(:now AS timestamptz) - (SELECT min(d) FROM dunning_policy,"
    " unnest(remind_days) AS d) * interval '1 day'"
    " AND b.due_at > CAST(:now AS timestamptz) - ((SELECT max(d) FROM dunning_policy,"
    " unnest(remind_days) AS d) + 2) * interval '1 day'"
    " AND b.due_at <= CAST(:now AS timestamptz) - s.day * interval '1 day'"
    " AND b.due_at > CAST(:now AS timestamptz) - (s.day + 2) * interval '1 day'"
    " AND NOT EXISTS (SELECT FROM reminder r WHERE r.bill_id = b.id AND r.day = s.day)"
    " ORDER BY b.due_at LIMIT :most"
)


def to_remind(session: Session, now: datetime, most: int) -> list[Any]:
    return list(session.execute(_TO_REMIND, {"now": now, "most": most}))


def reminders(scope: Scope, filters: Mapping[str, Any]) -> Select[Any]:
    query = select(reminder.c.bill_id, reminder.c.customer_id, reminder.c.day, reminder.c.at).where(
        scope.covers(reminder.c.operator_path)
    )
    if filters.get("customer_id") is not None:
        query = query.where(reminder.c.customer_id == filters["customer_id"])
    return query


_REMIND = text(
    "WITH wanted AS (SELECT * FROM unnest(CAST(:bills AS uuid[]), CAST(:days AS int[]))"
    " AS w(bill_id, day)), added AS (INSERT INTO reminder (bill_id, day, customer_id,"
    " operator_path, at) SELECT b.id, w.day, b.customer_id, b.operator_path, :at FROM wanted w"
    " JOIN bill b ON b.id = w.bill_id AND b.status IN ('open', 'partly_paid', 'overdue')"
    " ON CONFLICT DO NOTHING RETURNING bill_id, day)"
    " SELECT b.*, a.day FROM added a JOIN bill b ON b.id = a.bill_id ORDER BY b.due_at, b.id, a.day"
)


def add_reminders(session: Session, wanted: Sequence[Any], at: datetime) -> list[Any]:
    """Those that were not told yet, with their bills. The caller holds the accounts' locks."""
    given = {"bills": [row.id for row in wanted], "days": [row.day for row in wanted], "at": at}
    return list(session.execute(_REMIND, given))
