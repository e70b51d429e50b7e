"""Sessions are cut and moved at a simulated NAS: every one of those meant, and no other."""

import threading
from uuid import uuid4

import pytest
from sqlalchemy import text

from radius_sync.disconnecting import Sender, claiming
from radius_sync.nas_simulator import Faults, NasSimulator
from radius_sync.settings import Settings
from shared.database import Database
from tests.radius_sync.accounting import start, stop
from tests.radius_sync.cutting import ANSWERING, SECRET, cut, online, orders, register
from tests.radius_sync.exchanging import given_up_once
from tests.radius_sync.facts import account, customer, hear, package
from tests.radius_sync.provisioned import sweep_all


def test_a_blocked_customer_is_cut_and_the_stop_confirms_it(
    database: Database, settings: Settings, nas: NasSimulator, sender: Sender
) -> None:
    alice = uuid4()
    register(database, settings, nas)
    hear(database, package(), customer("alice", alice), customer("bob"))
    ended, kept = online(database, nas, "alice"), online(database, nas, "bob")
    hear(database, customer("alice", alice, holds=["admin"]))
    sender.run()
    assert [one.session_id for one in nas.sessions] == [kept]
    assert orders(database) == [("disconnect", "acked", "acked")]
    stop(database, ended)
    sender.run()
    assert orders(database) == [("disconnect", "done", "acked")]


def test_every_session_of_a_login_is_cut(
    database: Database, settings: Settings, nas: NasSimulator, sender: Sender
) -> None:
    alice = uuid4()
    register(database, settings, nas)
    hear(database, package(), customer("alice", alice))
    both = {online(database, nas, "alice"), online(database, nas, "alice")}
    hear(database, customer("alice", alice, standing="deleted"))
    sender.run()
    assert set(cut(nas)) == both


def test_a_walled_customer_is_moved_in_session_and_moved_back(
    database: Database, settings: Settings, nas: NasSimulator, sender: Sender
) -> None:
    alice = uuid4()
    register(database, settings, nas)
    hear(database, package(), customer("alice", alice))
    online(database, nas, "alice")
    hear(database, account(alice, overdue=True))
    sender.run()
    assert nas.sessions[0].address_list == "walled"
    hear(database, account(alice, overdue=False))
    sender.run()
    assert (nas.sessions[0].address_list, nas.sessions[0].rate) == ("open", "5000k/20000k")
    assert cut(nas) == []
    assert orders(database) == [("coa", "done", "acked")] * 2


def test_a_new_rate_of_the_package_reaches_open_sessions(
    database: Database, settings: Settings, nas: NasSimulator, sender: Sender
) -> None:
    register(database, settings, nas)
    hear(database, package(), customer("alice"))
    online(database, nas, "alice")
    hear(database, package(download_kbps=50000))
    sweep_all(database)
    sender.run()
    assert nas.sessions[0].rate == "5000k/50000k"


def test_a_nas_that_takes_no_coa_is_told_to_disconnect_instead(
    database: Database, settings: Settings, nas: NasSimulator, sender: Sender
) -> None:
    alice = uuid4()
    register(database, settings, nas, strategy="disconnect_only")
    hear(database, package(), customer("alice", alice))
    session = online(database, nas, "alice")
    hear(database, account(alice, overdue=True))
    sender.run()
    assert cut(nas) == [session]


@pytest.mark.parametrize("cause", [401, 404, 405, 406, 501, 503])
def test_a_refused_coa_becomes_a_disconnect_f28(
    database: Database, settings: Settings, nas: NasSimulator, sender: Sender, cause: int
) -> None:
    alice = uuid4()
    register(database, settings, nas)
    hear(database, package(), customer("alice", alice))
    session = online(database, nas, "alice")
    nas.script(Faults(naks={cause: 1.0}))
    hear(database, account(alice, overdue=True))
    with database.transaction() as tx:
        claimed = claiming.claim(tx)
    sender._send(claimed)
    nas.script(Faults())
    sender.run()
    assert cut(nas) == [session]
    assert orders(database)[0] == ("coa", "failed", f"nak_{cause}")


def test_a_silent_nas_opens_its_breaker_and_delays_no_other_f26(
    database: Database, settings: Settings, nas: NasSimulator
) -> None:
    register(database, settings, nas)
    with NasSimulator(SECRET.encode(), address="127.0.0.2", faults=Faults(silent=True)) as dead:
        register(database, settings, dead, address="127.0.0.2")
        people = [uuid4() for _ in range(8)]
        hear(database, package(), *(customer(f"u{n}", id_) for n, id_ in enumerate(people)))
        for number in range(7):
            start(database, f"u{number}", f"d{number}", nas="127.0.0.2")
        living = online(database, nas, "u7")
        hear(database, *(customer(f"u{n}", id_, holds=["admin"]) for n, id_ in enumerate(people)))
        answered = ("disconnect", "acked", "acked")
        patience = given_up_once(lambda: answered in orders(database))
        Sender(database, settings.secret_key, patience).run()
        assert cut(nas) == [living]
        assert orders(database).count(answered) == 1
        with database.transaction() as session:
            row = session.execute(
                text("SELECT * FROM nas_device WHERE address = '127.0.0.2'")
            ).one()
        assert row.failures >= 5
        assert row.breaker_until is not None
        assert {state for _, state, _ in orders(database)} <= {"acked", "due", "deferred"}


def test_many_at_once_are_all_cut_and_each_attempt_is_recorded_f30(
    database: Database, settings: Settings, nas: NasSimulator, sender: Sender
) -> None:
    register(database, settings, nas)
    people = {f"u{number}": uuid4() for number in range(600)}
    hear(database, package(), *(customer(name, id_) for name, id_ in people.items()))
    for name in people:
        online(database, nas, name)
    hear(database, *(customer(name, id_, holds=["admin"]) for name, id_ in people.items()))
    sender.run()
    assert nas.sessions == []
    with database.transaction() as session:
        recorded = session.execute(
            text("SELECT count(*), count(rtt_ms), min(code) FROM disconnect_attempt")
        ).one()
    assert tuple(recorded) == (600, 600, 41)


def test_two_senders_share_the_work_and_nothing_is_sent_twice(
    database: Database, settings: Settings, nas: NasSimulator
) -> None:
    register(database, settings, nas)
    people = {f"u{number}": uuid4() for number in range(100)}
    hear(database, package(), *(customer(name, id_) for name, id_ in people.items()))
    for name in people:
        online(database, nas, name)
    hear(database, *(customer(name, id_, holds=["admin"]) for name, id_ in people.items()))
    senders = [Sender(database, settings.secret_key, ANSWERING) for _ in range(3)]
    threads = [threading.Thread(target=sender.run) for sender in senders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert nas.sessions == []
    assert set(nas.effects.values()) == {1}
    assert nas.seen["request"] == 100
