"""The other services' searches for leftovers: asked for once all subjects of an erasure have their
verdicts, and awaited before it is certified (A37).

Asked in the transaction that notes it, so a crash asks again or not at all; each service answers
whenever it is asked, and the first answer counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from shared.batches import as_json
from shared.events import ErasureSearched, ErasureSearching, Wire
from shared.outbox import publish

SERVICES = tuple(sorted(ErasureSearched.said_by))
# `e` is an erasure whose subjects are all decided; whether the others have said what they found.
SAID = f"(SELECT count(*) FROM erasure_search s WHERE s.erasure_id = e.id) = {len(SERVICES)}"

_ASK = text(
    "UPDATE erasure e SET search_asked_at = now() WHERE state = 'running' AND done > 0"
    " AND search_asked_at IS NULL AND NOT EXISTS (SELECT FROM erasure_subject s"
    "  WHERE s.erasure_id = e.id AND s.state IN ('waiting', 'erasing'))"
    " RETURNING id, operator_path"
)


def ask(session: Session) -> int:
    """Ask the other services to search for what is left of those just erased; how many erasures."""
    asked = session.execute(_ASK).all()
    publish(
        session,
        *(
            ErasureSearching(subject=row.id, sequence=1, operator_path=row.operator_path)
            for row in asked
        ),
    )
    return len(asked)


_KEEP = text(
    "INSERT INTO erasure_search (erasure_id, service, found)"
    " SELECT e.id, w->'data'->>'service', (w->'data') - 'service'"
    " FROM jsonb_array_elements(CAST(:events AS jsonb)) w"
    " JOIN erasure e ON e.id = CAST(w->>'subject' AS uuid) ORDER BY 1, 2 ON CONFLICT DO NOTHING"
)


def keep(session: Session, events: Sequence[Wire]) -> None:
    """Take ErasureSearched, each service's once."""
    session.execute(_KEEP, {"events": as_json(events)})


def awaited(session: Session, erasure_id: UUID) -> dict[str, Any]:
    """As `said`, and None for a service that has not answered yet; empty before they are asked."""
    asked = session.scalar(
        text("SELECT search_asked_at IS NOT NULL FROM erasure WHERE id = :id"), {"id": erasure_id}
    )
    return dict.fromkeys(SERVICES) | said(session, erasure_id) if asked else {}


def said(session: Session, erasure_id: UUID) -> dict[str, Any]:
    """What each service found, by service."""
    rows = session.execute(
        text("SELECT service, found FROM erasure_search WHERE erasure_id = :id ORDER BY service"),
        {"id": erasure_id},
    )
    return {row.service: row.found for row in rows}
