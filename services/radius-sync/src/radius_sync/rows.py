"""The rows of FreeRADIUS' tables, replaced whole: per login, or all groups at once.

There is no unique key on (user name, attribute) in the stock schema, so rows are never patched.
"""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import text
from sqlalchemy.orm import Session

from shared.arrays import Array

# Of each table of one login: what it holds.
LOGIN_TABLES = {
    "radcheck": "username, attribute, op, value",
    "radreply": "username, attribute, op, value",
    "radusergroup": "username, groupname, priority",
}

_REWRITE = text(
    "WITH "
    + ", ".join(
        f"gone_{table} AS (DELETE FROM {table} WHERE username = ANY(CAST(:logins AS text[]))),"
        f" new_{table} AS (INSERT INTO {table} ({names})"
        f" SELECT {names} FROM desired_{table} WHERE username = ANY(CAST(:logins AS text[])))"
        for table, names in LOGIN_TABLES.items()
    )
    + " SELECT"
)
_GROUPS = text(
    "WITH gone AS (DELETE FROM radgroupreply WHERE groupname ~ '^(plan|state)[:]'),"
    " checks AS (DELETE FROM radgroupcheck WHERE groupname ~ '^(plan|state)[:]')"
    " INSERT INTO radgroupreply (groupname, attribute, op, value)"
    " SELECT groupname, attribute, op, value FROM desired_radgroupreply"
)
_MISSING = text(
    "SELECT name FROM unnest(CAST(:groups AS text[])) name"
    " WHERE NOT EXISTS (SELECT FROM radgroupreply r WHERE r.groupname = name)"
)


def rewrite(session: Session, logins: Array | list[str]) -> None:
    """Replace all rows of these logins on the embedded target by what they should be now."""
    session.execute(_REWRITE, {"logins": logins})


def rewrite_groups(session: Session) -> None:
    """Replace every group of ours; groups that somebody else made stay."""
    # One at a time: two side by side would both insert what both have deleted.
    session.execute(text("SELECT pg_advisory_xact_lock(hashtext('radius-sync.groups'))"))
    session.execute(_GROUPS)


def add_missing_groups(session: Session, groups: Collection[str]) -> None:
    """Write the groups when one of these is not there yet, as after the first use of a rate."""
    if groups and session.scalars(_MISSING, {"groups": list(groups)}).first() is not None:
        rewrite_groups(session)
