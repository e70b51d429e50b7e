"""The status shown: the first true row of the sixteen (reference statuses, seeds C2 to C38)."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from typing import Literal

STATUSES = (
    "closed", "exported", "blocked", "reseller_blocked", "provisionally_terminated", "inactive",
    "suspended", "reseller_suspended", "service_limited", "credit_exceeded", "no_available_funds",
    "spending_limit_reached", "vacation", "suspension_lifted", "payment_frozen",
    "export_in_progress", "lead", "active",
)  # fmt: skip
# C4, C32: nothing may be done with these any more but read, delete and erase.
FINAL = frozenset({"closed", "exported"})
BLOCKING = frozenset({"admin", "fraud"})
# C21, and what was about the period before; by an activation that begins one at once.
ENDED_BY_ACTIVATION = frozenset({"terminated", "fair_use"})
NONE: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class StatusFacts:
    """What a status follows from. `inherited` are the holds of the operators above.

    `activated`: a package is activated and has not expired; `lifted`: the suspension is postponed
    and the date not reached; `overdue_effect`, `funds_suspend`: rules of the customer class.
    """

    closed: bool = False
    exported: bool = False
    holds: Set[str] = NONE
    inherited: Set[str] = NONE
    activated: bool = False
    lifted: bool = False
    lead: bool = False
    overdue_effect: Literal["suspend", "limit"] = "suspend"
    funds_suspend: bool = False


def status(facts: StatusFacts) -> tuple[str, str | None]:
    """The status and what decides it: a hold's kind, or None. The rows' order is the precedence.

    A lead has no service that could be inactive: row 5 is about customers, else row 15 never shows.
    """
    for name, reason in _rows(facts):
        if reason:
            return name, None if reason is True else reason
    return "active", None


Reason = str | bool


def _rows(facts: StatusFacts) -> list[tuple[str, Reason]]:
    own = facts.holds
    return [
        ("closed", facts.closed),
        ("exported", facts.exported),
        ("blocked", _first(own & BLOCKING)),
        ("reseller_blocked", _first(facts.inherited & BLOCKING)),
        ("provisionally_terminated", "terminated" in own and "terminated"),
        ("inactive", not facts.activated and not facts.lead),
        ("suspended", _suspending(facts)),
        ("reseller_suspended", "reseller" in (own | facts.inherited) and "reseller"),
        ("service_limited", _limiting(facts)),
        ("credit_exceeded", "credit" in own and "credit"),
        ("no_available_funds", "funds" in own and "funds"),
        ("spending_limit_reached", "spending" in own and "spending"),
        ("vacation", "vacation" in own and "vacation"),
        ("suspension_lifted", facts.lifted and "overdue" in own and "overdue"),
        ("payment_frozen", "payment_frozen" in own and "payment_frozen"),
        ("export_in_progress", "export" in own and "export"),
        ("lead", facts.lead),
    ]


def _first(kinds: Set[str]) -> Reason:
    return min(kinds) if kinds else False


def _overdue(facts: StatusFacts, effect: str) -> bool:
    return "overdue" in facts.holds and facts.overdue_effect == effect


def _suspending(facts: StatusFacts) -> Reason:
    """Overdue, unless postponed (C14); funds, where the class says so (C11), which nothing postpones."""
    if _overdue(facts, "suspend") and not facts.lifted:
        return "overdue"
    return facts.funds_suspend and "funds" in facts.holds and "funds"


def _limiting(facts: StatusFacts) -> Reason:
    if _overdue(facts, "limit") and not facts.lifted:
        return "overdue"
    return "fair_use" in facts.holds and "fair_use"


ABOVE_BLOCK = frozenset({"closed", "exported", "blocked"})
ABOVE_PAUSE = ABOVE_BLOCK | {"provisionally_terminated", "inactive", "suspended"}


def shown(own: str, reason: str | None, inherited: Set[str]) -> tuple[str, str | None]:
    """The status that a customer shows, whose own one is kept, below operators with holds."""
    if inherited & BLOCKING and own not in ABOVE_BLOCK:
        return "reseller_blocked", min(inherited & BLOCKING)
    if "reseller" in inherited and own not in ABOVE_PAUSE:
        return "reseller_suspended", "reseller"
    return own, reason
