"""A database restored from before an erasure gives the erased no access, from its first moment (F36)."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from radius_sync import tasks, web
from radius_sync.installation import migrate
from radius_sync.settings import Settings
from shared.database import Database
from shared.tokens import service_token
from shared.tombstone_file import START, Tombstone, file_of
from tests.radius_sync.facts import customer, hear, package
from tests.radius_sync.provisioned import OPEN, rows
from tests.radius_sync.test_erasure import receipts, traces


def put_tombstone(settings: Settings, customer_id: UUID, mode: str = "everything") -> Tombstone:
    one = Tombstone(customer_id, uuid4(), mode, "1/4/", datetime.now(UTC))
    file_of(settings).append([one], START)
    return one


@pytest.mark.parametrize("mode", ["pseudonymise", "everything"])
def test_migrate_takes_the_access_of_the_erased_before_anything_runs_f36(
    database: Database, settings: Settings, mode: str
) -> None:
    alice, bob = uuid4(), uuid4()
    hear(database, package(), customer("alice", alice), customer("bob", bob))
    before = rows(database, "bob")
    assert rows(database, "alice") == rows(database, "bob") == OPEN
    tombstone = put_tombstone(settings, alice, mode)
    client = web.build(settings).test_client()
    assert client.get("/readyz").get_json()["checks"]["tombstones"] is False
    token = service_token("payments", settings.service_secret)
    feed = client.get("/v1/events", headers={"Authorization": f"Bearer {token}"})
    assert feed.status_code == 503 and "alice" not in feed.text
    migrate(settings)
    migrate(settings)
    assert client.get("/readyz").status_code == 200
    assert traces(database, "alice") == []
    assert rows(database, "bob") == before
    (told,) = receipts(database)
    assert (told["erasure_id"], told["mode"]) == (str(tombstone.erasure_id), mode)
    # The books' backup has them alive: what comes of it late is no news.
    hear(database, customer("alice", alice, sequence=900))
    assert traces(database, "alice") == []
    client.application.extensions["tenure.database"].close()


def test_a_worker_beside_a_database_that_is_restored_under_it_does_so_too_f36(
    database: Database, settings: Settings
) -> None:
    alice, never_heard_of = uuid4(), uuid4()
    hear(database, package(), customer("alice", alice))
    first = put_tombstone(settings, alice)
    end = file_of(settings).read(START, 1)[1]
    file_of(settings).append(
        [Tombstone(never_heard_of, uuid4(), "everything", "1/", first.at)], end
    )
    tasks.read_tombstones(database, settings)
    tasks.read_tombstones(database, settings)
    assert traces(database, "alice") == []
    assert len(receipts(database)) == 2
    hear(database, customer("zoe", never_heard_of))
    assert traces(database, "zoe") == []
