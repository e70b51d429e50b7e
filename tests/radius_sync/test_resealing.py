"""A rotated TENURE_SECRET_KEY: secrets of NASes and addresses of RADIUS servers under the new key."""

from dataclasses import replace
from uuid import uuid4

from sqlalchemy import text

from radius_sync import registry, resealing
from radius_sync.settings import Settings
from shared.database import Database
from shared.operations import SYSTEM
from shared.sealing import Keys, seal, unseal

NEW = "cd" * 32


def test_every_sealed_column_of_this_service_is_known(database: Database) -> None:
    """Passwords of subscribers come sealed anew from customers, as events."""
    with database.transaction() as session:
        found = session.execute(
            text("SELECT table_name, column_name FROM information_schema.columns"
                 " WHERE table_schema = 'public' AND column_name LIKE '%\\_sealed'"
                 " AND table_name NOT IN ('subscriber', 'login')"
                 " AND (table_name, 'BASE TABLE') IN"
                 "  (SELECT table_name, table_type FROM information_schema.tables)")
        ).all()  # fmt: skip
    assert {tuple(row) for row in found} == {
        (place.table, place.column) for place in resealing.PLACES
    }


def test_secrets_come_under_the_new_key(settings: Settings, database: Database) -> None:
    values = {"name": "tower", "address": "192.0.2.9", "secret": "a-secret-of-16-octets"}
    with database.transaction() as session:
        registry.register(session, values, settings.secret_key, SYSTEM)
        session.execute(
            text("INSERT INTO target (id, name, address_sealed, radius_secret_sealed)"
                 " VALUES (:id, 'south', :address, :secret)"),
            {"id": uuid4(), "address": seal("postgresql://south", settings.secret_key),
             "secret": seal("of-its-server", settings.secret_key)},
        )  # fmt: skip
    rotated = replace(settings, secret_key=Keys.from_hex(f"{NEW},{settings.secret_key.hex()}"))
    assert resealing.run(rotated) == {"nas_device": 1, "target": 2}
    assert resealing.run(rotated) == {"nas_device": 0, "target": 0}
    with database.transaction() as session:
        secret = session.scalar(text("SELECT secret_sealed FROM nas_device"))
        address = session.scalar(text("SELECT address_sealed FROM target WHERE NOT embedded"))
        of_server = session.scalar(text("SELECT max(radius_secret_sealed) FROM target"))
    new = bytes.fromhex(NEW)
    assert unseal(str(secret), new) == "a-secret-of-16-octets"
    assert unseal(str(address), new) == "postgresql://south"
    assert unseal(str(of_server), new) == "of-its-server"
    # FreeRADIUS' role of a demo keeps its password: it is made from the oldest key.
    assert rotated.freeradius_password() == settings.freeradius_password()
