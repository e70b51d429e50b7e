"""RADIUS servers with a database of their own: each is copied to at its own pace.

The cursor of a target is a place in the order of `login.xid`, so no late commit is skipped; what a
target has missed is simply what lies behind its cursor. One that is down delays nobody.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import psycopg
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from radius_sync import nas_rows
from radius_sync.rows import LOGIN_TABLES
from shared.database import Database
from shared.logs import logger
from shared.sealing import unseal

log = logger("targets")
CHUNK = 500
# A target that is away is asked again after 1, 2, 4 … seconds, so its return is noticed soon.
LONGEST_PAUSE = 60
# A frozen server must not hold a thread for ever: connecting and every statement end in time.
LIMITS = {"connect_timeout": 3, "options": "-c statement_timeout=15000 -c lock_timeout=5000"}
Rows = Mapping[str, list[tuple[Any, ...]]]

_DUE = text(
    "SELECT * FROM target WHERE enabled AND NOT embedded AND not_before <= now() ORDER BY name"
)
_BEHIND = text(
    "SELECT username, CAST(xid AS text) AS xid FROM login"
    " WHERE (xid, username) > (CAST(CAST(:xid AS text) AS xid8), :username)"
    " AND xid < pg_snapshot_xmin(pg_current_snapshot()) ORDER BY xid, username LIMIT :most"
)
_ADVANCE = text(
    "UPDATE target SET applied_xid = CAST(CAST(:xid AS text) AS xid8), applied_username = :username,"
    " applied_at = now() WHERE id = :id"
)
_WELL = text("UPDATE target SET failures = 0, error = NULL, not_before = now() WHERE id = :id")
_ILL = text(
    "UPDATE target SET failures = failures + 1, error = :error, not_before = now()"
    " + least(power(2, least(failures, 10)), :longest) * interval '1 second' WHERE id = :id"
)
_GROUPS = text(
    "SELECT groupname, attribute, op, value FROM desired_radgroupreply"
    " ORDER BY groupname, attribute, value"
)


class Copier:
    """`kick()` from a timer returns at once; each target has at most one copy running here."""

    def __init__(self, database: Database, key: bytes) -> None:
        self.database, self.key = database, key
        self.pool = ThreadPoolExecutor(8, thread_name_prefix="target")
        self.running: set[UUID] = set()
        self.lock = threading.Lock()

    def kick(self) -> None:
        with self.database.transaction() as session:
            due = [row.id for row in session.execute(_DUE)]
        with self.lock:
            fresh = [target for target in due if target not in self.running]
            self.running.update(fresh)
        for target in fresh:
            self.pool.submit(self._copy, target)

    def _copy(self, target: UUID) -> None:
        try:
            catch_up(self.database, target, self.key)
        except Exception as error:
            log.warning("targets.interrupted", error=repr(error)[:300])
        finally:
            with self.lock:
                self.running.discard(target)


def catch_up(database: Database, target_id: UUID, key: bytes) -> int:
    """Copy what the target has missed; how many logins. Its failure is recorded, not raised."""
    with database.lock(f"target:{target_id}") as mine:
        if not mine:
            return 0
        with database.transaction() as session:
            target = session.execute(
                text("SELECT * FROM target WHERE id = :id AND enabled"), {"id": target_id}
            ).one_or_none()
        if target is None:
            return 0
        try:
            copied = _copy_all(database, target, key)
        except (psycopg.Error, ValueError) as error:
            told = f"{type(error).__name__}: {error}".splitlines()[0][:300]
            log.warning("targets.away", target=str(target_id), error=type(error).__name__)
            with database.transaction() as session:
                session.execute(_ILL, {"id": target_id, "error": told, "longest": LONGEST_PAUSE})
            return 0
        with database.transaction() as session:
            session.execute(_WELL, {"id": target_id})
        return copied


@contextmanager
def connect(target: Any, key: bytes) -> Iterator[psycopg.Connection]:
    """The target's own database. Raises psycopg.Error, ValueError."""
    url = make_url(unseal(target.address_sealed, key)).set(drivername="postgresql")
    address = url.render_as_string(hide_password=False)
    with psycopg.connect(address, **LIMITS) as remote:  # type: ignore[arg-type]
        yield remote


