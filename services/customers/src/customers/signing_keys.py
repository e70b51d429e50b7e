"""The key that signs tokens and certificates: made at its first use, its private half sealed."""

from __future__ import annotations

import threading
import time
from typing import Any

import orjson
from joserfc.jwk import KeySet, OKPKey
from sqlalchemy import text
from sqlalchemy.orm import Session

from shared.database import Database
from shared.sealing import seal, unseal

# How long a process trusts its copy of the set; a token signed by a newer key asks at once.
KEPT_SECONDS = 60


def current(session: Session, secret: bytes) -> OKPKey:
    """The key in use, made now if there is none yet (one of several processes makes it)."""
    found = _newest(session)
    if found is None:
        session.execute(text("SELECT pg_advisory_xact_lock(hashtext('signing_key'))"))
        found = _newest(session)
    if found is not None:
        return OKPKey.import_key(orjson.loads(unseal(found, secret)))
    key = OKPKey.generate_key("Ed25519", auto_kid=True)
    session.execute(
        text(
            "INSERT INTO signing_key (kid, public_jwk, private_sealed)"
            " VALUES (:kid, CAST(:public AS jsonb), :private)"
        ),
        {
            "kid": key.kid,
            "public": orjson.dumps({**key.as_dict(private=False), "use": "sig"}).decode(),
            "private": seal(orjson.dumps(key.as_dict(private=True)).decode(), secret),
        },
    )
    return key


def _newest(session: Session) -> str | None:
    found: str | None = session.scalar(
        text(
            "SELECT private_sealed FROM signing_key WHERE retired_at IS NULL"
            " ORDER BY created_at DESC LIMIT 1"
        )
    )
    return found


def published(session: Session) -> dict[str, Any]:
    """RFC 7517: every public key, the retired too, since certificates outlive them."""
    rows = session.scalars(text("SELECT public_jwk FROM signing_key ORDER BY created_at DESC"))
    return {"keys": list(rows)}


class OwnKeys:
    """The key set for this service's own verifier, out of its own database."""

    def __init__(self, database: Database) -> None:
        self.database, self.lock = database, threading.Lock()
        self.kept: KeySet | None = None
        self.read_at = 0.0

    def __call__(self, afresh: bool) -> KeySet:
        with self.lock:
            if afresh or self.kept is None or time.monotonic() - self.read_at > KEPT_SECONDS:
                with self.database.transaction() as session:
                    self.kept = KeySet.import_key_set(published(session))  # type: ignore[arg-type]
                self.read_at = time.monotonic()
            return self.kept
