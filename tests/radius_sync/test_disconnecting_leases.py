"""A NAS belongs to one sender at a time: to a dead one not for long, to a live one until it is done."""

import threading
from uuid import uuid4

import pytest

from radius_sync.disconnecting import Sender, claiming
from radius_sync.disconnector import Policy, Retransmission
from radius_sync.nas_simulator import Faults, NasSimulator
from radius_sync.settings import Settings
from shared.database import Database
from tests.radius_sync.cutting import SECRET, cut, online, orders, register
from tests.radius_sync.facts import customer, hear, package
from tests.support.waiting import until

# Four seconds of silence: far longer than the leases of these tests.
SLOW = Policy(retransmission=Retransmission(initial=0.5, maximum=1.0, count=9, duration=4.0))


def blocked(database: Database, settings: Settings, nas: NasSimulator) -> str:
    """A customer with a session that is to be cut."""
    alice = uuid4()
    register(database, settings, nas)
    hear(database, package(), customer("alice", alice))
    session = online(database, nas, "alice")
    hear(database, customer("alice", alice, standing="deleted"))
    return session


def test_what_a_killed_sender_had_claimed_is_sent_by_the_next_within_ten_seconds(
    database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert claiming.LEASE_SECONDS <= 10
    monkeypatch.setattr(claiming, "LEASE_SECONDS", 0.3)
    with NasSimulator(SECRET.encode()) as nas:
        session = blocked(database, settings, nas)
        with database.transaction() as dead:
            assert len(claiming.claim(dead)) == 1
        sender = Sender(database, settings.secret_key)
        assert sender.run() == 0, "the lease of the other stands"
        until(lambda: sender.run() == 1, 5, "the order is never sent")
        assert cut(nas) == [session]


def test_a_silent_nas_stays_with_its_sender_beyond_the_lease(
    database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claiming, "LEASE_SECONDS", 1.0)
    monkeypatch.setattr(claiming, "RENEW_SECONDS", 0.2)
    with NasSimulator(SECRET.encode(), faults=Faults(silent=True)) as nas:
        blocked(database, settings, nas)
        first = threading.Thread(target=Sender(database, settings.secret_key, SLOW).run)
        first.start()
        until(lambda: orders(database)[0][1] == "sent", 5)
        other = Sender(database, settings.secret_key, SLOW)
        until(lambda: other.run() or not first.is_alive(), 20)
        assert not first.is_alive(), "another sender took what is being sent"
        assert orders(database)[0][1:] == ("due", "timeout")
