"""`python -m radius_sync reseal`: secrets of NASes and of RADIUS servers under the newest key.

The passwords of subscribers come under it from customers, as events.
"""

from __future__ import annotations

from radius_sync import nas_rows
from radius_sync.settings import Settings
from shared.database import Database
from shared.resealing import Place, reseal

PLACES = (
    Place(table="nas_device", key="id", column="secret_sealed"),
    Place(table="nas_device", key="id", column="sessions_token_sealed"),
    Place(table="target", key="id", column="address_sealed"),
    Place(table="target", key="id", column="radius_secret_sealed"),
)


def run(settings: Settings) -> dict[str, int]:
    """How many values of each table were under an older key."""
    database = Database(settings)
    try:
        done = {place.table: 0 for place in PLACES}
        for place in PLACES:
            done[place.table] += reseal(database, place, settings.secret_key)
        with database.transaction() as session:
            nas_rows.rewrite(session)
        return done
    finally:
        database.close()
