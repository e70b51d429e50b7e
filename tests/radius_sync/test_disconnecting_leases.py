"""A NAS belongs to one sender at a time: to a dead one not for long, to a live one until it is done."""

import threading
from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import text

from radius_sync.disconnecting import Sender, claiming
from radius_sync.nas_simulator import Faults, NasSimulator
from radius_sync.settings import Settings
from shared.database import Database
from tests.radius_sync.cutting import ANSWERING, SECRET, cut, due_now, online, orders, register
from tests.radius_sync.exchanging import given_up_once
from tests.radius_sync.facts import customer, hear, package
from tests.support.waiting import until

LEASE = (
    "SELECT n.sending_until, o.not_before, now() AS now FROM nas_device n"
    " JOIN disconnect_order o ON o.nas_address = n.address"
)


def blocked(database: Database, settings: Settings, nas: NasSimulator) -> str:
    """A customer with a session that is to be cut."""
    alice = uuid4()
    register(database, settings, nas)
    hear(database, package(), customer("alice", alice))
    session = online(database, nas, "alice")
    hear(database, customer("alice", alice, standing="deleted"))
    return session


def test_what_a_killed_sender_had_claimed_is_sent_by_the_next_within_ten_seconds(
    database: Database, settings: Settings
) -> None:
    assert claiming.LEASE_SECONDS <= 10
    with NasSimulator(SECRET.encode()) as nas:
        session = blocked(database, settings, nas)
        with database.transaction() as dead:
            assert len(claiming.claim(dead)) == 1
            lease = dead.execute(text(LEASE)).one()
        ten = timedelta(seconds=claiming.LEASE_SECONDS)
        assert lease.sending_until == lease.not_before == lease.now + ten
        due_now(database)
        assert Sender(database, settings.secret_key, ANSWERING).run() == 1
        assert cut(nas) == [session]


def test_a_silent_nas_stays_with_its_sender_beyond_the_lease(
    database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lease is so long here that only the word of its holder can move its end."""
    monkeypatch.setattr(claiming, "LEASE_SECONDS", 600)
    monkeypatch.setattr(claiming, "RENEW_SECONDS", 0.05)
    enough = threading.Event()

    def ends() -> datetime:
        with database.transaction() as session:
            lease = session.execute(text(LEASE)).one()
        first: datetime = min(lease.sending_until, lease.not_before)
        return first

    with NasSimulator(SECRET.encode(), faults=Faults(silent=True)) as nas:
        blocked(database, settings, nas)
        silence = given_up_once(enough.is_set)
        holder = threading.Thread(target=Sender(database, settings.secret_key, silence).run)
        holder.start()
        try:
            until(lambda: orders(database)[0][1] == "sent")
            for _ in range(3):
                known = ends()
                assert Sender(database, settings.secret_key, ANSWERING).run() == 0
                until(lambda known=known: ends() > known, message="the lease is not renewed")  # type: ignore[misc]
        finally:
            enough.set()
            holder.join()
        assert orders(database)[0][1:] == ("due", "timeout")
