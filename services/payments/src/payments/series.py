"""What a pattern of numbers may be (E28, E33).

A series is what a pattern makes without its number. Numbers run on within a series, whoever takes them. So
that no two series ever make the same number, the number is the last digits that a pattern makes.
"""

from __future__ import annotations

import re

KINDS = ("receipt", "bill", "proforma", "credit")
# With a long username too, the number fits on a receipt's line.
LONGEST = 60
_FIELD = re.compile(r"\{operator\}|\{year\}|\{number(?::0(?:[1-9]|1[0-2])d)?\}")
_NUMBER = re.compile(r"\{number[^}]*\}")


class BadPattern(ValueError):
    """The text says what to write instead."""


def check(pattern: str) -> None:
    """Raises BadPattern for one that is not understood, or whose numbers might be another series' too."""
    if len(pattern) > LONGEST:
        raise BadPattern(f"at most {LONGEST} characters")
    if not re.fullmatch(r"[A-Za-z0-9./_-]*", _FIELD.sub("", pattern)):
        raise BadPattern(
            "knows {operator}, {year} and {number} ({number:06d} for six digits), and beside them"
            " letters, digits and . / _ -"
        )
    if len(_NUMBER.findall(pattern)) != 1:
        raise BadPattern("needs {number} once: two receipts must not look alike")
    before, after = _NUMBER.split(pattern)
    if re.search(r"[0-9}]$", before):
        raise BadPattern("needs a letter or one of . / _ - right before {number}")
    if re.search(r"[0-9{]", after):
        raise BadPattern("takes no digit and no other placeholder after {number}")
    # A table calculator takes what begins otherwise for a formula.
    if not re.match(r"[A-Za-z0-9{]", pattern):
        raise BadPattern("begins with a letter, a digit or a placeholder")
