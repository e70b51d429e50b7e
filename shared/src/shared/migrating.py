"""Brings a service's database up: creates it and its roles, runs alembic, grants what the roles need."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.engine import URL

from shared.settings import Settings

PLUMBING = Path(__file__).with_name("plumbing.sql")
# Branch-scoped tables of the plumbing.
SCOPED = ("outbox", "job", "operation", "export", "operator_fact", "api_key_fact")


def migrate(settings: Settings, migrations: Path) -> None:
    """Idempotent; safe to run from several machines at once."""
    _create_database(settings)
    engine = create_engine(settings.database_url, poolclass=sqlalchemy.NullPool)
    with engine.connect() as connection:
        connection.execute(text("SELECT pg_advisory_lock(hashtext('tenure.migrate'))"))
        connection.commit()
        _create_roles(connection, settings.role)
        config = Config()
        config.set_main_option("script_location", str(migrations))
        config.attributes["connection"] = connection
        config.attributes["role"] = settings.role
        command.upgrade(config, "head")
        _adopt_outbox(connection)
        connection.commit()
    engine.dispose()


def _adopt_outbox(connection: Connection) -> None:
    """After a restored dump: its rows carry transaction numbers that this server has not reached.

    The feed would hide them until it does. Number 3 is below every transaction; their order stays.
    """
    connection.execute(
        text("UPDATE outbox SET xid = '3' WHERE xid > pg_snapshot_xmax(pg_current_snapshot())")
    )


# PostgreSQL's own order of code points (17 and later): what the C library sorts by differs between
# machines and changes with its upgrades, which corrupts indexes; rows go in a tenth faster, too.
# What a letter is, pg_trgm asks LC_CTYPE: with C it takes ASCII only, and a search for রহিম reads everything.
_LOCALE = (
    "TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C' LC_CTYPE 'C.UTF-8'"
    " LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8'"
)


def _create_database(settings: Settings) -> None:
    name = settings.database_url.database
    server: URL = settings.database_url.set(database="postgres")
    engine = create_engine(server, isolation_level="AUTOCOMMIT", poolclass=sqlalchemy.NullPool)
    with engine.connect() as connection:
        # Two sites that start at once must not both create it.
        connection.execute(text("SELECT pg_advisory_lock(hashtext('tenure.create'))"))
        known = connection.scalar(
            text("SELECT 1 FROM pg_database WHERE datname = :name"), {"name": name}
        )
        if not known:
            connection.execute(text(f'CREATE DATABASE "{name}" {_LOCALE}'))
        connection.execute(text("SELECT pg_advisory_unlock(hashtext('tenure.create'))"))
    engine.dispose()


def _create_roles(connection: Connection, role: str) -> None:
    # Roles belong to the whole server, and other services migrate at the same moment.
    connection.execute(text("SELECT pg_advisory_xact_lock(1414418773)"))
    for name in (role, f"{role}_scoped"):
        known = connection.scalar(
            text("SELECT 1 FROM pg_roles WHERE rolname = :name"), {"name": name}
        )
        if not known:
            connection.execute(text(f"CREATE ROLE {name} NOLOGIN"))
        connection.execute(text(f"GRANT {name} TO CURRENT_USER"))
        connection.execute(text(f"GRANT USAGE ON SCHEMA public TO {name}"))
        connection.execute(
            text(
                "ALTER DEFAULT PRIVILEGES IN SCHEMA public"
                f" GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {name}"
            )
        )
        connection.execute(
            text(f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE ON SEQUENCES TO {name}")
        )
    # The service role itself switches to the scoped one inside a caller's transaction.
    connection.execute(text(f"GRANT {role}_scoped TO {role}"))
    connection.commit()


def install_plumbing(connection: Connection, role: str) -> None:
    """For the first migration of a service: the tables of plumbing.sql, append-only and scoped."""
    run_script(connection, PLUMBING)
    for table in ("operation", "operation_seal"):
        make_append_only(connection, role, table)
    for table in SCOPED:
        scope_rows(connection, role, table)


def install_outbox_unsent(connection: Connection) -> None:
    """What the relay has not handed over, in a table of its own."""
    run_script(connection, PLUMBING.with_name("outbox_unsent.sql"))


def install_job_address(connection: Connection) -> None:
    """Where a job was asked for (B21), for the log of what it does."""
    connection.execute(text("ALTER TABLE job ADD COLUMN ip text"))


def install_tombstones_read(connection: Connection) -> None:
    """How far `shared.tombstones` has read their file."""
    run_script(connection, PLUMBING.with_name("tombstones_read.sql"))


def install_leftovers(connection: Connection) -> None:
    """The tables behind `shared.leftovers`."""
    run_script(connection, PLUMBING.with_name("leftovers.sql"))


def install_access_log(connection: Connection, role: str) -> None:
    """The table behind `shared.access_log`."""
    run_script(connection, PLUMBING.with_name("access_log.sql"))
    scope_rows(connection, role, "access_log")


def run_script(connection: Connection, script: Path) -> None:
    """Execute a file of SQL statements as it stands, on the connection's open transaction."""
    driver = connection.connection.driver_connection
    assert driver is not None
    # Without parameters psycopg sends the text untouched: several statements, and % is a per cent.
    driver.execute(script.read_text())


def make_append_only(connection: Connection, role: str, table: str) -> None:
    connection.execute(text(f"REVOKE UPDATE, DELETE ON {table} FROM {role}, {role}_scoped"))


def scope_rows(connection: Connection, role: str, table: str) -> None:
    """Row-level security by the column `operator_path`: everything for the service, a branch for a caller."""
    connection.execute(text(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY"))
    connection.execute(text(f"CREATE POLICY everything ON {table} TO {role} USING (true)"))
    connection.execute(
        text(
            f"CREATE POLICY branch ON {table} TO {role}_scoped USING ("
            "operator_path >= current_setting('tenure.scope') COLLATE \"C\""
            " AND operator_path < current_setting('tenure.scope_end') COLLATE \"C\")"
        )
    )
