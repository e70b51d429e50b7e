"""A rotated TENURE_SECRET_KEY: the old key opens until everything is sealed anew."""

from dataclasses import replace

from customers import resealing
from customers.tombstones import bury, erased
from shared.sealing import Keys, mark, unseal
from tests.customers.conftest import Site

NEW = "cd" * 32


def test_everything_sealed_comes_under_the_new_key_and_is_told_of(site: Site) -> None:
    ada, gone = site.customer("ada"), site.deleted("bob")
    bare = site.admin.post("/v1/customers", {"name": "Bare", "username": "bare"}).get_json()
    rotated = replace(
        site.settings, secret_key=Keys.from_hex(f"{NEW},{site.settings.secret_key.hex()}")
    )
    hook = {"url": "https://example.org/hook"}
    assert site.admin.post("/v1/webhook-endpoints", hook).status_code == 201
    done = {name: rows for name, rows in resealing.run(rotated).items() if rows}
    assert done == {"signing_key": 1, "customer": 2, "webhook_endpoint": 1}
    assert set(resealing.run(rotated).values()) == {0}

    new = bytes.fromhex(NEW)
    for one in (ada, gone):
        row = site.one("SELECT * FROM customer WHERE id = :id", id=one["id"])
        assert unseal(row.password_sealed, new) == "secret-1"
        told = site.events(one["id"])[-1]
        assert told.type == "customer.updated" and told.sequence == row.version
        assert told.data["customer"]["password"] == row.password_sealed
    assert len(site.events(bare["id"])) == 1
    sealed = site.one("SELECT private_sealed FROM signing_key").private_sealed
    assert sealed[3:11] == mark(new)


def test_tombstones_of_before_the_rotation_still_hold(site: Site) -> None:
    """B30: digests stay under the oldest key."""
    ada = site.one("SELECT CAST(:id AS uuid) AS id", id=site.customer("ada")["id"]).id
    rotated = Keys.from_hex(f"{NEW},{site.settings.secret_key.hex()}")
    with site.database.transaction() as session:
        bury(session, ada, [ada], site.settings.secret_key)
        assert erased(session, [ada], rotated) == {ada}
