"""Whatever patterns operators choose, no number stands for two things (E33, promise 3)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import pytest

from payments import tasks
from payments.series import BadPattern, check
from payments.settings import PaymentsSettings
from tests.payments.stage import Stage

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


@pytest.mark.unit
def test_two_series_never_make_the_same_number() -> None:
    allowed = [pattern for pattern in PATTERNS if understood(pattern)]
    assert len(allowed) > 200
    assert clashes(allowed) == []
    # What is refused is refused for a reason.
    assert clashes(PATTERNS) != []


def test_a_number_bears_the_year_of_the_isp_e28(
    stage: Stage, settings: PaymentsSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its books close at its own midnight: on the eve at 20:00 UTC it is next year in Dhaka."""
    eve = datetime(2026, 12, 31, 20, tzinfo=UTC)
    zones = ("Asia/Dhaka", "UTC")
    assert [replace(settings, time_zone=one).year_of(eve) for one in zones] == [2027, 2026]

    monkeypatch.setattr(PaymentsSettings, "year_of", lambda _self, _at: 2031)
    customer = stage.customer()
    stage.activate(customer, stage.package(), until=datetime.now(UTC) + timedelta(days=3))
    tasks.announce(stage.database, settings)
    body = {
        "direction": "credit",
        "amount": {"amount": "1.00", "currency": "BDT"},
        "reason": "outage",
    }
    credited: Any = stage.post(f"/v1/customers/{customer}/adjustments", body).json
    (announced,) = stage.rows("SELECT number FROM proforma")
    numbers = [
        stage.paid(customer)["receipt_number"], stage.bill(customer)["number"],
        credited["number"], announced.number,
    ]  # fmt: skip
    assert all("-2031-" in number for number in numbers), numbers
