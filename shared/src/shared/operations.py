"""The operations log (B21, A39): who did what to whom, before and after, append-only and chained.

What names a person lies in `operation_detail`; the chain holds its salted digest, so that erasure
can remove the detail and the chain still verifies. Rows are chained within a second of their commit
(ADR 0004), by one sealer, so that no write waits for another one's log row.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import text
from sqlalchemy.orm import Session

from shared.database import uuid7

SYSTEM_PATH = ""
# A row that is still unsealed after a minute means that nobody seals.
SEALED_WITHIN = 60


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
        text(
            f"WITH changed AS ({rows}), detail AS MATERIALIZED ("
            "SELECT gen_random_uuid() AS id, replace(gen_random_uuid()::text, '-', '') AS salt,"
            " subject, operator_path, before, after, reason FROM changed),"
            " logged AS (INSERT INTO operation (id, actor, actor_id, action, subject_kind, subject,"
            " operator_path, ip, request_id, detail_digest)"
            " SELECT id, :_actor, :_actor_id, :_action, :_kind, subject, operator_path, :_ip,"
            " :_request_id, operation_digest(salt, before, after, reason) FROM detail)"
            " INSERT INTO operation_detail (operation_id, subject, salt, before, after, reason)"
            " SELECT id, subject, salt, before, after, reason FROM detail"
        ),
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


def seal(session: Session, most: int = 5000) -> int:
    """Chain what is committed and not yet chained; how many rows."""
    return int(session.scalar(text("SELECT operation_seal_new(:most)"), {"most": most}) or 0)


@dataclass(frozen=True)
class Verdict:
    """`rows` checked; `first_bad` is the position of the first row that does not fit, and why."""

    rows: int
    intact: bool
    first_bad: int | None = None
    operation_id: UUID | None = None
    fault: str | None = None
    head: str | None = None


_VERIFY = text(
    "SELECT s.position, s.operation_id, s.hash,"
    " lag(s.hash, 1, '') OVER (ORDER BY s.position) AS previous,"
    " lag(s.position, 1, 0::bigint) OVER (ORDER BY s.position) AS before,"
    " o.id AS found, CASE WHEN o.id IS NOT NULL THEN operation_hash("
    " lag(s.hash, 1, '') OVER (ORDER BY s.position), o) END AS computed,"
    " o.detail_digest, CASE WHEN d.operation_id IS NOT NULL THEN"
    " operation_digest(d.salt, d.before, d.after, d.reason) END AS detail"
    " FROM operation_seal s LEFT JOIN operation o ON o.id = s.operation_id"
    " LEFT JOIN operation_detail d ON d.operation_id = s.operation_id"
)
_FIRST_BAD = text(
    f"SELECT * FROM ({_VERIFY.text}) chain"
    " WHERE found IS NULL OR position <> before + 1 OR computed IS DISTINCT FROM hash"
    " OR (detail IS NOT NULL AND detail <> detail_digest) ORDER BY position LIMIT 1"
)


def verify(session: Session) -> Verdict:
    """Walk the whole chain and name the first row that was changed, removed or added."""
    rows = int(session.scalar(text("SELECT count(*) FROM operation_seal")) or 0)
    bad = session.execute(_FIRST_BAD).one_or_none()
    head = session.scalar(text("SELECT hash FROM operation_seal ORDER BY position DESC LIMIT 1"))
    if bad is not None:
        fault = (
            "row is gone"
            if bad.found is None
            else "a position is missing before it"
            if bad.position != bad.before + 1
            else "row was changed"
            if bad.computed != bad.hash
            else "before, after or reason was changed"
        )
        return Verdict(rows, False, bad.position, bad.operation_id, fault, head)
    stray = session.scalar(
        text(
            "SELECT o.id FROM operation o LEFT JOIN operation_seal s ON s.operation_id = o.id"
            " WHERE s.operation_id IS NULL AND o.at < now() - :within * interval '1 second' LIMIT 1"
        ),
        {"within": SEALED_WITHIN},
    )
    if stray is not None:
        return Verdict(rows, False, None, stray, "row was added outside the chain", head)
    return Verdict(rows, True, head=head)
