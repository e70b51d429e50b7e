"""Anti-entropy: what should be there against what is there, on every target and in every session.

Drift without an injected fault is a bug of ours; drift by somebody's hand is repaired within a
minute (F40), with a budget, and every repair is in the operations log.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
import psycopg
from sqlalchemy import text
from sqlalchemy.orm import Session

from radius_sync import rows, targets
from radius_sync.provisioning import DISCONNECT
from radius_sync.rows import LOGIN_TABLES
from shared import operations
from shared.database import Database, uuid7
from shared.inbox import ring_after_commit
from shared.operations import SYSTEM, Actor
from shared.ticks import tick

# More than this at once is no drift but an accident (a restored dump, a wrong database): it is
# reported in full and repaired in bites, while people look.
BUDGET = 2000
REPORTED = 1000
PERIOD = 60


@dataclass(frozen=True)
class Drift:
    kind: str
    username: str | None
    customer_id: UUID | None
    detail: str


# One login and table a row: what is missing, what is too much, or both (changed).
_COMPARE = (
    "WITH wanted AS (SELECT {names} FROM desired_{table}), actual AS (SELECT {names} FROM {actual}),"
    " missing AS (SELECT * FROM wanted EXCEPT ALL SELECT * FROM actual),"
    " extra AS (SELECT * FROM actual EXCEPT ALL SELECT * FROM wanted),"
    " found AS (SELECT username, {attribute} AS attribute, true AS missing FROM missing"
    " UNION ALL SELECT username, {attribute}, false FROM extra)"
    " SELECT CASE WHEN l.username IS NULL THEN 'foreign_login'"
    "  WHEN bool_and(f.missing) THEN 'missing_row' WHEN bool_or(f.missing) THEN 'changed_row'"
    "  ELSE 'extra_row' END AS kind, f.username, l.customer_id,"
    " '{table}: ' || string_agg(DISTINCT f.attribute, ', ') AS detail"
    " FROM found f LEFT JOIN login l ON l.username = f.username"
    " WHERE {settled} GROUP BY f.username, l.username, l.customer_id ORDER BY f.username"
)
_SESSIONS = (
    " FROM radacct a LEFT JOIN login l ON l.username = a.username"
    " WHERE a.acctstoptime IS NULL AND l.groupname IS NULL AND a.username IS NOT NULL"
    " AND NOT EXISTS (SELECT FROM disconnect_order o WHERE o.acctuniqueid = a.acctuniqueid"
    "  AND o.kind = 'disconnect' AND (o.state IN ('due', 'sent', 'deferred', 'acked')"
    # What an operator has to mend is tried again, slowly: the session is still open.
    "  OR (o.state = 'failed' AND o.finished_at > now() - interval '15 minutes')))"
)
_OPEN_SESSIONS = text(
    "SELECT CASE WHEN l.username IS NULL THEN 'session_of_unknown_login'"
    " ELSE 'session_not_entitled' END AS kind, a.username, l.customer_id,"
    " 'session ' || a.acctuniqueid || ' on ' || host(a.nasipaddress) AS detail" + _SESSIONS
)
_ORDER = text(
    "INSERT INTO disconnect_order AS d (id, acctuniqueid, acctsessionid, nas_address, username,"
    " framed_address, session_started_at, customer_id, operator_path, kind, generation, reason)"
    " SELECT gen_random_uuid(), a.acctuniqueid, a.acctsessionid, a.nasipaddress, a.username,"
    " a.framedipaddress, a.acctstarttime, l.customer_id, coalesce(l.operator_path, ''),"
    " 'disconnect', coalesce(l.access_generation, 0), coalesce(l.reason, 'unknown_login')"
    + _SESSIONS
    + " LIMIT :most ON CONFLICT (acctuniqueid, kind, generation) DO UPDATE SET state = 'due',"
    " not_before = now(), finished_at = NULL, confirmed_by = NULL, advice = NULL"
)


def on_the_minute(database: Database, key: bytes) -> bool:
    """Reconcile and heal once per slot of a minute; False when this minute is done."""
    if not tick(database, "reconcile", PERIOD, lambda _: {}):
        return False
    run(database, key, heal=True, actor=SYSTEM)
    return True


def run(
    database: Database, key: bytes, *, heal: bool, actor: Actor, job_id: UUID | None = None
) -> dict[str, Any]:
    """One reconciliation over all targets and sessions; the report as the API shows it."""
    identity = UUID(str(uuid7()))
    with database.transaction() as session:
        session.execute(
            text(
                "INSERT INTO reconciliation (id, job_id, heal, actor) VALUES (:id, :job, :heal, :by)"
            ),
            {"id": identity, "job": job_id, "heal": heal, "by": actor.name},
        )
        found = session.execute(
            text("SELECT * FROM target WHERE enabled ORDER BY NOT embedded, name")
        ).all()
    healed = 0
    for target in found:
        healed += _target(database, target, key, identity, heal, actor)
    healed += _sessions(database, identity, heal, actor)
    return _finish(database, identity, healed)


def _target(
    database: Database, target: Any, key: bytes, identity: UUID, heal: bool, actor: Actor
) -> int:
    with ExitStack() as stack:
        try:
            remote = None if target.embedded else stack.enter_context(targets.connect(target, key))
            with database.transaction() as session:
                if remote is not None:
                    _fetch(session, remote)
                drift = _compare(session, target)
                _report(session, identity, target.name, drift, heal)
                if not (heal and drift):
                    return 0
                logins = _logins(drift)
                _log(session, actor, target.name, drift)
                if remote is None:
                    _repair(session, logins)
            if remote is not None:
                targets.write(database, remote, logins)
        except psycopg.Error as error:
            away = [Drift("target_away", None, None, type(error).__name__)]
            with database.transaction() as session:
                _report(session, identity, target.name, away, False)
            return 0
    return len(logins)


def _logins(drift: Sequence[Drift]) -> list[str]:
    return sorted({one.username for one in drift if one.username is not None})[:BUDGET]


def _fetch(session: Session, remote: psycopg.Connection) -> None:
    """The target's rows into temporary tables here, for the same comparison."""
    driver: Any = session.connection().connection.driver_connection
    for table, names in LOGIN_TABLES.items():
        driver.execute(
            f"CREATE TEMPORARY TABLE actual_{table} ON COMMIT DROP AS SELECT {names} FROM {table}"
            " WITH NO DATA"
        )
        with (
            remote.cursor().copy(f"COPY (SELECT {names} FROM {table}) TO STDOUT") as source,
            driver.cursor().copy(f"COPY actual_{table} ({names}) FROM STDIN") as sink,
        ):
            for block in source:
                sink.write(block)


