"""The operations log (B21, A39): who did what to whom, before and after, append-only and chained.

What names a person lies in `operation_detail`; the chain holds its salted digest, so that erasure
can remove the detail and the chain still verifies. Rows are chained within a second of their commit
(ADR 0004), by one sealer, so that no write waits for another one's log row.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from shared.database import uuid7

SYSTEM_PATH = ""
# One transaction of this many rows takes about a second.
SEALED_AT_ONCE = 5000
# Verified at once: the chain is read in windows, so that memory and time per query stay small.
WINDOW = 50_000


@dataclass(frozen=True, kw_only=True)
class Actor:
    """Who acts: an operator, an API key's operator, or the system itself (`id` None)."""

    name: str
    id: UUID | None = None
    path: str | None = None
    ip: str | None = None
    request_id: str | None = None


SYSTEM = Actor(name="system")


def record(
    session: Session,
    actor: Actor,
    action: str,
    subject_kind: str,
    subject: UUID | None,
    *,
    operator_path: str,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    reason: str | None = None,
    personal: bool = True,
) -> None:
    """Log one write in the caller's transaction. `personal`: the detail goes when the subject is erased."""
    session.execute(
        _RECORD,
        {
            "id": str(uuid7()),
            "actor": actor.name,
            "actor_id": actor.id,
            "action": action,
            "kind": subject_kind,
            "subject": subject,
            "path": operator_path,
            "ip": actor.ip,
            "request_id": actor.request_id,
            "salt": secrets.token_hex(16),
            "before": _json(before),
            "after": _json(after),
            "reason": reason,
            "detail_subject": subject if personal else None,
        },
    )


_RECORD = text(
    "WITH detail AS (SELECT CAST(:salt AS text) AS salt, CAST(:before AS jsonb) AS before,"
    " CAST(:after AS jsonb) AS after, CAST(:reason AS text) AS reason),"
    " logged AS (INSERT INTO operation (id, actor, actor_id, action, subject_kind, subject,"
    " operator_path, ip, request_id, detail_digest)"
    " SELECT :id, :actor, :actor_id, :action, :kind, :subject, :path, :ip, :request_id,"
    " operation_digest(salt, before, after, reason) FROM detail RETURNING id)"
    " INSERT INTO operation_detail (operation_id, subject, salt, before, after, reason)"
    " SELECT logged.id, :detail_subject, salt, before, after, reason FROM logged, detail"
)


def _json(value: dict[str, Any] | None) -> str | None:
    return None if value is None else orjson.dumps(value, default=str).decode()


def record_many(
    session: Session,
    actor: Actor,
    action: str,
    subject_kind: str,
    rows: str,
    params: dict[str, Any],
) -> int:
    """Log many writes in one statement; `rows` is SQL that yields subject, operator_path, before,
    after (jsonb) and reason (text), and may use `params`. How many rows."""
    done = session.execute(
        _recording(rows),
        {
            **params,
            "_actor": actor.name,
            "_actor_id": actor.id,
            "_action": action,
            "_kind": subject_kind,
            "_ip": actor.ip,
            "_request_id": actor.request_id,
        },
    )
    return int(done.rowcount)  # type: ignore[attr-defined]


@cache
def _recording(rows: str) -> TextClause:
    """Once for each kind of write: making a statement takes as long as executing it."""
    return text(
        f"WITH changed AS ({rows}), detail AS MATERIALIZED ("
        "SELECT gen_random_uuid() AS id, replace(gen_random_uuid()::text, '-', '') AS salt,"
        " subject, operator_path, before, after, reason FROM changed),"
        " logged AS (INSERT INTO operation (id, actor, actor_id, action, subject_kind, subject,"
        " operator_path, ip, request_id, detail_digest)"
        " SELECT id, :_actor, :_actor_id, :_action, :_kind, subject, operator_path, :_ip,"
        " :_request_id, operation_digest(salt, before, after, reason) FROM detail)"
        " INSERT INTO operation_detail (operation_id, subject, salt, before, after, reason)"
        " SELECT id, subject, salt, before, after, reason FROM detail"
    )


