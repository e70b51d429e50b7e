"""The database brought up, with its first operator."""

from __future__ import annotations

from pathlib import Path

from customers import filing, operators, policies
from customers.settings import Settings
from shared import migrating, tombstones
from shared.database import Database
from shared.settings import BadSetting

MIGRATIONS = Path(__file__).with_name("migrations")


def migrate(settings: Settings) -> None:
    """Idempotent. Whoever was erased since a restored backup was made is erased again (F36).

    The first operator is `admin`, with the password from TENURE_ADMIN_PASSWORD; days begin at midnight of
    TENURE_TIME_ZONE.
    """
    migrating.migrate(settings, MIGRATIONS)
    database = Database(settings)
    try:
        tombstones.reopen(database, settings, filing.of_the_file(database, settings))
        with database.lock("first operator") as mine, database.transaction() as session:
            if mine and operators.none_yet(session):
                operators.ensure_first(session, _password(settings))
            policies.keep_zone(session, settings.time_zone)
    finally:
        database.close()


def _password(settings: Settings) -> str:
    chosen = settings.admin_password or ("admin-demo" if settings.demo else "")
    if not chosen or (chosen == "admin-demo" and not settings.demo):
        raise BadSetting(
            "TENURE_ADMIN_PASSWORD is missing: the password of the first operator, `admin`"
        )
    return chosen
