"""Sessions are cut and moved at a simulated NAS: every one of those meant, and no other."""

from collections.abc import Iterator
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from radius_sync import registry
from radius_sync.disconnecting import Sender
from radius_sync.disconnector import Policy, Retransmission
from radius_sync.nas_simulator import NasSimulator
from radius_sync.settings import Settings
from shared.database import Database
from shared.operations import SYSTEM
from tests.radius_sync.accounting import start, stop
from tests.radius_sync.facts import customer, hear, package

SECRET = "sixteen-octets-at-least"
QUICK = Policy(retransmission=Retransmission(initial=0.05, maximum=0.1, count=3, duration=0.3))


@pytest.fixture
def nas() -> Iterator[NasSimulator]:
    with NasSimulator(SECRET.encode(), send_stop=False) as simulator:
        yield simulator


@pytest.fixture
def sender(database: Database, settings: Settings) -> Sender:
    return Sender(database, settings.secret_key, QUICK)


def register(database: Database, settings: Settings, nas: NasSimulator, **more: object) -> UUID:
    values = {"name": f"nas-{nas.coa_port}", "address": "127.0.0.1", "secret": SECRET,
              "vendor": "mikrotik", "coa_port": nas.coa_port, **more}  # fmt: skip
    with database.transaction() as session:
        return registry.register(session, values, settings.secret_key, SYSTEM)


def online(database: Database, nas: NasSimulator, username: str) -> str:
    """A session at the NAS and in accounting; its Acct-Session-Id."""
    session = nas.add_session(username)
    start(database, username, session.session_id, framed=session.framed_ip)
    return session.session_id


def orders(database: Database) -> list[tuple[str, str, str | None]]:
    with database.transaction() as session:
        found = session.execute(
            text("SELECT kind, state, outcome FROM disconnect_order ORDER BY created_at, kind")
        )
        return [tuple(row) for row in found]


def test_a_blocked_customer_is_cut_and_the_stop_confirms_it(
    database: Database, settings: Settings, nas: NasSimulator, sender: Sender
) -> None:
    alice = uuid4()
    register(database, settings, nas)
    hear(database, package(), customer("alice", alice), customer("bob"))
    cut, kept = online(database, nas, "alice"), online(database, nas, "bob")
    hear(database, customer("alice", alice, holds=["admin"]))
    sender.run()
    assert [one.session_id for one in nas.sessions] == [kept]
    assert orders(database) == [("disconnect", "acked", "acked")]
    stop(database, cut)
    sender.run()
    assert orders(database) == [("disconnect", "done", "acked")]
