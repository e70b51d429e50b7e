"""The database brought up, its calendar in the ISP's time zone, its charges with the site's tax."""

from __future__ import annotations

from sqlalchemy import text

from payments import charging, erasure
from payments.settings import MIGRATIONS, PaymentsSettings
from shared import migrating, tombstones
from shared.database import Database

_NOBODY_SET_IT = text(
    "UPDATE calendar SET time_zone = :zone WHERE version = 1 AND time_zone <> :zone"
)


def migrate(settings: PaymentsSettings) -> None:
    """Idempotent. Whoever was erased since a restored backup was made is erased again (F36)."""
    migrating.migrate(settings, MIGRATIONS)
    database = Database(settings)
    try:
        tombstones.reopen(database, settings, erasure.of_the_file(settings))
        with database.transaction() as session:
            session.execute(_NOBODY_SET_IT, {"zone": settings.time_zone})
            # The tax may be another one than at the last start.
            charging.tell(session, settings)
    finally:
        database.close()
