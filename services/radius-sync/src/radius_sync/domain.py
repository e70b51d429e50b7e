"""THE RULE of access: who may be online, and with what (reference statuses.md).

Access is never ordered by time: it is a function of the facts as they stand, so a late payment
cannot reopen a deleted customer. The view `derived` says the same in SQL for whole batches; a test
with random facts holds the two together.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum


class Access(StrEnum):
    """From least to most restrictive."""

    OPEN = "open"
    LIMITED = "limited"
    WALLED = "walled"
    BLOCKED = "blocked"
    REMOVED = "removed"

    @property
    def entitled(self) -> bool:
        """Whether a session may be open at all."""
        return self in (Access.OPEN, Access.LIMITED, Access.WALLED)


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What is known of a customer. `holds` are the customer's and those of every operator above.

    `overdue`, `outstanding` are payments' word. Available funds decide nothing here: whether a
    prepaid customer without funds stops is the customer class's rule, which customers applies and
    tells as the hold `funds` (C11, C26); only pay-as-you-go classes have it.
    """

    standing: str
    package_known: bool
    activated: bool
    expires_at: datetime | None
    holds: frozenset[str]
    overdue_effect: str
    suspended_access: str
    lift_suspension_until: datetime | None
    balance_control: str
    credit_limit: Decimal | None
    overdue: bool
    outstanding: Decimal | None


@dataclass(frozen=True)
class Verdict:
    """`reason` is the code of the status row that decided."""

    access: Access
    reason: str


Rule = tuple[Callable[[Facts, datetime], bool], Access, str]


def access(facts: Facts, now: datetime) -> Verdict:
    """The most restrictive effect of all that is true."""
    if facts.standing != "customer":
        return Verdict(Access.REMOVED, facts.standing)
    for applies, effect, reason in _RULES:
        if applies(facts, now):
            return Verdict(effect, reason)
    return Verdict(Access.OPEN, "active")


def _hold(kind: str) -> Callable[[Facts, datetime], bool]:
    return lambda facts, _: kind in facts.holds


def _suspended(kind: str) -> Callable[[Facts, datetime], bool]:
    return lambda facts, _: kind in facts.holds and facts.suspended_access == "blocked"


def _overdue(facts: Facts, now: datetime) -> bool:
    """Overdue, and not lifted until a day to come (C13, C28)."""
    lifted = facts.lift_suspension_until is not None and facts.lift_suspension_until > now
    return (facts.overdue or "overdue" in facts.holds) and not lifted


def _overdue_as(where: str) -> Callable[[Facts, datetime], bool]:
    def suspends(facts: Facts, now: datetime) -> bool:
        chosen = facts.overdue_effect == "suspend" and facts.suspended_access == where
        return chosen and _overdue(facts, now)

    return suspends


def _over_credit(facts: Facts, _: datetime) -> bool:
    over = (
        facts.balance_control == "postpaid"
        and facts.outstanding is not None
        and facts.credit_limit is not None
        and facts.outstanding > facts.credit_limit
    )
    return over or "credit" in facts.holds


def _expired(facts: Facts, now: datetime) -> bool:
    return facts.expires_at is not None and facts.expires_at <= now


# From most to least restrictive; within one access in the order of statuses.md.
_RULES: tuple[Rule, ...] = (
    (_hold("admin"), Access.BLOCKED, "admin"),
    (_hold("fraud"), Access.BLOCKED, "fraud"),
    (_hold("terminated"), Access.BLOCKED, "terminated"),
    (lambda facts, _: not facts.package_known, Access.BLOCKED, "no_package"),
    (lambda facts, _: not facts.activated, Access.BLOCKED, "inactive"),
    (_expired, Access.BLOCKED, "expired"),
    (_hold("vacation"), Access.BLOCKED, "vacation"),
    (_overdue_as("blocked"), Access.BLOCKED, "overdue"),
    (_suspended("funds"), Access.BLOCKED, "funds"),
    (_suspended("reseller"), Access.BLOCKED, "reseller"),
    (_overdue_as("walled"), Access.WALLED, "overdue"),
    (_over_credit, Access.WALLED, "credit"),
    (_hold("funds"), Access.WALLED, "funds"),
    (_hold("spending"), Access.WALLED, "spending"),
    (_hold("reseller"), Access.WALLED, "reseller"),
    (_overdue, Access.LIMITED, "overdue"),
    (_hold("fair_use"), Access.LIMITED, "fair_use"),
)
