"""Sign-in of operators and the lookup of API keys: throttled, and the same answer for every failure."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from customers import passwords
from customers.domain import Operator
from customers.persistence import operators
from shared.database import EVERYTHING, Database
from shared.tokens import Principal

# B18: ten wrong tries per login and address, a hundred per address (spraying), in five minutes.
WINDOW_SECONDS = 300
TRIES = 10
TRIES_OF_ADDRESS = 100
# A token that somebody took is not renewed for ever: after a working day one signs in again.
SIGNED_IN_SECONDS = 12 * 60 * 60
# Written in the documentation: of use on demo sites only.
DEMO_PASSWORDS = frozenset({"admin-demo", "north-demo", "south-demo"})


@dataclass
class Throttled(Exception):
    """Too many failures; `seconds` until the next try counts."""

    seconds: int


class Refused(Exception):
    """Wrong name or wrong password or disabled: nobody learns which."""


def sign_in(
    database: Database, username: str, password: str, *, address: str, secret: bytes, demo: bool
) -> Principal:
    """Raises Throttled, Refused. The try is counted before the password is looked at, so that
    many at once are no way around the limit."""
    keys = [_key(secret, f"{username.lower()}|{address}"), _key(secret, address)]
    with database.transaction() as session:
        _count(session, keys)
        found = operators.by_username(session, username)
        stored = found.password_hash if found else None
    fits = passwords.matches(stored, password) and (demo or password not in DEMO_PASSWORDS)
    with database.transaction() as session:
        found = operators.by_username(session, username) if fits else None
        if found is None or not operators.active(session, found.operator_path):
            raise Refused
        _forgive(session, keys)
        if passwords.outdated(found.password_hash):
            found.password_hash = passwords.hashed(password)
        return principal_of(found)


def principal_of(operator: Operator, since: int | None = None) -> Principal:
    """What a token says of an operator; `since`: signed in then, and not just now."""
    return Principal(
        id=operator.id, name=operator.username, role=operator.role, path=operator.operator_path,
        since=since, generation=operator.generation,
    )  # fmt: skip


def prove(
    database: Database, caller: Principal, password: str, *, address: str, secret: bytes
) -> None:
    """The caller knows the own password; counted as a sign-in is. Raises Throttled, Refused."""
    if caller.id is None or caller.since is None:
        raise Refused
    keys = [_key(secret, f"{caller.name.lower()}|{address}"), _key(secret, address)]
    with database.transaction() as session:
        _count(session, keys)
        stored = operators.operator(session, EVERYTHING, caller.id).password_hash
    if not passwords.matches(stored, password):
        raise Refused
    with database.transaction() as session:
        _forgive(session, keys)


def renew(session: Session, caller: Principal, now: float) -> Principal:
    """Who a valid token stands for, as of now. Raises Refused: disabled or given another password
    meanwhile, an API key, or signed in too long ago."""
    if caller.id is None or caller.since is None or now - caller.since > SIGNED_IN_SECONDS:
        raise Refused
    found = operators.operator(session, EVERYTHING, caller.id)
    if found.generation != caller.generation or not operators.active(session, found.operator_path):
        raise Refused
    return principal_of(found, caller.since)


def _key(secret: bytes, what: str) -> str:
    return hmac.digest(secret, f"login|{what}".encode(), "sha256").hex()


def _count(session: Session, keys: Sequence[str]) -> None:
    for key, most in zip(keys, (TRIES, TRIES_OF_ADDRESS), strict=True):
        session.execute(text("SELECT pg_advisory_xact_lock(hashtext(:key))"), {"key": key})
        # The youngest `most` tries: when all lie in the window, the oldest of them must leave it first.
        oldest = session.execute(
            text(
                "SELECT count(*) AS tries, extract(epoch FROM min(at) - now())"
                " + :window AS wait FROM (SELECT at FROM login_attempt WHERE key = :key"
                " AND at > now() - :window * interval '1 second'"
                " ORDER BY at DESC LIMIT :most) recent"
            ),
            {"key": key, "window": WINDOW_SECONDS, "most": most},
        ).one()
        if oldest.tries >= most:
            raise Throttled(max(1, round(oldest.wait)))
    session.execute(
        text("INSERT INTO login_attempt (key) SELECT unnest(CAST(:keys AS text[]))"),
        {"keys": list(keys)},
    )


def _forgive(session: Session, keys: Sequence[str]) -> None:
    """Only failures count: this try of the address goes, and all of this login from there."""
    session.execute(text("DELETE FROM login_attempt WHERE key = :key"), {"key": keys[0]})
    session.execute(
        text(
            "DELETE FROM login_attempt WHERE ctid = (SELECT ctid FROM login_attempt"
            " WHERE key = :key ORDER BY at DESC LIMIT 1 FOR UPDATE SKIP LOCKED)"
        ),
        {"key": keys[1]},
    )


def forget_attempts(session: Session) -> int:
    done = session.execute(
        text("DELETE FROM login_attempt WHERE at < now() - :window * interval '1 second'"),
        {"window": WINDOW_SECONDS},
    )
    return int(done.rowcount)  # type: ignore[attr-defined]


def find_key(database: Database, digest: str) -> Principal | None:
    """The operator behind an API key, narrowed to the key's scopes."""
    with database.transaction() as session:
        row = operators.key_by_digest(session, digest)
        if row is None or not operators.active(session, row.operator_path):
            return None
    if row.expires_at is not None and row.expires_at <= datetime.now(UTC):
        return None
    return Principal(
        id=row.operator_id,
        name=row.username,
        role=row.role,
        path=row.operator_path,
        scopes=frozenset(row.scopes),
    )
