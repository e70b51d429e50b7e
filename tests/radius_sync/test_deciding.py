"""What becomes of an order after each outcome (F28), as a table."""

import pytest

from radius_sync.disconnecting.deciding import Next, decide, pause
from radius_sync.disconnector import Kind, Outcome, Result
from radius_sync.error_causes import classify

pytestmark = pytest.mark.unit


def after(
    outcome: Outcome, kind: Kind = Kind.DISCONNECT, attempts: int = 1, **more: bool | str
) -> Next:
    known = {"tried_again": False, "can_again": True, "strategy": "coa_then_disconnect", **more}
    return decide(outcome, kind, attempts=attempts, **known)  # type: ignore[arg-type]


def nak(cause: int | None) -> Outcome:
    return Outcome("1", Result.NAKED, error_cause=cause, error_class=classify(cause).meaning)


@pytest.mark.parametrize(
    ("cause", "state"),
    [
        (201, "acked"), (401, "failed"), (402, "failed"), (403, "failed"), (404, "failed"),
        (405, "failed"), (407, "failed"), (501, "failed"), (502, "due"), (504, "failed"),
        (505, "due"), (506, "due"), (507, "acked"), (508, "failed"), (None, "due"),
    ],
)  # fmt: skip
def test_each_error_cause_of_a_disconnect_leads_to_its_state_f28(
    cause: int | None, state: str
) -> None:
    assert after(nak(cause)).state == state


def test_an_unknown_session_is_named_another_way_before_it_counts_as_gone() -> None:
    assert (after(nak(503)).state, after(nak(503)).again) == ("due", True)
    assert after(nak(503), tried_again=True) == Next("gone", "nak_503", lost=True)
    assert after(nak(503), can_again=False).lost


@pytest.mark.parametrize("cause", [401, 405, 501, 503, 508])
def test_a_refused_coa_is_followed_by_a_disconnect_unless_the_strategy_forbids(cause: int) -> None:
    assert after(nak(cause), Kind.COA).escalate
    assert not after(nak(cause), Kind.COA, strategy="coa_only").escalate


def test_a_coa_without_an_answer_becomes_a_disconnect_at_the_second_time() -> None:
    silent = Outcome("1", Result.TIMEOUT)
    assert (after(silent, Kind.COA).state, after(silent, Kind.COA).escalate) == ("due", False)
    assert after(silent, Kind.COA, attempts=2).escalate


def test_a_disconnect_without_an_answer_is_never_given_up() -> None:
    silent = Outcome("1", Result.TIMEOUT)
    pauses = [after(silent, attempts=n).after for n in (1, 2, 3, 10, 1000)]
    assert pauses == [5, 10, 20, 300, 300]
    assert after(silent, attempts=1000).state == "due"


def test_the_pause_grows_and_ends_at_five_minutes() -> None:
    grown = [pause(n) for n in range(1, 40)]
    assert grown == sorted(grown)
    assert grown[-1] == 300


def test_an_acknowledged_disconnect_waits_for_accounting_ever_longer() -> None:
    acked = Outcome("1", Result.ACKED)
    assert [after(acked, attempts=n).after for n in (1, 2, 9)] == [60, 120, 900]