def _copy_all(database: Database, target: Any, key: bytes) -> int:
    copied, place = 0, {"xid": str(target.applied_xid), "username": target.applied_username}
    with connect(target, key) as remote:
        _copy_groups(database, target, remote)
        while True:
            with database.transaction() as session:
                behind = session.execute(_BEHIND, {**place, "most": CHUNK}).all()
            if not behind:
                break
            write(database, remote, [row.username for row in behind])
            place = {"xid": behind[-1].xid, "username": behind[-1].username}
            with database.transaction() as session:
                session.execute(_ADVANCE, {"id": target.id, **place})
            copied += len(behind)
        # Last: a role without rights on the table nas keeps no customer's rows back.
        _copy_nases(database, target, remote)
    return copied


def write(database: Database, remote: psycopg.Connection, logins: Sequence[str]) -> None:
    """Replace the rows of these logins on the target, in one transaction over there.

    What is wanted is read once its lock is held, so a slow writer never overtakes a newer one.
    """
    with remote.transaction():
        remote.execute("SELECT pg_advisory_xact_lock(hashtext('tenure.radius-sync'))")
        with database.transaction() as session:
            wanted = desired(session, logins)
        for table, names in LOGIN_TABLES.items():
            remote.execute(f"DELETE FROM {table} WHERE username = ANY(%s)", [list(logins)])
            _insert(remote, table, names, wanted[table])


def desired(session: Session, logins: Sequence[str]) -> Rows:
    """The rows these logins should have, by table."""
    return {
        table: [
            tuple(row)
            for row in session.execute(
                text(f"SELECT {names} FROM desired_{table} WHERE username = ANY(:logins)"),
                {"logins": list(logins)},
            )
        ]
        for table, names in LOGIN_TABLES.items()
    }


def _copy_groups(database: Database, target: Any, remote: psycopg.Connection) -> None:
    with database.transaction() as session:
        groups = [tuple(row) for row in session.execute(_GROUPS)]
    if _digest(groups) != target.groups_digest:
        write_groups(database, target, remote)


def write_groups(database: Database, target: Any, remote: psycopg.Connection) -> None:
    """Replace every group of ours on the target."""
    with remote.transaction():
        remote.execute("SELECT pg_advisory_xact_lock(hashtext('tenure.radius-sync'))")
        with database.transaction() as session:
            groups = [tuple(row) for row in session.execute(_GROUPS)]
        remote.execute("DELETE FROM radgroupreply WHERE groupname ~ '^(plan|state):'")
        remote.execute("DELETE FROM radgroupcheck WHERE groupname ~ '^(plan|state):'")
        _insert(remote, "radgroupreply", "groupname, attribute, op, value", groups)
    with database.transaction() as session:
        session.execute(
            text("UPDATE target SET groups_digest = :digest WHERE id = :id"),
            {"id": target.id, "digest": _digest(groups)},
        )


def _copy_nases(database: Database, target: Any, remote: psycopg.Connection) -> None:
    with database.transaction() as session:
        wanted = nas_rows.wanted(session)
    if _digest(wanted) != target.nases_digest:
        write_nases(database, target, remote)


def write_nases(database: Database, target: Any, remote: psycopg.Connection) -> None:
    """Replace every NAS of ours on the target."""
    with remote.transaction():
        remote.execute("SELECT pg_advisory_xact_lock(hashtext('tenure.radius-sync'))")
        with database.transaction() as session:
            wanted = nas_rows.wanted(session)
        nas_rows.replace(remote, wanted)
    with database.transaction() as session:
        session.execute(
            text("UPDATE target SET nases_digest = :digest WHERE id = :id"),
            {"id": target.id, "digest": _digest(wanted)},
        )


def _digest(rows: list[tuple[Any, ...]]) -> str:
    return hashlib.sha256(repr(rows).encode()).hexdigest()


def _insert(
    remote: psycopg.Connection, table: str, names: str, rows: Sequence[tuple[Any, ...]]
) -> None:
    if not rows:
        return
    kinds = ["int" if name == "priority" else "text" for name in names.split(", ")]
    arrays = ", ".join(f"%s::{kind}[]" for kind in kinds)
    remote.execute(
        f"INSERT INTO {table} ({names}) SELECT * FROM unnest({arrays})",
        [list(column) for column in zip(*rows, strict=True)],
    )
