"""Facts become FreeRADIUS' rows: which rows, for whom, in whatever order the facts arrive."""

from uuid import uuid4

from sqlalchemy import text

from shared.database import Database
from tests.radius_sync.facts import PACKAGE, customer, hear, package

Rows = set[tuple[str, ...]]


def rows(database: Database, username: str) -> Rows:
    """(table, attribute or group, operator or priority, value) of a login, but the password."""
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


CREDENTIALS = {
    ("check", "Cleartext-Password", ":=", "sealed"),
    ("check", "Simultaneous-Use", ":=", "1"),
    ("check", "Expiration", ":=", "in time"),
    ("reply", "Class", ":=", "class"),
}
OPEN = CREDENTIALS | {("group", f"plan:{PACKAGE}", "10", "")}
REJECTED = ("check", "Auth-Type", ":=", "Reject")


def test_an_active_customer_gets_a_password_a_plan_and_an_end(database: Database) -> None:
    hear(database, package(), customer("alice"))
    assert rows(database, "alice") == OPEN


def test_a_customer_whose_package_is_told_later_is_rejected_until_then(database: Database) -> None:
    hear(database, customer("alice"))
    assert REJECTED in rows(database, "alice")
    hear(database, package())
    sweep_all(database)
    assert rows(database, "alice") == OPEN


def sweep_all(database: Database) -> None:
    from radius_sync import provisioning

    done = 1
    while done:
        with database.transaction() as session:
            done = provisioning.sweep(session)


def test_an_older_event_changes_nothing(database: Database) -> None:
    someone = uuid4()
    deleted = customer("alice", someone, standing="deleted", sequence=9)
    hear(database, package(), deleted)
    hear(database, customer("alice", someone, sequence=8))
    assert rows(database, "alice") == set()
