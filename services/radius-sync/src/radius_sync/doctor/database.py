"""What the database of a FreeRADIUS holds, lacks or allows, and should not."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import psycopg
from psycopg import sql

from radius_sync.doctor import rows, schema
from radius_sync.doctor.findings import Finding

# Beyond that, validity ends and Event-Timestamps are judged at the wrong time.
SKEW_SECONDS = 5.0
# RFC 5176 section 6.3: a NAS whose clock is off by more drops every Disconnect in silence.
NAS_SKEW_SECONDS = 300
_WRITABLE = ("radcheck", "radreply", "radgroupcheck", "radgroupreply", "radusergroup", "nas")
_READ_BY_NOBODY = ("subscriber", "nas_device", "login", "outbox", "target")
# A session begins by the clock of the NAS, the login before it is logged by that of the database. The
# middle of at least three, of those newest and open: one customer may have logged in elsewhere since.
_BEHIND = (
    "WITH newest AS (SELECT nasipaddress, username, acctstarttime FROM radacct"
    "  WHERE acctstoptime IS NULL AND acctstarttime IS NOT NULL ORDER BY radacctid DESC LIMIT 1000),"
    " measured AS (SELECT nasipaddress, count(*) AS number, percentile_cont(0.5) WITHIN GROUP"
    "   (ORDER BY extract(epoch FROM n.acctstarttime - p.authdate)) AS skew FROM newest n,"
    "  LATERAL (SELECT max(authdate) AS authdate FROM radpostauth"
    "   WHERE username = n.username AND reply = 'Access-Accept') p"
    "  WHERE p.authdate IS NOT NULL GROUP BY nasipaddress)"
    " SELECT host(nasipaddress), skew FROM measured WHERE number >= 3 AND skew < %s"
    " ORDER BY nasipaddress"
)


def examine_database(connection: psycopg.Connection[Any], role: str) -> list[Finding]:
    """Every fault, in a stable order. `role` is the one that FreeRADIUS logs in with.

    Raises psycopg.Error. Reads only; each query is bounded by an index or by the number of groups,
    but for one pass over each of the rad* tables.
    """
    missing = [finding for finding in schema.differences(connection)]
    if any(finding.code == "table_missing" for finding in missing):
        return sorted(missing)
    checks = (schema.missing_indexes, rows.examine)
    found = [finding for check in checks for finding in check(connection)]
    return sorted({*missing, *found, *_privileges(connection, role), *_clocks(connection)})


def _privileges(connection: psycopg.Connection[Any], role: str) -> Iterator[Finding]:
    known = connection.execute(
        "SELECT rolsuper, rolcreatedb, rolcreaterole, rolbypassrls FROM pg_roles WHERE rolname = %s",
        [role],
    ).fetchone()
    if known is None:
        return
    if any(known):
        yield Finding(
            "role_too_powerful", f"role {role}",
            "FreeRADIUS logs in with a role that may change the server itself",
            f'ALTER ROLE "{role}" NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS',
        )  # fmt: skip
        return
    may = "SELECT t FROM unnest(%s::text[]) AS t WHERE to_regclass(t) IS NOT NULL AND"
    for privilege, tables in (
        ("INSERT, UPDATE, DELETE, TRUNCATE", _WRITABLE),
        ("DELETE, TRUNCATE", ("radacct", "radpostauth", "nasreload")),
        ("SELECT, INSERT, UPDATE, DELETE", _READ_BY_NOBODY),
    ):
        found = connection.execute(
            f"{may} has_table_privilege(%s, t, %s)".encode(), [list(tables), role, privilege]
        )
        for (table,) in found.fetchall():
            statement = sql.SQL("REVOKE {} ON {} FROM {}").format(
                sql.SQL(privilege),
                sql.Identifier(table),
                sql.Identifier(role),
            )
            yield Finding(
                "role_too_powerful", f"role {role} on {table}",
                "FreeRADIUS' role may do what it never has to: a stolen password would be enough",
                statement.as_string(connection),
            )  # fmt: skip


def _clocks(connection: psycopg.Connection[Any]) -> Iterator[Finding]:
    before = datetime.now(UTC)
    row = connection.execute("SELECT clock_timestamp()").fetchone()
    after = datetime.now(UTC)
    assert row is not None
    off = max((before - row[0]).total_seconds(), (row[0] - after).total_seconds())
    if off > SKEW_SECONDS:
        yield Finding(
            "clock_skew", "database server", f"its clock and ours are {off:.0f} s apart",
            "let both keep time by NTP (chrony)",
        )  # fmt: skip
    ahead = connection.execute(
        "SELECT host(nasipaddress), max(acctupdatetime - now()) FROM radacct WHERE acctstoptime IS NULL"
        " AND acctupdatetime > now() + %s * interval '1 second' GROUP BY nasipaddress",
        [NAS_SKEW_SECONDS],
    )
    for address, skew in ahead.fetchall():
        yield Finding(
            "nas_clock_skew", f"NAS {address}",
            f"its accounting comes from the future ({skew}): it will drop our Disconnects unread",
            "let the NAS keep time by NTP",
        )  # fmt: skip
    for address, behind in connection.execute(_BEHIND, [-NAS_SKEW_SECONDS]).fetchall():
        yield Finding(
            "nas_clock_skew", f"NAS {address}",
            f"its sessions begin {-behind:.0f} s before their login: it will drop our Disconnects"
            " unread", "let the NAS keep time by NTP",
        )  # fmt: skip
