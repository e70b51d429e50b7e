"""Days as banks write them: 2026-11-21, 21/11/2026, 11/21/2026, 21-Nov-26.

ISO 8601 is read always. 03/04/2026 is one day here and another there, so the sender says which.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Literal, get_args

from shared.digits import western

DateFormat = Literal["YYYY-MM-DD", "DD/MM/YYYY", "MM/DD/YYYY"]
FORMATS: tuple[DateFormat, ...] = get_args(DateFormat)
_MONTHS = ("january", "february", "march", "april", "may", "june", "july", "august", "september",
           "october", "november", "december")  # fmt: skip
# What banks abbreviate names of months to.
_SHORTEST = 3
# Years of two digits are of this century: payments before 2000 are refused.
_CENTURY = 2000


def day_of(text: str, format: DateFormat = "YYYY-MM-DD") -> date:
    """The day; a time after it is left out. Any of `/`, `-`, `.` and spaces stand between its parts, and
    the month may have its English name. Raises ValueError."""
    text = western(text.strip())
    try:
        return datetime.fromisoformat(text).date()
    except ValueError:
        if format == "YYYY-MM-DD":
            raise
    found = dict(zip(format.split("/"), re.split(r"[-/.,\s]+", text, maxsplit=3), strict=False))
    if len(found) < len(format.split("/")) or len(found["YYYY"]) not in (2, 4):
        raise ValueError("not a day of this format")
    year = _number(found["YYYY"])
    return date(
        year + (_CENTURY if len(found["YYYY"]) == len("26") else 0),
        _month(found["MM"]),
        _number(found["DD"]),
    )


def _number(text: str) -> int:
    if not (text.isascii() and text.isdecimal()):
        raise ValueError("not a number")
    return int(text)


def _month(text: str) -> int:
    if not text.isalpha():
        return _number(text)
    for number, name in enumerate(_MONTHS, start=1):
        if len(text) >= _SHORTEST and name.startswith(text.lower()):
            return number
    raise ValueError("not the name of a month")
