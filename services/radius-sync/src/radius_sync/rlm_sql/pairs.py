"""Rows as pairs, and the two things that operators do with them: compare, and merge.

Sources: `sql_fr_pair_list_afrom_str` (rlm_sql/sql.c), `paircompare` (main/pair.c) and
`radius_pairmove` (main/evaluate.c) of FreeRADIUS 3.2.1.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_address

from radius_sync.radius import kind_of

COMPARISONS = {"==", "!=", "<", ">", "<=", ">=", "=~", "!~", "=*", "!*"}
OPERATORS = COMPARISONS | {"=", ":=", "+=", "-=", "^="}
# Settings of the server, of which paircompare takes every operator for a match.
NEVER_COMPARED = {
    "Auth-Type", "Autz-Type", "Acct-Type", "Session-Type", "Crypt-Password", "Strip-User-Name",
}  # fmt: skip
_DATES = ("%d %b %Y %H:%M:%S", "%d %b %Y %H:%M", "%d %b %Y", "%b %d %Y %H:%M:%S", "%b %d %Y")


@dataclass(frozen=True)
class Row:
    """One row of radcheck, radreply, radgroupcheck or radgroupreply; `group` of the latter two."""

    table: str
    id: int
    attribute: str
    op: str
    value: str
    group: str | None = None

    def __str__(self) -> str:
        shown = "(sealed)" if self.attribute.endswith("-Password") else self.value
        whose = f" of {self.group}" if self.group else ""
        return f"{self.table} {self.id}{whose}: {self.attribute} {self.op or '(none)'} {shown}"


@dataclass(frozen=True)
class Pair:
    attribute: str
    op: str
    value: str
    row: Row | None = None


class Unreadable(ValueError):
    """A row that makes the server give up on the login: it rejects (rlm_sql returns `fail`)."""

    def __init__(self, row: Row, why: str) -> None:
        super().__init__(f"{row}: {why}")
        self.row = row


def read(row: Row) -> Pair:
    """Raises Unreadable."""
    op = row.op or "=="
    if op not in OPERATORS:
        raise Unreadable(row, f"FreeRADIUS knows no operator {op}")
    if not row.attribute:
        raise Unreadable(row, "no attribute is named")
    value = _unquoted(row.value)
    kind = _kind(row.attribute)
    if kind == "integer" and _number(value) is None:
        raise Unreadable(row, "the value is no number")
    if kind == "ipaddr" and not _is_address(value):
        raise Unreadable(row, "the value is no address")
    if row.attribute == "Expiration" and moment(value) is None:
        raise Unreadable(row, "the value is no date")
    return Pair(row.attribute, op, value, row)


def moment(text: str) -> datetime | None:
    """A date as FreeRADIUS reads it: seconds since 1970, or its own formats (in its time zone)."""
    if text.isdigit():
        return datetime.fromtimestamp(int(text), UTC)
    for form in _DATES:
        try:
            return datetime.strptime(text, form).replace(tzinfo=UTC)
        except ValueError:
            continue
    return None


def mismatch(checks: Sequence[Pair], request: Mapping[str, str], now: datetime) -> Pair | None:
    """The first check item that the request does not meet; None when all match."""
    return next((item for item in checks if not _matches(item, request, now)), None)


def _matches(item: Pair, request: Mapping[str, str], now: datetime) -> bool:
    if item.op in (":=", "+=") or item.attribute in NEVER_COMPARED:
        return True
    if item.attribute == "User-Password":
        return True  # without one it is skipped; the password of a simulation is the right one
    if item.attribute == "Expiration":
        end = moment(item.value)
        return item.op != "!*" and _holds(item.op, 0 if end is None or now <= end else 1)
    found = request.get(item.attribute)
    if found is None:
        return item.op == "!*"
    if item.op in ("=*", "!*"):
        return item.op == "=*"
    if item.op in ("=~", "!~"):
        return bool(re.search(item.value, found)) == (item.op == "=~")
    return _holds(item.op, compare(item.attribute, found, item.value))


def _holds(op: str, sign: int) -> bool:
    match op:
        case "!=":
            return sign != 0
        case "<":
            return sign < 0
        case ">":
            return sign > 0
        case "<=":
            return sign <= 0
        case ">=":
            return sign >= 0
        case _:  # `=` and what else makes no sense in a check is taken for `==`
            return sign == 0


def compare(attribute: str, one: str, other: str) -> int:
    """-1, 0 or 1, as numbers or addresses where the attribute is one, else as octets."""
    left: int | bytes = one.encode()
    right: int | bytes = other.encode()
    numbers = _number(one), _number(other)
    if _kind(attribute) == "ipaddr" and _is_address(one) and _is_address(other):
        left, right = ip_address(one).packed, ip_address(other).packed
    elif _kind(attribute) == "integer" and None not in numbers:
        left, right = numbers  # type: ignore[assignment]
    return (left > right) - (left < right)  # type: ignore[operator]


def merge(into: list[Pair], new: Sequence[Pair]) -> list[Pair]:
    """`into` after `new`: operators look at what was there before, never at one another."""
    kept: list[Pair | None] = list(into)
    edited = [False] * len(kept)
    before: list[Pair] = []
    after: list[Pair] = []
    for pair in new:
        if pair.op == "+=":
            after.append(pair)
        elif pair.op == "^=":
            before.insert(0, pair)
        elif not _apply(pair, kept, edited) and pair.op in ("=", ":=", "<=", ">="):
            after.append(pair)
    return [*before, *(pair for pair in kept if pair is not None), *after]


def _apply(pair: Pair, kept: list[Pair | None], edited: list[bool]) -> bool:
    """Change what was there; whether `pair` has found its place (or need not be added)."""
    placed = False
    for place, old in enumerate(kept):
        if placed or edited[place] or old is None or old.attribute != pair.attribute:
            continue
        if pair.op == "=":
            return True
        sign = compare(pair.attribute, old.value, pair.value)
        if pair.op == ":=" or (pair.op == "<=" and sign > 0) or (pair.op == ">=" and sign < 0):
            kept[place], edited[place], placed = pair, True, True
        elif pair.op == "!*" or (pair.op == "==" and sign) or (pair.op == "-=" and not sign):
            kept[place] = None
    return placed


def _unquoted(value: str) -> str:
    """A value all in quotes loses them; in back-quotes it would be executed (reliability 3.6)."""
    if len(value) > 1 and value[0] in "'\"`" and value[-1] == value[0]:
        return re.sub(r"\\(.)", r"\1", value[1:-1])
    return value


def _kind(attribute: str) -> str | None:
    return "integer" if attribute == "Simultaneous-Use" else kind_of(attribute)


def _number(value: str) -> int | None:
    try:
        return int(value, 16) if value.lower().startswith("0x") else int(value)
    except ValueError:
        return None


def _is_address(value: str) -> bool:
    try:
        ip_address(value)
    except ValueError:
        return False
    return True
