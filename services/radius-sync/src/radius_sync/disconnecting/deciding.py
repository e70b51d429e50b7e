"""What becomes of an order after an outcome (reference reliability 8.4). Pure."""

from __future__ import annotations

from dataclasses import dataclass

from radius_sync.disconnector import Kind, Outcome, Result
from radius_sync.error_causes import ErrorClass
from radius_sync.vendors import Strategy

# Backoff while a NAS is silent or overloaded, in seconds: quick at first, never given up.
FIRST_PAUSE, LONGEST_PAUSE = 5.0, 300.0
# An Accounting-Stop follows an ACK within seconds; a NAS that lied is told again, ever more slowly.
CONFIRM_SECONDS, LONGEST_CONFIRM = 60.0, 900.0
# A CoA that stays unanswered: after so many attempts the session is cut instead.
COA_ATTEMPTS = 2


@dataclass(frozen=True)
class Next:
    """`after` seconds until it is due (or, of `acked`, must be confirmed). `escalate`: a
    Disconnect is ordered in its place. `lost`: the NAS does not know the session: accounting
    is closed."""

    state: str
    outcome: str
    advice: str = ""
    after: float = 0.0
    again: bool = False
    escalate: bool = False
    lost: bool = False


def decide(
    outcome: Outcome,
    kind: Kind,
    *,
    attempts: int,
    tried_again: bool,
    can_again: bool,
    strategy: str,
) -> Next:
    """`attempts` counts this one. `can_again`: the vendor has another way to name a session."""
    if outcome.result is Result.ACKED:
        return _acked(kind, attempts)
    if outcome.result is Result.NAKED:
        return _refused(outcome, kind, attempts, tried_again, can_again, strategy)
    if outcome.result is Result.DEFERRED:
        return Next("deferred", "deferred", outcome.detail)
    if outcome.result is Result.UNSENDABLE:
        cut = kind is Kind.COA and strategy != Strategy.COA_ONLY
        return Next("failed", "unsendable", outcome.detail, escalate=cut)
    if kind is Kind.COA and attempts >= COA_ATTEMPTS and strategy != Strategy.COA_ONLY:
        return Next(
            "failed", "unconfirmed", "The CoA was not answered: cut instead.", escalate=True
        )
    advice = outcome.detail or "The NAS does not answer: it is tried again."
    return Next("due", outcome.result.value, advice, pause(attempts))


def pause(attempts: int) -> float:
    """Seconds until the next attempt, in the middle; the recorder adds jitter."""
    return float(min(FIRST_PAUSE * 2 ** min(attempts - 1, 10), LONGEST_PAUSE))


def _acked(kind: Kind, attempts: int) -> Next:
    if kind is Kind.COA:
        # Accounting does not show what a CoA changed: the NAS's word is all there is.
        return Next("done", "acked")
    wait = min(CONFIRM_SECONDS * 2 ** min(attempts - 1, 10), LONGEST_CONFIRM)
    return Next("acked", "acked", after=float(wait))


def _refused(
    outcome: Outcome, kind: Kind, attempts: int, tried_again: bool, can_again: bool, strategy: str
) -> Next:
    name = f"nak_{outcome.error_cause}" if outcome.error_cause else "nak"
    match outcome.error_class:
        case ErrorClass.RESIDUAL_REMOVED | ErrorClass.INITIATED:
            return _acked(Kind.DISCONNECT, attempts)
        case ErrorClass.GONE if kind is Kind.COA and strategy != Strategy.COA_ONLY:
            # Its other name is tried by the Disconnect, which also finds out whether it is gone.
            return Next("failed", name, outcome.detail, escalate=True)
        case ErrorClass.GONE if can_again and not tried_again:
            return Next("due", name, outcome.detail, again=True)
        case ErrorClass.GONE:
            return Next("gone", name, outcome.detail, lost=True)
        case ErrorClass.RETRY | ErrorClass.UNEXPLAINED | None:
            return Next("due", name, outcome.detail, pause(attempts))
        case _:
            cut = kind is Kind.COA and strategy != Strategy.COA_ONLY
            return Next("failed", name, outcome.detail, escalate=cut)
