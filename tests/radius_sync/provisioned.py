"""What a login has in FreeRADIUS' tables."""

from sqlalchemy import text

from radius_sync import sweeping
from shared.database import Database
from tests.radius_sync.facts import PACKAGE

Rows = set[tuple[str, ...]]
CREDENTIALS = {
    ("check", "Cleartext-Password", ":=", "sealed"),
    ("check", "Simultaneous-Use", ":=", "1"),
    ("check", "Expiration", ":=", "in time"),
    ("reply", "Class", ":=", "class"),
}
OPEN = CREDENTIALS | {("group", f"plan:{PACKAGE}", "10", "")}
WALLED = CREDENTIALS | {("group", "state:walled:overdue", "0", "")}
REJECTED = ("check", "Auth-Type", ":=", "Reject")


def rows(database: Database, username: str) -> Rows:
    """(table, attribute or group, operator or priority, value) of a login, but no secrets."""
    with database.transaction() as session:
        found = session.execute(
            text(
                "SELECT 'check', attribute, op, CASE attribute WHEN 'Cleartext-Password' THEN 'sealed'"
                " WHEN 'Expiration' THEN 'in time' ELSE value END FROM radcheck WHERE username = :u"
                " UNION ALL SELECT 'reply', attribute, op, CASE attribute WHEN 'Class' THEN 'class'"
                " ELSE value END FROM radreply WHERE username = :u"
                " UNION ALL SELECT 'group', groupname, CAST(priority AS text), '' FROM radusergroup"
                " WHERE username = :u"
            ),
            {"u": username},
        )
        return {tuple(row) for row in found}


def sweep_all(database: Database) -> None:
    done = 1
    while done:
        with database.transaction() as session:
            done = sweeping.sweep(session)
