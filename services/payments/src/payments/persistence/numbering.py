"""Numbers of receipts and bills: each series runs on without gaps."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from sqlalchemy import text
from sqlalchemy.orm import Session

# The pattern is the nearest one up the operator's branch, else the site's (:pattern). Filled in, but for
# the number, it is the series; how many digits the number has is none of its business.
_TAKE = text(
    "WITH asked AS (SELECT a.owner, a.year, a.wanted, replace(replace("
    " coalesce(number_pattern_of(:kind, a.owner), :pattern), '{operator}', a.code), '{year}',"
    " CAST(a.year AS text)) AS filled FROM unnest(CAST(:owners AS text[]), CAST(:codes AS text[]),"
    " CAST(:years AS int[]), CAST(:wanted AS bigint[])) AS a(owner, code, year, wanted)),"
    " series AS (SELECT *, regexp_replace(filled, '{number[^}]*}', '{number}') AS series FROM asked),"
    " taken AS (INSERT INTO numbering (kind, series, last) SELECT :kind, series, sum(wanted)"
    " FROM series GROUP BY series ORDER BY series ON CONFLICT (kind, series)"
    " DO UPDATE SET last = numbering.last + excluded.last RETURNING series, last)"
    " SELECT s.owner, s.year, s.filled, s.series, t.last FROM series s JOIN taken t USING (series)"
)


def owner_code(username: str) -> str:
    """An operator's name as it stands in a number: letters and digits."""
    return re.sub(r"[^A-Z0-9]", "", username.upper()) or "X"


def take(
    session: Session, kind: str, pattern: str, wanted: Sequence[tuple[str, int]]
) -> Iterator[str]:
    """A number for each (operator's username, year), in order; the series stay locked until commit.

    `pattern` is the site's, for operators with none of their own or above them.
    """
    counts = Counter(wanted)
    keys = sorted(counts)
    rows = session.execute(
        _TAKE,
        {
            "kind": kind,
            "pattern": pattern,
            "owners": [owner for owner, _ in keys],
            "codes": [owner_code(owner) for owner, _ in keys],
            "years": [year for _, year in keys],
            "wanted": [counts[key] for key in keys],
        },
    )
    found = {(row.owner, row.year): row for row in rows}
    following = {row.series: row.last for row in found.values()}
    for key, row in found.items():
        following[row.series] -= counts[key]
    numbers = []
    for key in wanted:
        row = found[key]
        following[row.series] += 1
        numbers.append(row.filled.format(number=following[row.series]))
    return iter(numbers)
