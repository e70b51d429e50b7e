"""What the books know of one reason to be offline: who, since when, how much, and what helps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from customers import views
from customers.domain import Customer, Hold, OperatorHold

# Status, and what an operator can do about it; `{id}` is the customer's, `{hold_id}` the hold's.
ADVICE = {
    "closed": "Nothing: it is closed for good. Create a new customer.",
    "exported": "It is served by another installation.",
    "blocked": "Lift the hold: DELETE /v1/customers/{id}/holds/{hold_id}.",
    "reseller_blocked": "An operator above is blocked: ask who set that hold.",
    "provisionally_terminated": "POST /v1/customers/{id}/activate brings it back.",
    "inactive": "POST /v1/customers/{id}/activate assigns a package and renews it.",
    "suspended": "Take a payment of what is overdue, or POST /v1/customers/{id}/lift-suspension.",
    "reseller_suspended": "Lift the hold: DELETE /v1/customers/{id}/holds/{hold_id}.",
    "service_limited": "Limited, not offline: a payment, or the new period, ends it.",
    "credit_exceeded": "Take a payment, or raise the credit limit.",
    "no_available_funds": "Take a payment that raises the funds above zero.",
    "spending_limit_reached": "It ends by itself at 00:00:00, or raise the spending limit.",
    "vacation": "End the pause: DELETE /v1/customers/{id}/holds/{hold_id}.",
    "lead": 'Make it a customer: PATCH /v1/customers/{id} {"kind": "customer"}.',
}
FUNDS = "Take a payment that raises the funds above zero: a postponement does not help here."
UNSEEN = "An operator above is held: ask who set that hold."


@dataclass(frozen=True, kw_only=True)
class Books:
    """A customer, its holds in force, and those of the operators above that the caller may see, each with
    that operator's name. `zone`: the ISP's, in which times are told."""

    customer: Customer
    holds: Sequence[Hold]
    above: Sequence[tuple[OperatorHold, str]]
    zone: str


@dataclass(frozen=True)
class Reason:
    detail: str | None
    at: datetime | None
    what_to_do: str


def of(books: Books, name: str, why: str | None) -> list[Reason]:
    """One for each hold that makes the status, or the one that the customer itself makes."""
    if why is None:
        return [_own(books, name)]
    found = [_held(books, name, hold) for hold in books.holds if hold.kind == why]
    if name in ("reseller_blocked", "reseller_suspended"):
        own = found if name == "reseller_suspended" else []
        seen = [_above(books, *one) for one in books.above if one[0].kind == why]
        return [*own, *seen] or [Reason(None, None, UNSEEN)]
    return found


def _own(books: Books, name: str) -> Reason:
    one, advice = books.customer, ADVICE[name].replace("{id}", str(books.customer.id))
    if name == "inactive":
        if one.restored_at is not None:
            return Reason("Restored: no package is renewed since then.", one.restored_at, advice)
        if one.expires_at is None:
            return Reason("No package was activated yet.", one.created_at, advice)
        package = one.package.name if one.package else "The package"
        return Reason(f"{package} ended on {_time(books, one.expires_at)}.", one.expires_at, advice)
    moment = {"closed": one.closed_at, "exported": one.exported_at}.get(name)
    detail = None if moment is None else f"{name.title()} since {_time(books, moment)}."
    return Reason(detail, moment, advice)


def _held(books: Books, name: str, hold: Hold) -> Reason:
    advice = FUNDS if (name, hold.kind) == ("suspended", "funds") else ADVICE[name]
    advice = advice.replace("{id}", str(books.customer.id)).replace("{hold_id}", str(hold.id))
    return Reason(_detail(books, hold), hold.since, advice)


def _detail(books: Books, hold: Hold) -> str:
    one, since = books.customer, _time(books, hold.since)
    if hold.kind == "overdue":
        return f"{_money(one, one.balance)} is owed; overdue since {since}."
    if hold.kind == "credit":
        limit = _money(one, one.credit_limit or Decimal(0))
        return (
            f"{_money(one, one.balance)} is owed, over the credit limit of {limit} since {since}."
        )
    if hold.kind == "funds":
        return f"The available funds are {_money(one, one.available_funds)} since {since}."
    if hold.kind == "terminated":
        days = timedelta(days=one.customer_class.termination_days)
        ends = (hold.grace_from or hold.since) + days
        return f"Terminated since {since}; closed for good on {_time(books, ends)}."
    return _set_by(books, hold.actor, hold.reason, since, hold.until)


def _above(books: Books, hold: OperatorHold, operator: str) -> Reason:
    detail = _set_by(books, hold.actor, hold.reason, _time(books, hold.since), hold.until)
    place = f"DELETE /v1/operators/{hold.operator_id}/holds/{hold.kind}"
    return Reason(
        f"On the operator {operator}. {detail}", hold.since,
        f"Who set that hold, or stands above, lifts it: {place}.",
    )  # fmt: skip


def _set_by(
    books: Books, actor: str, reason: str | None, since: str, until: datetime | None
) -> str:
    why = f": {reason}" if reason else ""
    ends = f" It ends on {_time(books, until)}." if until else ""
    return f"Set by {actor} on {since}{why}.{ends}"


def _money(customer: Customer, amount: Decimal) -> str:
    told = views.money(amount, customer.currency)
    assert told is not None
    return f"{told['amount']} {told['currency']}"


def _time(books: Books, moment: datetime) -> str:
    return f"{moment.astimezone(ZoneInfo(books.zone)):%Y-%m-%d %H:%M} {books.zone}"
