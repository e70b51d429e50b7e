"""Whose id must never come back: a keyed digest each, so that the list tells nobody who they were."""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from shared.sealing import oldest


def digest(customer_id: UUID, secret: bytes) -> str:
    """HMAC-SHA-256 under a key of its own: a digest alone could be guessed from a list of ids (B30)."""
    key = hmac.digest(oldest(secret), b"tombstone", "sha256")
    return hmac.digest(key, customer_id.bytes, "sha256").hex()


def bury(session: Session, erasure_id: UUID, ids: Iterable[UUID], secret: bytes) -> None:
    session.execute(
        text(
            "INSERT INTO tombstone (digest, erasure_id) SELECT d, :erasure"
            " FROM unnest(CAST(:digests AS text[])) AS d ON CONFLICT DO NOTHING"
        ),
        {"erasure": erasure_id, "digests": [digest(one, secret) for one in ids]},
    )


def erased(session: Session, ids: Sequence[UUID], secret: bytes) -> set[UUID]:
    """Which of these ids are erased, whatever the other tables say."""
    by_digest = {digest(one, secret): one for one in ids}
    found = session.scalars(
        text("SELECT digest FROM tombstone WHERE digest = ANY(:digests)"),
        {"digests": list(by_digest)},
    )
    return {by_digest[one] for one in found}
