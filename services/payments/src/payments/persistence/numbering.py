"""Numbers of receipts and bills: per owner and year, without gaps."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from sqlalchemy import text
from sqlalchemy.orm import Session

_TAKE = text(
    "INSERT INTO numbering (kind, owner, year, last)"
    " SELECT :kind, w.owner, w.year, w.wanted FROM unnest(CAST(:owners AS text[]),"
    " CAST(:years AS int[]), CAST(:wanted AS bigint[])) AS w(owner, year, wanted)"
    " ORDER BY w.owner, w.year ON CONFLICT (kind, owner, year)"
    " DO UPDATE SET last = numbering.last + excluded.last RETURNING owner, year, last"
)


def owner_code(username: str) -> str:
    """An operator's name as it stands in a number: letters and digits."""
    return re.sub(r"[^A-Z0-9]", "", username.upper()) or "X"


def take(
    session: Session, kind: str, pattern: str, wanted: Sequence[tuple[str, int]]
) -> Iterator[str]:
    """A number for each (owner, year), in order. The owner's row stays locked until commit."""
    counts = Counter((owner_code(owner), year) for owner, year in wanted)
    keys = sorted(counts)
    rows = session.execute(
        _TAKE,
        {
            "kind": kind,
            "owners": [owner for owner, _ in keys],
            "years": [year for _, year in keys],
            "wanted": [counts[key] for key in keys],
        },
    )
    following = {(r.owner, r.year): r.last - counts[(r.owner, r.year)] for r in rows}
    numbers = []
    for name, year in wanted:
        key = (owner_code(name), year)
        following[key] += 1
        numbers.append(pattern.format(operator=key[0], year=year, number=following[key]))
    return iter(numbers)
