"""Whatever patterns operators choose, no number stands for two things (E33, promise 3)."""

from __future__ import annotations

from itertools import product

import pytest

from payments.series import BadPattern, check

pytestmark = pytest.mark.unit
PARTS = ("A", "2", "2026", "-", "{operator}", "{year}")
PATTERNS = [
    "".join(parts) + number + tail
    for length in range(4)
    for parts in product(PARTS, repeat=length)
    for number in ("{number}", "{number:02d}")
    for tail in ("", "A", "-2", "{year}")
]


def understood(pattern: str) -> bool:
    try:
        check(pattern)
    except BadPattern:
        return False
    return True


def clashes(patterns: list[str]) -> list[str]:
    """Numbers that two series make, or one series for two numbers."""
    made: dict[str, tuple[str, int]] = {}
    found = []
    for pattern, operator in product(patterns, ("A", "A2", "2026")):
        filled = pattern.replace("{operator}", operator).replace("{year}", "2026")
        series = filled[: filled.index("{number")] + "#" + filled[filled.index("}") + 1 :]
        for number in (1, 2, 22, 26, 2026):
            text = filled.format(number=number)
            if made.setdefault(text, (series, number)) != (series, number):
                found.append(text)
    return found


def test_two_series_never_make_the_same_number() -> None:
    allowed = [pattern for pattern in PATTERNS if understood(pattern)]
    assert len(allowed) > 200
    assert clashes(allowed) == []
    # What is refused is refused for a reason.
    assert clashes(PATTERNS) != []