def seal(session: Session, most: int = SEALED_AT_ONCE) -> int:
    """Chain what is committed and not yet chained; how many rows."""
    return int(session.scalar(text("SELECT operation_seal_new(:most)"), {"most": most}) or 0)


@dataclass(frozen=True)
class Verdict:
    """`rows` checked; `first_bad` is the position of the first row that does not fit, and why.

    Who can rewrite the whole chain, or cut its tail, is found by `head` only: keep it elsewhere.
    """

    rows: int
    intact: bool
    first_bad: int | None = None
    operation_id: UUID | None = None
    fault: str | None = None
    head: str | None = None


def head(session: Session, position: int | None = None) -> Any:
    """`position`, `hash`, `at` of the last row of the chain, or of that one; None when there is none."""
    return session.execute(
        text(
            "SELECT position, hash, sealed_at AS at FROM operation_seal"
            " WHERE position = coalesce(CAST(:position AS bigint), (SELECT max(position)"
            " FROM operation_seal))"
        ),
        {"position": position},
    ).one_or_none()


# Each row is hashed with the hash that stands before it, so a window needs nothing but its own rows
# and the one before; the detail's digest is compared while the detail is still there.
_FIRST_BAD = text(
    "WITH chain AS MATERIALIZED (SELECT s.position, s.operation_id, s.hash,"
    " lag(s.hash) OVER w AS previous, lag(s.position) OVER w AS before FROM operation_seal s"
    " WHERE s.position BETWEEN :first - 1 AND :last WINDOW w AS (ORDER BY s.position))"
    " SELECT c.position, c.operation_id, CASE"
    " WHEN coalesce(c.before, 0) <> c.position - 1 THEN 'a position is missing before it'"
    " WHEN o.id IS NULL THEN 'row is gone'"
    " WHEN operation_hash(coalesce(c.previous, ''), o) <> c.hash THEN 'row was changed'"
    " WHEN operation_digest(d.salt, d.before, d.after, d.reason) <> o.detail_digest"
    " THEN 'before, after or reason was changed' END AS fault"
    " FROM chain c LEFT JOIN operation o ON o.id = c.operation_id"
    " LEFT JOIN operation_detail d ON d.operation_id = c.operation_id"
    " WHERE c.position >= :first AND (coalesce(c.before, 0) <> c.position - 1 OR o.id IS NULL"
    " OR operation_hash(coalesce(c.previous, ''), o) <> c.hash"
    " OR (d.salt IS NOT NULL"
    " AND operation_digest(d.salt, d.before, d.after, d.reason) <> o.detail_digest))"
    " ORDER BY c.position LIMIT 1"
)
_STRAY = text(
    "SELECT o.id FROM operation o WHERE NOT EXISTS (SELECT FROM operation_seal s"
    " WHERE s.operation_id = o.id) AND NOT EXISTS (SELECT FROM operation_unsealed u"
    " WHERE u.operation_id = o.id) LIMIT 1"
)


def verify(session: Session, window: int = WINDOW) -> Verdict:
    """Walk the whole chain and name the first row that was changed, removed or added."""
    end = session.execute(
        text("SELECT position, hash FROM operation_seal ORDER BY position DESC LIMIT 1")
    ).one_or_none()
    last, head = (end.position, end.hash) if end else (0, None)
    for first in range(1, last + 1, window):
        bad = session.execute(
            _FIRST_BAD, {"first": first, "last": min(last, first + window - 1)}
        ).one_or_none()
        if bad is not None:
            return Verdict(last, False, bad.position, bad.operation_id, bad.fault, head)
    stray = session.scalar(_STRAY)
    if stray is not None:
        return Verdict(last, False, None, stray, "row was added outside the chain", head)
    return Verdict(last, True, head=head)
