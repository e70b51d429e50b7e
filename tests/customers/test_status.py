"""The sixteen rows of the statuses: the first true one is shown (C2 to C38)."""

from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customers.domain import STATUSES, StatusFacts, shown, status
from shared.events import HoldKind

ROWS: list[tuple[str, dict[str, Any]]] = [
    ("closed", {"closed": True}),
    ("exported", {"exported": True}),
    ("blocked", {"holds": {"admin"}}),
    ("blocked", {"holds": {"fraud"}}),
    ("reseller_blocked", {"inherited": {"fraud"}}),
    ("provisionally_terminated", {"holds": {"terminated"}}),
    ("inactive", {"activated": False}),
    ("suspended", {"holds": {"overdue"}}),
    ("suspended", {"holds": {"funds"}, "funds_suspend": True}),
    ("reseller_suspended", {"inherited": {"reseller"}}),
    ("service_limited", {"holds": {"overdue"}, "overdue_effect": "limit"}),
    ("service_limited", {"holds": {"fair_use"}}),
    ("credit_exceeded", {"holds": {"credit"}}),
    ("no_available_funds", {"holds": {"funds"}}),
    ("spending_limit_reached", {"holds": {"spending"}}),
    ("vacation", {"holds": {"vacation"}}),
    ("suspension_lifted", {"holds": {"overdue"}, "lifted": True}),
    ("suspension_lifted", {"holds": {"overdue"}, "lifted": True, "overdue_effect": "limit"}),
    ("payment_frozen", {"holds": {"payment_frozen"}}),
    ("export_in_progress", {"holds": {"export"}}),
    ("lead", {"lead": True, "activated": False}),
    ("active", {}),
]
KINDS = get_args(HoldKind)


@pytest.mark.unit
@pytest.mark.parametrize(("name", "facts"), ROWS)
def test_each_row_alone_shows_its_status(name: str, facts: dict[str, Any]) -> None:
    assert status(StatusFacts(**{"activated": True, **facts}))[0] == name


facts = st.builds(
    StatusFacts,
    closed=st.booleans(),
    exported=st.booleans(),
    holds=st.frozensets(st.sampled_from(KINDS)),
    inherited=st.frozensets(st.sampled_from(["admin", "fraud", "reseller"])),
    activated=st.booleans(),
    lifted=st.booleans(),
    lead=st.booleans(),
    overdue_effect=st.sampled_from(["suspend", "limit"]),
    funds_suspend=st.booleans(),
)


@pytest.mark.unit
@given(facts, st.sampled_from(KINDS))
def test_one_more_hold_never_shows_a_weaker_status(before: StatusFacts, kind: str) -> None:
    """Except overdue, which a postponement turns into the weak `suspension_lifted` (C28)."""
    more = {field: getattr(before, field) for field in before.__dataclass_fields__}
    after = StatusFacts(**{**more, "holds": before.holds | {kind}})
    assert STATUSES.index(status(after)[0]) <= STATUSES.index(status(before)[0])


@pytest.mark.unit
@given(facts)
def test_a_kept_status_below_held_operators_shows_what_the_rows_say(one: StatusFacts) -> None:
    """The kept status knows the own facts only; `shown` adds the operators' holds (statuses 3, 6)."""
    own = {field: getattr(one, field) for field in one.__dataclass_fields__}
    kept = status(StatusFacts(**{**own, "inherited": frozenset()}))
    assert shown(*kept, one.inherited)[0] == status(one)[0]


@pytest.mark.unit
@given(facts)
def test_what_is_strong_hides_what_is_weak(one: StatusFacts) -> None:
    name = status(one)[0]
    assert (name == "closed") == one.closed
    if not (one.closed or one.exported) and one.holds & {"admin", "fraud"}:
        assert name == "blocked"
    if name == "active":
        assert not one.holds and not one.inherited and one.activated and not one.lead
