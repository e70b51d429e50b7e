"""A second RADIUS server with a database of its own (B1): down for a while, it catches up by itself."""

from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import psycopg
import pytest

from local_site.postgresql import PostgreSQL, Survives
from tests.flows.front_end import RADIUS
from tests.flows.site import PATIENCE, Site
from tests.support.servers import start_postgres
from tests.support.waiting import until

TABLES = (
    ("radcheck", "username, attribute, op, value"),
    ("radreply", "username, attribute, op, value"),
    ("radusergroup", "username, groupname, priority"),
    ("radgroupreply", "groupname, attribute, op, value"),
)


@pytest.fixture
def second(tmp_path: Path) -> Iterator[PostgreSQL]:
    """The database of another RADIUS server, with FreeRADIUS' stock tables."""
    # It is killed right after a commit: without durability it would have lost what it said it has.
    server = start_postgres(tmp_path / "second", survives=Survives.KILL)
    with psycopg.connect(server.url) as connection:
        connection.execute(files("radius_sync.freeradius").joinpath("schema.sql").read_bytes())
    yield server
    server.stop()


def rows(url: str) -> list[list[tuple[object, ...]]]:
    with psycopg.connect(url) as connection:
        return [
            connection.execute(f"SELECT {names} FROM {table} ORDER BY {names}".encode()).fetchall()
            for table, names in TABLES
        ]


def same(site: Site, second: PostgreSQL) -> bool:
    return rows(second.url) == rows(site.postgres.url.removesuffix("/postgres") + "/radius")


def test_a_radius_server_that_was_down_catches_up_and_delayed_nobody(
    site: Site, second: PostgreSQL
) -> None:
    package = site.admin.create_package("For two servers")
    made = [
        site.admin.create_customer(f"twice{n}", "secret-1", package_id=package["id"])
        for n in range(3)
    ]
    for one in made:
        site.admin.activate(one["id"])
    body = {"name": "second", "address": second.url}
    target = site.admin.call(RADIUS, "POST", "/v1/targets", body)
    place = f"/v1/targets/{target['id']}"
    until(lambda: same(site, second), PATIENCE, "the new server is not filled")

    second.kill()
    site.admin.delete(made[0]["id"])
    site.admin.delete(made[1]["id"])
    site.until_rejected("twice0", "secret-1")
    until(lambda: site.admin.get(RADIUS, place)["health"] == "away", PATIENCE, "nobody notices")
    assert site.admin.get(RADIUS, place)["pending"] >= 2

    second.start()
    until(lambda: same(site, second), PATIENCE, "the server does not catch up")
    # The health is noted by the next round.
    until(lambda: site.admin.get(RADIUS, place)["health"] == "well", PATIENCE, "it stays away")
    assert site.admin.reconcile(heal=False)["drift"] == {}
    site.admin.call(RADIUS, "DELETE", place, If_Match="*")
