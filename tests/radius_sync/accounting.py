"""Rows of radacct as FreeRADIUS writes them, by its own role's rights."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import text

from shared.database import Database

NOON = datetime(2026, 3, 10, 6, tzinfo=UTC)  # in Dhaka


def start(
    database: Database, username: str, session_id: str, *, framed: str = "100.64.0.1",
    nas: str = "127.0.0.1", ago: float = 0.0, label: str | None = None,
) -> int:  # fmt: skip
    """An Accounting-Start `ago` seconds back with the Class `label`; the row's radacctid."""
    with database.engine.begin() as connection:
        connection.execute(text("RESET ROLE"))
        row = connection.scalar(
            text(
                "INSERT INTO radacct (acctsessionid, acctuniqueid, username, nasipaddress,"
                " acctstarttime, acctupdatetime, framedipaddress, class)"
                " VALUES (:id, 'u-' || :id, :username, CAST(:nas AS inet),"
                " now() - :ago * interval '1 second', now() - :ago * interval '1 second',"
                " CAST(:framed AS inet), :label) RETURNING radacctid"
            ),
            {"id": session_id, "username": username, "nas": nas, "framed": framed, "ago": ago,
             "label": label},
        )  # fmt: skip
        connection.execute(text(f"SET ROLE {database.role}"))
    return int(row or 0)


def stop(database: Database, session_id: str) -> None:
    with database.engine.begin() as connection:
        connection.execute(text("RESET ROLE"))
        connection.execute(
            text(
                "UPDATE radacct SET acctstoptime = now(), acctterminatecause = 'Admin-Reset'"
                " WHERE acctsessionid = :id"
            ),
            {"id": session_id},
        )
        connection.execute(text(f"SET ROLE {database.role}"))


def by_hand(database: Database, statement: str) -> None:
    """What an administrator of the database may do, and this service may not."""
    with database.engine.begin() as connection:
        connection.execute(text("RESET ROLE"))
        connection.execute(text(statement))
        connection.execute(text(f"SET ROLE {database.role}"))


def account(database: Database, username: str, session_id: str, **columns: Any) -> None:
    """A row of radacct as FreeRADIUS leaves it after a report; written anew by the next one."""
    values = {
        "acctsessionid": session_id, "acctuniqueid": f"u-{session_id}", "username": username,
        "nasipaddress": "10.0.0.1", "acctstarttime": NOON, "acctupdatetime": NOON, **columns,
    }  # fmt: skip
    names, places = ", ".join(values), ", ".join(f":{name}" for name in values)
    changed = ", ".join(f"{name} = excluded.{name}" for name in values)
    statement = text(
        f"INSERT INTO radacct ({names}) VALUES ({places})"
        f" ON CONFLICT (acctuniqueid) DO UPDATE SET {changed}"
    )
    with database.engine.begin() as connection:
        connection.execute(text("RESET ROLE"))
        connection.execute(statement, values)
        connection.execute(text(f"SET ROLE {database.role}"))


def octets(seconds: int, upload: int, download: int, **more: Any) -> dict[str, Any]:
    return {
        "acctsessiontime": seconds, "acctinputoctets": upload, "acctoutputoctets": download, **more,
    }  # fmt: skip
