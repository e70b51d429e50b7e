"""Dunning: reminders by the class's policy, promises to pay, and no cut-off on a holiday (C9-C15).

Payments decides when an account is overdue; customers decides what follows: suspended or limited, then
provisionally terminated, then closed, by the class's own days.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7

from payments import domain
from payments.domain import Erased, UnknownCustomer
from payments.money import Money, exact
from payments.persistence import accounts, bills, debits, dunning, facts
from payments.publishing import close
from payments.settings import PaymentsSettings
from shared import operations
from shared.events import BillReminder, CalendarChanged, Event
from shared.operations import SYSTEM, Actor
from shared.outbox import publish

# A site has one calendar.
CALENDAR = UUID(int=0)
# One transaction of so many customers takes well below a second.
BATCH = 500
# A salary may have come by then; asking a bank twice a day only costs fees.
ANOTHER_DAY = timedelta(days=1)


def set_calendar(
    session: Session, weekend: Sequence[int], holidays: Mapping[date, str], time_zone: str,
    actor: Actor,
) -> Any:  # fmt: skip
    """Set the days without a cut-off and tell customers, whose deadlines keep them too; the calendar."""
    before = dunning.calendar(session, lock=True)
    dunning.put_calendar(session, sorted(weekend), holidays, time_zone)
    row = dunning.calendar(session)
    operations.record(
        session, actor, "holidays.changed", "calendar", None,
        operator_path=actor.path or operations.SYSTEM_PATH, personal=False,
        before=before._asdict(), after=row._asdict(),
    )  # fmt: skip
    told = CalendarChanged(
        subject=CALENDAR, sequence=row.version, operator_path=operations.SYSTEM_PATH,
        weekend=tuple(row.weekend), time_zone=row.time_zone,
        holidays={holiday["day"]: holiday["name"] for holiday in row.holidays},
    )  # fmt: skip
    publish(session, told, actor=actor.name, request_id=actor.request_id)
    return row


def promise(
    session: Session, customer_id: UUID, until: date, wanted: Money | None, note: str | None,
    settings: PaymentsSettings, actor: Actor,
) -> UUID:  # fmt: skip
    """The customer will pay `wanted`, or all that is due, by the end of `until`; the promise's id.

    Until then the account is not overdue; afterwards it is, on the next working day.
    Raises UnknownCustomer, Erased, Refused beyond what the class allows.
    """
    locked = accounts.lock(session, [customer_id])
    fact = facts.customers(session, [customer_id]).get(customer_id)
    if fact is None:
        raise UnknownCustomer(customer_id)
    if not locked or fact.erased_at is not None:
        raise Erased(customer_id)
    account, at = locked[customer_id], bills.now(session)
    policy = dunning.policy_of(session, fact.class_id, settings.grace_days)
    owed = bills.owed(session, customer_id)
    if wanted is not None and wanted.currency != account.currency:
        raise domain.Refused("currency", f"this customer's account is in {account.currency}")
    amount = owed if wanted is None else wanted.amount
    zone = ZoneInfo(settings.time_zone)
    domain.check_promise(
        owed, amount, until, at.astimezone(zone).date(), policy.promise_days,
        dunning.promises_since(session, customer_id, at - timedelta(days=90)),
        policy.promises_a_quarter, standing=account.promised_until is not None,
    )  # fmt: skip
    ends = datetime.combine(until + timedelta(days=1), time(), zone)
    row = {
        "id": uuid7(), "customer_id": customer_id, "operator_path": account.operator_path,
        "amount": amount, "currency": account.currency, "until": ends, "note": note,
        "operator_id": actor.id, "created_at": at,
        "operator_name": facts.operator_name(session, actor.id, actor.name),
    }  # fmt: skip
    dunning.add_promise(session, row)
    operations.record(
        session, actor, "promise.made", "customer", customer_id,
        operator_path=account.operator_path, reason=note,
        after={"promise_id": str(row["id"]), "amount": str(amount), "until": ends.isoformat()},
    )  # fmt: skip
    close(session, actor, locked, [], at)
    found: UUID = row["id"]
    return found


def fail_auto_payment(
    session: Session, customer_id: UUID, reason: str, actor: Actor
) -> tuple[int, bool]:
    """An automatic payment failed; how many since the last payment, and whether that freezes them (C29).

    Raises UnknownCustomer, Erased.
    """
    locked = accounts.lock(session, [customer_id])
    fact = facts.customers(session, [customer_id]).get(customer_id)
    if fact is None:
        raise UnknownCustomer(customer_id)
    if not locked or fact.erased_at is not None:
        raise Erased(customer_id)
    failures = accounts.fail_auto_payment(session, customer_id)
    operations.record(
        session, actor, "auto_payment.failed", "customer", customer_id, reason=reason,
        operator_path=locked[customer_id].operator_path, after={"failures": failures},
    )  # fmt: skip
    close(session, actor, locked, [], bills.now(session))
    return failures, failures >= fact.retry_limit


def auto_payment_missed(session: Session, intent: Any, reason: str, *, counts: bool) -> None:
    """The stored method did not pay: tried again on another day, unless that froze it (C29).

    `counts`: whether it is an error of the method's.
    """
    frozen = False
    if counts:
        try:
            _, frozen = fail_auto_payment(session, intent.customer_id, reason, SYSTEM)
        except (Erased, UnknownCustomer):
            return
    if not frozen:
        debits.try_again(session, intent.customer_id, ANOTHER_DAY)


def follow_limits(session: Session, before: Mapping[UUID, int]) -> None:
    """Tell of those whose automatic payments another limit than `before` freezes or thaws (C29).

    The caller has locked their facts since then, so that nobody counts a failure against neither.
    """
    now = facts.retry_limits(session, list(before))
    changed = sorted(one for one, limit in before.items() if now[one] != limit)
    locked = accounts.lock(session, changed) if changed else {}
    crossed = {
        one: account
        for one, account in locked.items()
        if (account.auto_payment_failures >= before[one])
        != (account.auto_payment_failures >= now[one])
    }
    if crossed:
        close(session, SYSTEM, crossed, [], bills.now(session))


def withdraw(session: Session, promise_id: UUID, reason: str, actor: Actor) -> None:
    """The promise does not stand any more. Raises LookupError outside the branch, Refused."""
    found = dunning.promise(session, promise_id)
    if found is None:
        raise LookupError(promise_id)
    locked = accounts.lock(session, [found.customer_id])
    if not dunning.end_promises(session, [found.customer_id], "withdrawn"):
        raise domain.Refused("promise_ended", "this promise does not stand any more")
    operations.record(
        session, actor, "promise.withdrawn", "customer", found.customer_id,
        operator_path=found.operator_path, reason=reason, after={"promise_id": str(promise_id)},
    )  # fmt: skip
    close(session, actor, locked, [], bills.now(session))


def break_promises(session: Session) -> int:
    """Promises whose day is over; how many. Call again until 0. What is late is overdue again."""
    customers = dunning.past_promises(session, BATCH)
    if not customers:
        return 0
    locked = accounts.lock(session, sorted(customers))
    ended = dunning.end_promises(session, list(locked), "broken", past=True)
    _log_ended(session, ended, "promise.broken")
    close(session, SYSTEM, {k: v for k, v in locked.items() if k in set(ended)}, [],
          bills.now(session))  # fmt: skip
    return len(customers)


def cut_off(session: Session) -> int:
    """Accounts that were late on a holiday, on the next working day; how many. Call until 0."""
    customers = dunning.late(session, BATCH)
    if not customers:
        return 0
    locked = accounts.lock(session, sorted(customers))
    close(session, SYSTEM, locked, [], bills.now(session))
    return len(customers)


def remind(session: Session, now: datetime | None = None) -> int:
    """Tell of bills whose day to remind has come, each day once; how many. Call again until 0."""
    at = now or bills.now(session)
    found = dunning.to_remind(session, at, BATCH)
    if not found:
        return 0
    locked = accounts.lock(session, sorted({row.customer_id for row in found}))
    told = dunning.add_reminders(session, found, at)
    events: list[Event] = [_reminder(row) for row in told if row.customer_id in locked]
    changed = {row.customer_id for row in told}
    close(session, SYSTEM, {k: v for k, v in locked.items() if k in changed}, events, at)
    return len(found)


def _reminder(row: Any) -> BillReminder:
    return BillReminder(
        subject=row.customer_id,
        sequence=0,
        operator_path=row.operator_path,
        bill_id=row.id,
        total=exact(row.total, row.currency),
        currency=row.currency,
        due_at=row.due_at,
        day=row.day,
        unpaid=exact(row.total - row.paid, row.currency),
    )


def _log_ended(session: Session, customers: Sequence[UUID], action: str) -> None:
    operations.record_many(
        session, SYSTEM, action, "customer",
        "SELECT customer_id AS subject, operator_path, CAST(NULL AS jsonb) AS before,"
        " jsonb_build_object('promises', true) AS after, CAST(NULL AS text) AS reason"
        " FROM account WHERE customer_id = ANY(:customers)",
        {"customers": list(customers)},
    )  # fmt: skip
