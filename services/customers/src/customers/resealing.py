"""`python -m customers reseal`: everything sealed here under the newest of TENURE_SECRET_KEY's keys.

A customer's password travels: each is told of anew, so that radius-sync has it under that key too.
"""

from __future__ import annotations

from collections import Counter
from uuid import UUID

from sqlalchemy import text

from customers.domain import now
from customers.persistence import customers
from customers.persistence.announcing import Change, announce
from customers.settings import Settings
from shared.database import EVERYTHING, Database
from shared.operations import SYSTEM
from shared.resealing import CHUNK, Place, reseal
from shared.sealing import mark, seal, unseal

PLACES = (
    Place(table="signing_key", key="kid", column="private_sealed"),
    Place(table="webhook_endpoint", key="id", column="secret_sealed"),
    Place(table="webhook_endpoint", key="id", column="previous_sealed"),
    Place(table="erasure_needle", key="erasure_id || ' ' || customer_id", column="sealed"),
)
_NEXT = text(
    "SELECT id FROM customer WHERE id > :after AND substr(password_sealed, 4, 8) <> :mark"
    " ORDER BY id LIMIT :most"
)


def run(settings: Settings) -> dict[str, int]:
    """How many values of each table were under an older key. May be ended and begun again."""
    database = Database(settings)
    try:
        done: Counter[str] = Counter()
        for place in PLACES:
            done[place.table] += reseal(database, place, settings.secret_key)
        return dict(done) | {"customer": _passwords(database, settings.secret_key)}
    finally:
        database.close()


def _passwords(database: Database, keys: bytes) -> int:
    done, after = 0, UUID(int=0)
    while True:
        with database.transaction() as session:
            ids = session.scalars(_NEXT, {"after": after, "mark": mark(keys), "most": CHUNK}).all()
            if not ids:
                return done
            moment, changes = now(), []
            for one in customers.lock(session, EVERYTHING, ids).values():
                if one.password_sealed is not None:
                    sealed = seal(unseal(one.password_sealed, keys), keys)
                    changes.append(Change(one, one.change({"password_sealed": sealed}, moment)))
            announce(session, SYSTEM, "customer.resealed", changes)
        done, after = done + len(changes), ids[-1]
