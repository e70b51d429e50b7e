"""What every payment begins with: its payers' accounts locked, and what is known of them read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import text
from sqlalchemy.orm import Session

from shared.arrays import array

_OPEN = text(
    "SELECT * FROM open_books(CAST(:payers AS uuid[]), :operator, CAST(:drafts AS jsonb), :within)"
)


@dataclass(frozen=True)
class Cashier:
    """Who writes, by the name that lists show (E10), and when. `limited`: how much cash the drawer takes
    has a limit."""

    now: datetime
    name: str
    limited: bool


@dataclass(frozen=True)
class Suspects:
    """What may be the same money as a draft: payments of the same customer and amount just `recent`,
    those of the caller's branch with the same method and reference (five of each at most), and whether
    a gateway's transaction is `taken` already, by whomever."""

    recent: Sequence[UUID] = ()
    named: Sequence[UUID] = ()
    taken: bool = False


def opened(
    session: Session,
    payers: Sequence[UUID],
    *,
    operator_id: UUID | None = None,
    drafts: Sequence[Mapping[str, Any]] = (),
    within: timedelta = timedelta(0),
) -> list[Any]:
    """A row for each payer in the caller's branch, or one without an `id`; their accounts are locked
    until commit, in one order for everybody. An account that is gone is None.

    `suspects` are those of `drafts`, within that time: see `suspected`.
    """
    given = {
        "payers": array(payers), "operator": operator_id, "within": within,
        "drafts": orjson.dumps(drafts, default=str).decode(),
    }  # fmt: skip
    return list(session.execute(_OPEN, given))


def suspected(rows: Sequence[Any]) -> dict[int, Suspects]:
    """By the place of their draft."""
    return {
        one["place"]: Suspects(
            [UUID(id) for id in one["recent"]], [UUID(id) for id in one["named"]], one["taken"]
        )
        for row in rows
        for one in row.suspects or ()
    }
