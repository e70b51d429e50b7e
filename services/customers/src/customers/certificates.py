"""Certificates of erasure: who was erased when, why and by whom, what went in each service, and what
an independent search found afterwards; signed, and chained into the operations log (B30).

`document` is signed as RFC 8785 canonical JSON: keys sorted, no blanks, UTF-8 (it holds texts, whole
numbers, true, false and null only, so that sorting keys is all there is to it). `signature` is a JWS
with the payload detached (RFC 7515, appendix F), algorithm Ed25519 (RFC 9864), by the key `kid` of
`/.well-known/jwks.json`. Anybody can verify it with the document and that key set. The log's entry
`erasure.certified` holds the SHA-256 of the same bytes, and the chain holds the entry.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from sqlalchemy import text
from sqlalchemy.orm import Session

from customers.domain import Refusal
from customers.persistence import erasures
from shared.database import Scope
from shared.tokens import ALGORITHM

VERSION = "tenure-erasure-certificate/1"


def canonical(document: dict[str, Any]) -> bytes:
    """RFC 8785 for a document without floating-point numbers."""
    return orjson.dumps(document, option=orjson.OPT_SORT_KEYS)


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
        "leftovers": found,
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
