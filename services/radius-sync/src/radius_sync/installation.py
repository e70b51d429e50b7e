"""Brings the `radius` database up, FreeRADIUS' own login role with it."""

from __future__ import annotations

from pathlib import Path
from typing import LiteralString

import psycopg
from psycopg import sql
from sqlalchemy import text

from radius_sync import erasure, rows
from radius_sync.settings import FREERADIUS_ROLE, Settings
from radius_sync.vendors import VENDORS, Login
from shared import operations, tombstones
from shared.database import Database
from shared.migrating import migrate as migrate_database
from shared.operations import SYSTEM
from shared.sealing import seal, unseal

_LOGIN_ATTRIBUTE = text(
    "INSERT INTO login_attribute (vendor, kind, place, attribute, op, template, own_rate)"
    " VALUES (:vendor, :kind, :place, :attribute, :op, :template, :own_rate)"
)
_EMBEDDED = text(
    "SELECT id, host(radius_address) AS address, radius_port, radius_secret_sealed FROM target"
    " WHERE embedded FOR UPDATE"
)
_WATCHED = text(
    "UPDATE target SET radius_address = CAST(:address AS inet), radius_port = :port,"
    " radius_secret_sealed = :secret, radius_state = 'unknown', radius_skew = NULL,"
    " radius_seen_at = NULL, radius_asked_at = NULL, version = version + 1 WHERE id = :id"
)
_ACCOUNTING: LiteralString = "radacct, radpostauth, nasreload, session_archive"
# What this service does to accounting, which is FreeRADIUS' own.
_FUNCTIONS: LiteralString = "close_session, close_stale_sessions, erase_sessions, archive_sessions"
MIGRATIONS = Path(__file__).parent / "migrations"
# The same lock as shared.migrating takes: roles belong to the whole server.
ROLES_LOCK = 1414418773


def migrate(settings: Settings) -> None:
    """Idempotent: the database, the tables, the roles and what each may do."""
    migrate_database(settings, MIGRATIONS)
    url = settings.database_url.set(drivername="postgresql")
    with psycopg.connect(url.render_as_string(hide_password=False)) as connection:
        connection.execute("SELECT pg_advisory_xact_lock(%s)", [ROLES_LOCK])
        _keep_login_role(connection, settings.freeradius_password())
        for statement in _grants(settings.role):
            connection.execute(statement)
    _load_vendors(settings)
    _read_tombstones(settings)
    if settings.radius_status_address:
        _watch(settings)


def _load_vendors(settings: Settings) -> None:
    """The login parts of vendors/*.toml as rows, and the groups that follow from them."""
    rows_of = [
        {
            "vendor": vendor.name,
            "kind": kind.value,
            "place": place,
            "attribute": name,
            "op": "+=" if [one for one, _ in pairs].count(name) > 1 else "=",
            "template": form,
            "own_rate": vendor.own_rate if kind is Login.RATE else None,
        }
        for vendor in VENDORS.values()
        for kind, pairs in vendor.login.items()
        for place, (name, form) in enumerate(pairs)
    ]
    database = Database(settings)
    with database.transaction() as session:
        session.execute(text("DELETE FROM login_attribute"))
        session.execute(_LOGIN_ATTRIBUTE, rows_of)
        rows.rewrite_groups(session)
    database.close()


def _read_tombstones(settings: Settings) -> None:
    """Before FreeRADIUS runs over a restored database: whoever was erased has no access (F36)."""
    database = Database(settings)
    try:
        tombstones.reopen(database, settings, erasure.of_the_file(settings))
    finally:
        database.close()


def _watch(settings: Settings) -> None:
    """Where the environment says that the site's own FreeRADIUS is asked whether it answers."""
    database = Database(settings)
    with database.transaction() as session:
        known = session.execute(_EMBEDDED).one()
        place = settings.radius_status_address, settings.radius_status_port
        named = known.radius_secret_sealed is not None and (
            (known.address, known.radius_port) == place
            and unseal(known.radius_secret_sealed, settings.secret_key)
            == settings.radius_status_secret
        )
        if not named:
            sealed = seal(settings.radius_status_secret, settings.secret_key)
            values = {"id": known.id, "address": place[0], "port": place[1], "secret": sealed}
            session.execute(_WATCHED, values)
            operations.record(
                session, SYSTEM, "target.changed", "target", known.id, operator_path="",
                after={"radius": f"{place[0]}:{place[1]}"}, personal=False,
            )  # fmt: skip
    database.close()


def _keep_login_role(connection: psycopg.Connection, password: str) -> None:
    role = sql.Identifier(FREERADIUS_ROLE)
    known = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [FREERADIUS_ROLE])
    if known.fetchone() is None:
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(role))
    connection.execute(
        sql.SQL("ALTER ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD {}").format(
            role, sql.Literal(password)
        )
    )


def _grants(service: str) -> list[sql.Composed]:
    """Least privilege (reliability 3.5): FreeRADIUS never deletes, we never write accounting."""
    radius = sql.Identifier(FREERADIUS_ROLE)
    ours = sql.SQL("{}, {}").format(sql.Identifier(service), sql.Identifier(f"{service}_scoped"))
    return [
        sql.SQL("GRANT USAGE ON SCHEMA public TO {}").format(radius),
        sql.SQL(
            "GRANT SELECT ON radcheck, radreply, radgroupcheck, radgroupreply, radusergroup, nas TO {}"
        ).format(radius),
        sql.SQL("GRANT SELECT, INSERT, UPDATE ON radacct, nasreload TO {}").format(radius),
        sql.SQL("GRANT SELECT, INSERT ON radpostauth TO {}").format(radius),
        sql.SQL("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {}").format(radius),
        sql.SQL(
            "REVOKE INSERT, UPDATE, DELETE ON radacct, radpostauth, nasreload, session_archive FROM {}"
        ).format(ours),
        sql.SQL(f"REVOKE EXECUTE ON FUNCTION {_FUNCTIONS} FROM PUBLIC").format(),
        sql.SQL(f"GRANT EXECUTE ON FUNCTION {_FUNCTIONS} TO {{}}").format(sql.Identifier(service)),
    ]
