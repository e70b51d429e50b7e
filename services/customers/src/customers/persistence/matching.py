"""Whom of a branch a text means, looked up by one statement as the service (A19 to A21, B2 to B5).

A text is sought by its last trigrams one by one, and by the whole of it. Within one condition GIN passes
every entry of the rarest trigram's list; from condition to condition it leaps: at a million customers a
phone is found in 1 ms instead of 18, the rest of a login in 2 instead of 5. The last ones, because logins,
numbers and phones begin alike and differ at their ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Connection, TextClause, text

from shared.arrays import Array
from shared.database import Scope
from shared.patterns import literally

State = Literal["alive", "deleted"]
# By what the lists are ordered when nobody says otherwise, downward, then by id.
MOMENT: dict[State, str] = {"alive": "created_at", "deleted": "deleted_at"}
TRIGRAM = 3
# More do not make the lists shorter, but the statement longer.
PIECES = 6
# A page of 25 is met within some thousand rows when one in forty of this many fits.
SAMPLE, DENSE = 500, 12


@dataclass(frozen=True)
class Matches:
    """`dense`: many of the latest fit, and nobody was looked up."""

    dense: bool
    many: int
    ids: Array


def look_up(
    connection: Connection, scope: Scope, state: State, readings: Sequence[str], *,
    most: int, first: int,
) -> Matches:  # fmt: skip
    """Of `most` who fit one of the `readings` (`identities`) the `first` in the order of the list."""
    fits, sampled, params = _condition(readings)
    here = f"state = '{state}'"
    if scope.path is not None:
        here += " AND operator_path >= :lo AND operator_path < :hi"
        params |= {"lo": scope.path, "hi": scope.end}
    order = f"{MOMENT[state]} DESC, id DESC"
    # Along the index of a branch: its paths come first there.
    latest = order if scope.path is None else f"operator_path, {order}"
    sql = (
        f"WITH sample AS MATERIALIZED (SELECT count(*) >= {DENSE} AS dense FROM (SELECT FROM (SELECT"
        f" {sampled} AS fits FROM customer WHERE {here} ORDER BY {latest} LIMIT {SAMPLE}) latest"
        f" WHERE fits LIMIT {DENSE}) few),"
        f" found AS MATERIALIZED (SELECT id, {MOMENT[state]} FROM customer"
        f" WHERE NOT (SELECT dense FROM sample) AND {here} AND ({fits}) LIMIT {most})"
        " SELECT (SELECT dense FROM sample) AS dense, count(*) AS many,"
        f" CAST(coalesce((array_agg(id ORDER BY {order}))[1:CAST(:first AS int)], '{{}}') AS text)"
        " AS ids FROM found"
    )
    row = connection.execute(_made(sql), params | {"first": first}).one()
    return Matches(row.dense, row.many, Array(row.ids))


# There are some dozens: by state, branch or all, and how many trigrams.
@lru_cache(maxsize=200)
def _made(sql: str) -> TextClause:
    return text(sql)


def _condition(readings: Sequence[str]) -> tuple[str, str, dict[str, Any]]:
    """What `customers.search` says, for the index; what a row of the sample is asked; their parameters."""
    try:
        return "id = :id", "false", {"id": UUID(readings[0])}
    except ValueError:
        pass
    if len(readings[0]) < TRIGRAM:
        starts = {f"start_{n}": literally(one.lower()) + "%" for n, one in enumerate(readings)}
        either = (f"username LIKE :{name} OR customer_number LIKE :{name}" for name in starts)
        return " OR ".join(either), "false", starts
    sought: list[str] = []
    sampled: list[str] = []
    params: dict[str, Any] = {}
    for n, one in enumerate(readings):
        params[f"text_{n}"] = one
        sampled.append(f"strpos(search, lower(:text_{n})) > 0")
        if any(letter.isalnum() for letter in one):
            patterns = {f"like_{n}_{i}": like for i, like in enumerate(_patterns(one))}
            params |= patterns
            sought.append(" AND ".join(f"search LIKE lower(:{name})" for name in patterns))
        else:
            # No trigram: GIN would read its whole index, and the table after it.
            sought.append(sampled[-1])
    return " OR ".join(sought), " OR ".join(sampled), params


def _patterns(q: str) -> list[str]:
    return [f"%{one}%" for one in (*_pieces(q), literally(q))]


def _pieces(q: str) -> list[str]:
    """The last trigrams of its words. Of ASCII only: a letter of these is folded alike wherever it stands,
    so that who contains the text contains its pieces.

    Before them the one where letters meet digits: it stands in logins alone, and at one place of them,
    while every phone and number is full of those of digits (a sixth less of the time).
    """
    trigrams = (q[place : place + TRIGRAM] for place in range(len(q) - TRIGRAM, -1, -1))
    telling = dict.fromkeys(one for one in trigrams if one.isascii() and one.isalnum())
    pieces = list(telling)[:PIECES]
    border = next((one for one in pieces if not one.isalpha() and not one.isdigit()), None)
    return sorted(pieces, key=lambda one: one != border)
