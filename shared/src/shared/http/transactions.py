"""The one transaction of a write: scoped to the caller, idempotent, answered from inside.

    with transaction() as tx:
        customer = deletion.delete(tx.session, customer_id, …)
        return tx.answer(CustomerSchema(), customer)

With an Idempotency-Key the answer is stored in the same transaction as the effect: the same key and
body get the stored answer, another body is a 422, a twin that is still running a 409.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import marshmallow as ma
import orjson
from flask import Response, current_app, g, request
from psycopg.errors import LockNotAvailable
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from shared.database import ENTER, EVERYTHING, LOCK_TIMEOUT, Database, Scope
from shared.http.authentication import actor, principal
from shared.http.problems import Problem, abort_with, invalid_parameter
from shared.http.validators import etag as etag
from shared.operations import Actor

# A twin that waits longer is told to come back: it must not hold a worker thread.
TWIN_WAIT = "2s"
KEPT_HEADERS = ("ETag", "Location", "Retry-After")
_KEY = re.compile(r'^"?[\x21\x23-\x7e]{8,255}"?$')


_STORE = text(
    "UPDATE idempotency SET status = :status, headers = CAST(:headers AS jsonb),"
    " body = CAST(:body AS jsonb), subject = :subject WHERE principal = :who AND key = :key"
)


class _Replay(Exception):
    def __init__(self, response: Response) -> None:
        self.response = response


@dataclass
class Transaction:
    session: Session
    actor: Actor
    key: str | None
    who: str
    _answered: bool = field(default=False)

    def answer(
        self,
        schema: ma.Schema | None,
        value: Any,
        status: int = 200,
        *,
        subject: UUID | None = None,
        version: int | None = None,
        headers: dict[str, str] | None = None,
    ) -> Response:
        """The response, and, with a key, its stored copy. `version` becomes the ETag."""
        body = schema.dump(value) if schema is not None else value
        response = Response(
            orjson.dumps(body, default=str), status, headers, content_type="application/json"
        )
        if version is not None:
            response.headers["ETag"] = etag(version)
        if self.key is not None:
            self._store(response, status, subject)
        self._answered = True
        return response

    def _store(self, response: Response, status: int, subject: UUID | None) -> None:
        kept = {name: response.headers[name] for name in KEPT_HEADERS if name in response.headers}
        self.session.execute(
            _STORE,
            {
                "status": status,
                "headers": orjson.dumps(kept).decode(),
                "body": response.get_data(as_text=True),
                "subject": subject,
                "who": self.who,
                "key": self.key,
            },
        )


@contextmanager
def transaction(*, key_required: bool = False) -> Iterator[Transaction]:
    """A write of the caller. Raises Problem 400 when a key is required and missing or malformed."""
    database: Database = current_app.extensions["tenure.database"]
    key = idempotency_key(required=key_required)
    caller = principal()
    who = f"{caller.role}:{caller.id or caller.name}"
    # With a key the claim enters the caller's branch: one statement less in every write.
    with database.transaction(caller.scope if key is None else EVERYTHING) as session:
        tx = Transaction(session, actor(), key, who)
        if key is not None:
            _claim(tx, database, caller.scope)
        yield tx
        assert key is None or tx._answered, "a route with an Idempotency-Key answers with tx.answer"


def idempotency_key(*, required: bool) -> str | None:
    """Raises Problem 400 when it is required and missing, or malformed."""
    key = request.headers.get("Idempotency-Key")
    if key is None and not required:
        return None
    if key is None or not _KEY.match(key):
        abort_with(
            400, "idempotency-key", "Idempotency-Key needed",
            "Send Idempotency-Key: 8 to 255 visible ASCII characters, new for each new request.",
            errors=[{"parameter": "Idempotency-Key", "code": "missing" if key is None else "malformed",
                     "detail": "8 to 255 visible ASCII characters"}],
        )  # fmt: skip
    return key.strip('"')


# One statement, since every write makes it: it waits less for a twin than for anything after it.
_CLAIM = text(
    "INSERT INTO idempotency (principal, key, route, fingerprint)"
    " SELECT :who, :key, :route, :fingerprint FROM set_config('lock_timeout', :twin_wait, true)"
    " ON CONFLICT DO NOTHING RETURNING set_config('lock_timeout', :usual, true)"
)
_CLAIM_AND_ENTER = text(f"{_CLAIM.text}, {ENTER}")


def _claim(tx: Transaction, database: Database, scope: Scope) -> None:
    """Take the key and enter the scope; whoever has the key already gets no further than its answer."""
    fingerprint = hashlib.sha256(
        f"{request.method} {request.full_path}\n".encode() + request.get_data(cache=True)
    ).hexdigest()
    params = {
        "who": tx.who,
        "key": tx.key,
        "route": f"{request.method} {request.path}",
        "fingerprint": fingerprint,
        "twin_wait": TWIN_WAIT,
        "usual": LOCK_TIMEOUT,
    }
    try:
        if scope.path is None:
            mine = tx.session.scalar(_CLAIM, params)
        else:
            mine = tx.session.scalar(_CLAIM_AND_ENTER, {**params, **database.entering(scope)})
    except OperationalError as error:
        if not isinstance(error.orig, LockNotAvailable):
            raise
        raise Problem(
            409, "still-running", "The first request with this key is still running",
            "Send it again in a few seconds.", headers={"Retry-After": "2"},
        ) from error  # fmt: skip
    if mine:
        return
    stored = tx.session.execute(
        text("SELECT * FROM idempotency WHERE principal = :who AND key = :key"), params
    ).one()
    if stored.fingerprint != fingerprint:
        raise invalid_parameter(
            "Idempotency-Key", "was used for another request; take a new one", "reused"
        )
    raise _Replay(_stored_answer(stored))


def _stored_answer(stored: Any) -> Response:
    return Response(
        orjson.dumps(stored.body),
        stored.status,
        {**stored.headers, "Idempotency-Replayed": "true"},
        content_type="application/json",
    )


def replayed(replay: _Replay) -> Response:
    g.replayed = True
    return replay.response


REPLAY = _Replay
