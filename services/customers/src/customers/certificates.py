"""Certificates of erasure: who was erased when, why and by whom, what went in each service, and what
an independent search found afterwards; signed, and chained into the operations log (B30).

`document` is signed as RFC 8785 canonical JSON: keys sorted, no blanks, UTF-8 (it holds texts, whole
numbers, true, false and null only, so that sorting keys is all there is to it). `signature` is a JWS
with the payload detached (RFC 7515, appendix F), algorithm Ed25519 (RFC 9864), by the key `kid` of
`/.well-known/jwks.json`. Anybody can verify it with the document and that key set. The log's entry
`erasure.certified` holds the SHA-256 of the same bytes, and the chain holds the entry.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from sqlalchemy import text
from sqlalchemy.orm import Session

from customers import leftover_files, leftovers, signing_keys
from customers.domain import Refusal
from customers.persistence import erasures
from shared import operations
from shared.database import Database, Scope
from shared.exporting import folder_of
from shared.logs import logger
from shared.operations import SYSTEM
from shared.settings import Settings
from shared.tokens import ALGORITHM

log = logger("certificates")
VERSION = "tenure-erasure-certificate/1"


def canonical(document: dict[str, Any]) -> bytes:
    """RFC 8785 for a document without floating-point numbers."""
    return orjson.dumps(document, option=orjson.OPT_SORT_KEYS)


_READY = text(
    "SELECT id, done FROM erasure e WHERE state = 'running' AND NOT EXISTS (SELECT FROM"
    " erasure_subject s WHERE s.erasure_id = e.id AND s.state IN ('waiting', 'erasing'))"
    # What a restored backup could bring back is not proved gone (F36).
    " AND NOT EXISTS (SELECT FROM erasure_subject s WHERE s.erasure_id = e.id"
    "  AND s.state = 'done' AND NOT s.filed)"
    " ORDER BY requested_at, id"
)


def certify_due(database: Database, settings: Settings) -> int:
    """Search, certify and end every erasure whose subjects have their verdicts; how many."""
    ended = 0
    with database.lock("certificates") as mine:
        if not mine:
            return 0
        with database.transaction() as session:
            ready = session.execute(_READY).all()
        for row in ready:
            if row.done == 0:
                ended += _refuse(database, row.id)
                continue
            # The search reads for as long as it takes; nothing is locked meanwhile.
            with database.transaction() as session:
                wanted = leftovers.needles(session, row.id, settings.secret_key)
                found = leftovers.search(session, row.id, wanted)
            in_files = leftover_files.search(folder_of(settings), wanted)
            found |= {"files": in_files["files"], "hits": found["hits"] + in_files["hits"]}
            with database.transaction() as session:
                ended += certify(session, row.id, found, settings.secret_key)
    return ended


def _refuse(database: Database, erasure_id: UUID) -> int:
    with database.transaction() as session:
        session.execute(
            text(
                "UPDATE erasure SET state = 'refused', finished_at = now()"
                " WHERE id = :id AND state = 'running'"
            ),
            {"id": erasure_id},
        )
    return 1


def certify(session: Session, erasure_id: UUID, found: dict[str, Any], secret: bytes) -> int:
    """End the erasure with its certificate, once; 0 when it has one already."""
    ended = session.execute(
        text(
            "UPDATE erasure SET state = 'done', finished_at = now(), searched_at = now(),"
            " leftovers = CAST(:found AS jsonb) WHERE id = :id AND state = 'running' RETURNING *"
        ),
        {"id": erasure_id, "found": orjson.dumps(found).decode()},
    ).one_or_none()
    if ended is None:
        return 0
    if found["hits"]:
        log.error("erasure.leftovers", erasure_id=str(erasure_id), places=len(found["hits"]))
    key = signing_keys.current(session, secret)
    made = document(session, ended, found)
    payload = canonical(made)
    compact = jws.serialize_compact(
        {"alg": ALGORITHM, "kid": key.kid}, payload, key, algorithms=[ALGORITHM]
    )
    session.execute(
        text(
            "INSERT INTO certificate (erasure_id, operator_path, document, signature, kid)"
            " VALUES (:id, :path, CAST(:document AS jsonb), :signature, :kid)"
        ),
        {
            "id": erasure_id,
            "path": ended.operator_path,
            "document": payload.decode(),
            "signature": jws.detach_content(compact),
            "kid": key.kid,
        },
    )
    leftovers.forget(session, erasure_id)
    operations.record(
        session, SYSTEM, "erasure.certified", "erasure", erasure_id,
        operator_path=ended.operator_path, personal=False,
        after={"sha256": hashlib.sha256(payload).hexdigest(), "kid": key.kid, "done": ended.done},
    )  # fmt: skip
    return 1


_SUBJECTS = text(
    "SELECT array_agg(customer_id::text ORDER BY customer_id) FROM erasure_subject"
    " WHERE erasure_id = :id AND state = 'done'"
)
_DIGESTS = text(
    "SELECT service, count(*) AS subjects, min(at) AS first_at, max(at) AS last_at,"
    " encode(sha256(convert_to(string_agg(customer_id::text || ' ' || digest, E'\\n'"
    "  ORDER BY customer_id), 'UTF8')), 'hex') AS digest"
    " FROM erasure_receipt WHERE erasure_id = :id GROUP BY service ORDER BY service"
)


def document(session: Session, ended: Any, found: dict[str, Any]) -> dict[str, Any]:
    """What is certified. No person is named but those who asked and approved."""
    # Sums over the receipts of 100,000 subjects take seconds.
    session.execute(text("SET LOCAL statement_timeout = '600s'"))
    rows = erasures.sums(session, ended.id)
    return {
        "format": VERSION,
        "erasure_id": str(ended.id),
        "mode": ended.mode,
        "legal_basis": ended.legal_basis,
        "source": ended.source,
        "requested_by": ended.requested_by,
        "requested_at": _time(ended.requested_at),
        "approved_by": ended.approved_by,
        "approved_at": _time(ended.approved_at),
        "finished_at": _time(ended.finished_at),
        "subjects": session.scalar(_SUBJECTS, {"id": ended.id}),
        "refused": ended.refused,
        "exports_removed": ended.exports_removed,
        "services": {
            row.service: {
                "subjects": row.subjects,
                "rows": rows.get(row.service, {}),
                # Over "id digest" of every receipt, a line each, in the order of the ids.
                "receipts_sha256": row.digest,
                "first_receipt_at": _time(row.first_at),
                "last_receipt_at": _time(row.last_at),
            }
            for row in session.execute(_DIGESTS, {"id": ended.id})
        },
        "leftovers": {"customers": found},
    }


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat()


def read(session: Session, scope: Scope, erasure_id: UUID) -> Any:
    """Raises Missing; Refusal while there is none yet."""
    erasure = erasures.read(session, scope, erasure_id)
    found = session.execute(
        text("SELECT document, signature, kid, at FROM certificate WHERE erasure_id = :id"),
        {"id": erasure_id},
    ).one_or_none()
    if found is None:
        raise Refusal("no_certificate", f"The erasure is {erasure.state}: there is none yet.")
    return found


class Forged(ValueError):
    """The certificate was not signed so by the key that it names."""


def verify(document: dict[str, Any], signature: str, keys: KeySet) -> None:
    """Raises Forged."""
    try:
        jws.deserialize_compact(
            signature, keys, algorithms=[ALGORITHM], payload=canonical(document)
        )
    except (JoseError, ValueError) as error:
        raise Forged(str(error)) from error
