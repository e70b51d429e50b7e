"""Logins, passwords and phones in the one form in which they are kept."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customers import identities

pytestmark = pytest.mark.unit


@given(st.text(max_size=80))
def test_a_login_is_refused_or_kept_in_a_form_that_stays_itself(text: str) -> None:
    """B7: folded once; folding again changes nothing."""
    try:
        kept = identities.username(text)
    except ValueError:
        return
    assert identities.username(kept) == kept and identities.USERNAME.fullmatch(kept)


@given(st.text(max_size=140))
def test_no_password_is_kept_that_radius_would_execute_or_cut(text: str) -> None:
    """B8, B9, reliability 3.6."""
    try:
        kept = identities.password(text)
    except ValueError:
        return
    assert kept == text and 1 <= len(kept.encode()) <= 128
    assert not (kept[0] == kept[-1] and kept[0] in "`'\"")
    assert "\x00" not in kept and "\n" not in kept


def test_quotes_inside_or_at_one_end_are_a_password() -> None:
    for text in ("it's", "'half", 'half"', "a`b`c", "'a\""):
        assert identities.password(text) == text


def test_phones_of_one_subscriber_are_one_text() -> None:
    forms = ("01711123456", "+8801711123456", "008801711123456", "01711-123 456", "(01711) 123456")
    assert {identities.phone(form, "BD") for form in forms} == {"+8801711123456"}
    assert identities.phone("+44 20 7946 0958", "BD") == "+442079460958"


def test_the_searched_digits_are_part_of_the_kept_phone() -> None:
    for form in (
        "01711-123",
        "+88017",
        "0088 017",
        "1711123456",
        "+880 (0)1711",
        "০১৭১১",
        "+৮৮০ (০)১৭১১",
    ):
        digits = identities.searched_phone(form)
        assert digits is not None and digits in "+8801711123456", form
    for form in ("rahim", "12", "00", "017x1"):
        assert identities.searched_phone(form) is None, form
