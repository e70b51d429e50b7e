"""What should be there against what is there: one set-based comparison per table and target."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
from sqlalchemy import text
from sqlalchemy.orm import Session

from radius_sync import nas_rows
from radius_sync.rows import LOGIN_TABLES


@dataclass(frozen=True)
class Drift:
    kind: str
    username: str | None
    customer_id: UUID | None
    detail: str


# One login and table a row: what is missing, what is too much, or both (changed).
_COMPARE = (
    # One pass over both: what is wanted counts up, what is there counts down.
    "WITH found AS (SELECT username, {attribute} AS attribute, sum(side) > 0 AS missing FROM ("
    "  SELECT {names}, 1 AS side FROM desired_{table} UNION ALL SELECT {names}, -1 FROM {actual}"
    " ) both_sides GROUP BY {names} HAVING sum(side) <> 0)"
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
    " 'session ' || a.acctuniqueid || ' on ' || host(a.nasipaddress) AS detail"
    + _SESSIONS
    + " ORDER BY a.radacctid"
)
_ORDER = text(
    "INSERT INTO disconnect_order AS d (id, acctuniqueid, acctsessionid, nas_address, username,"
    " framed_address, session_started_at, customer_id, operator_path, kind, generation, reason)"
    " SELECT gen_random_uuid(), a.acctuniqueid, a.acctsessionid, a.nasipaddress, a.username,"
    " a.framedipaddress, a.acctstarttime, l.customer_id, coalesce(l.operator_path, ''),"
    " 'disconnect', coalesce(l.access_generation, 0), coalesce(l.reason, 'unknown_login')"
    + _SESSIONS
    + " AND a.radacctid > :after"
    " ORDER BY a.radacctid LIMIT :most"
    " ON CONFLICT (acctuniqueid, kind, generation) DO UPDATE SET state = 'due',"
    " not_before = now(), finished_at = NULL, confirmed_by = NULL, advice = NULL"
)
_GROUPS = (
    "WITH wanted AS (SELECT groupname, attribute, op, value FROM desired_radgroupreply),"
    " actual AS (SELECT groupname, attribute, op, value FROM {prefix}radgroupreply"
    "  WHERE groupname ~ '^(plan|state)[:]'),"
    " found AS ((SELECT groupname, attribute FROM (TABLE wanted EXCEPT ALL TABLE actual) missing)"
    "  UNION SELECT groupname, attribute FROM (TABLE actual EXCEPT ALL TABLE wanted) extra"
    # A check item in a group of ours, Auth-Type := Accept for one, is never ours.
    "  UNION SELECT groupname, attribute FROM {prefix}radgroupcheck"
    "  WHERE groupname ~ '^(plan|state)[:]')"
    " SELECT groupname || '\\: ' || string_agg(attribute, ', ' ORDER BY attribute) AS detail"
    " FROM found GROUP BY groupname ORDER BY groupname"
)
_NASES = (
    "WITH wanted AS (SELECT {names} FROM desired_nas),"
    " actual AS (SELECT {names} FROM {prefix}nas WHERE {ours})"
    " SELECT DISTINCT nasname FROM ((TABLE wanted EXCEPT ALL TABLE actual)"
    " UNION (TABLE actual EXCEPT ALL TABLE wanted)) AS found ORDER BY nasname"
)
_GROUP_ROW = "groupname, attribute, op, value"
_FETCHED = {
    **LOGIN_TABLES, "radgroupreply": _GROUP_ROW, "radgroupcheck": _GROUP_ROW, "nas": nas_rows.NAMES,
}  # fmt: skip


def fetch(session: Session, remote: psycopg.Connection) -> None:
    """The target's rows into temporary tables here, for the same comparison."""
    driver: Any = session.connection().connection.driver_connection
    for table, names in _FETCHED.items():
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


# A million logins are 6 million rows: hashed in memory, and longer than a request may take.
_ROOM = ("SET LOCAL work_mem = '256MB'", "SET LOCAL statement_timeout = '10min'")


def compare_rows(session: Session, target: Any) -> list[Drift]:
    # What a target still has to copy, or has copied since we looked, is not drift.
    settled = (
        "true"
        if target.embedded
        else "l.username IS NULL OR (l.changed_at < now() - interval '5 seconds'"
        " AND (l.xid, l.username) <= (CAST(CAST(:xid AS text) AS xid8), :place))"
    )
    for setting in _ROOM:
        session.execute(text(setting))
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


def compare_groups(session: Session, target: Any) -> list[Drift]:
    """The groups of ours, of which a target may have no row more and none less."""
    prefix = "" if target.embedded else "actual_"
    found = session.scalars(text(_GROUPS.format(prefix=prefix)))
    return [Drift("changed_group", None, None, detail) for detail in found]


def compare_nases(session: Session, target: Any) -> list[Drift]:
    """Our NASes in the table `nas`, by address."""
    prefix = "" if target.embedded else "actual_"
    query = _NASES.format(names=nas_rows.NAMES, prefix=prefix, ours=nas_rows.OURS)
    found = session.scalars(text(query))
    return [Drift("changed_nas", None, None, f"nas: {address}") for address in found]


def compare_sessions(session: Session) -> list[Drift]:
    """Open sessions that nobody is entitled to and nothing is being done about."""
    found = session.execute(_OPEN_SESSIONS)
    return [Drift(row.kind, row.username, row.customer_id, row.detail) for row in found]


def order_sessions(session: Session, *, most: int, after: int = 0) -> int:
    """Order the end of such sessions, of those that radacct got after the row `after`; how many."""
    done = session.execute(_ORDER, {"after": after, "most": most})
    return int(done.rowcount)  # type: ignore[attr-defined]