def _compare(session: Session, target: Any) -> list[Drift]:
    # What a target still has to copy, or has copied since we looked, is not drift.
    settled = (
        "true"
        if target.embedded
        else "l.username IS NULL OR (l.changed_at < now() - interval '5 seconds'"
        " AND (l.xid, l.username) <= (CAST(CAST(:xid AS text) AS xid8), :place))"
    )
    drift: list[Drift] = []
    for table, names in LOGIN_TABLES.items():
        statement = _COMPARE.format(
            names=names,
            table=table,
            actual=table if target.embedded else f"actual_{table}",
            attribute="groupname" if table == "radusergroup" else "attribute",
            settled=settled,
        )
        place = {"xid": str(target.applied_xid), "place": target.applied_username}
        found = session.execute(text(statement), {} if target.embedded else place)
        drift += [Drift(row.kind, row.username, row.customer_id, row.detail) for row in found]
    return drift


def _repair(session: Session, logins: Sequence[str]) -> None:
    session.execute(
        text("SELECT FROM login WHERE username = ANY(:logins) ORDER BY username FOR UPDATE"),
        {"logins": list(logins)},
    )
    rows.rewrite(session, logins)


def _sessions(database: Database, identity: UUID, heal: bool, actor: Actor) -> int:
    with database.transaction() as session:
        found = session.execute(_OPEN_SESSIONS)
        drift = [Drift(row.kind, row.username, row.customer_id, row.detail) for row in found]
        _report(session, identity, "sessions", drift, heal)
        if not (heal and drift):
            return 0
        _log(session, actor, "sessions", drift)
        done = session.execute(_ORDER, {"most": BUDGET})
        ring_after_commit(session, DISCONNECT)
        return int(done.rowcount)  # type: ignore[attr-defined]


def _report(
    session: Session, identity: UUID, target: str, drift: Sequence[Drift], healed: bool
) -> None:
    if not drift:
        return
    counts = Counter(f"{target}.{one.kind}" for one in drift)
    session.execute(
        text("UPDATE reconciliation SET drift = drift || CAST(:counts AS jsonb) WHERE id = :id"),
        {"id": identity, "counts": orjson.dumps(counts).decode()},
    )
    session.execute(
        text(
            "INSERT INTO drift (reconciliation_id, target, class, username, customer_id, detail,"
            " healed) VALUES (:id, :target, :kind, :username, :customer_id, :detail, :healed)"
        ),
        [
            {"id": identity, "target": target, "healed": healed and place < BUDGET, **vars(one)}
            for place, one in enumerate(drift[:REPORTED])
        ],
    )


def _log(session: Session, actor: Actor, target: str, drift: Sequence[Drift]) -> None:
    """One row in the operations log per repair of a customer; those without an owner together."""
    owned = [one for one in drift[:BUDGET] if one.customer_id is not None]
    operations.record_many(
        session, actor, "drift.repaired", "customer",
        "SELECT s.customer_id AS subject, s.operator_path, NULL::jsonb AS before,"
        " jsonb_build_object('target', CAST(:target AS text), 'kind', d.kind, 'detail', d.detail)"
        " AS after, CAST(NULL AS text) AS reason FROM unnest(CAST(:customers AS uuid[]),"
        " CAST(:kinds AS text[]), CAST(:details AS text[])) AS d(customer_id, kind, detail)"
        " JOIN subscriber s ON s.customer_id = d.customer_id",
        {"target": target, "customers": [one.customer_id for one in owned],
         "kinds": [one.kind for one in owned], "details": [one.detail for one in owned]},
    )  # fmt: skip
    if nobodys := len(drift) - len(owned):
        operations.record(
            session, actor, "drift.repaired", "target", None, operator_path="",
            after={"target": target, "rows_of_no_customer": nobodys}, personal=False,
        )  # fmt: skip


def _finish(database: Database, identity: UUID, healed: int) -> dict[str, Any]:
    with database.transaction() as session:
        row = session.execute(
            text(
                "UPDATE reconciliation SET finished_at = clock_timestamp(), healed = :healed,"
                " checked = (SELECT count(*) FROM login) WHERE id = :id RETURNING *"
            ),
            {"id": identity, "healed": healed},
        ).one()
    return {"id": str(identity), "drift": row.drift, "healed": healed, "checked": row.checked}
