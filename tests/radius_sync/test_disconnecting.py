"""Sessions are cut and moved at a simulated NAS: every one of those meant, and no other."""

import threading
from collections.abc import Iterator
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from radius_sync import registry
from radius_sync.disconnecting import Sender, claiming
from radius_sync.disconnector import Policy, Retransmission
from radius_sync.nas_simulator import Faults, NasSimulator
from radius_sync.settings import Settings
from shared.database import Database
from shared.operations import SYSTEM
from tests.radius_sync.accounting import start, stop
from tests.radius_sync.facts import account, customer, hear, package
from tests.radius_sync.provisioned import sweep_all

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
    ended, kept = online(database, nas, "alice"), online(database, nas, "bob")
    hear(database, customer("alice", alice, holds=["admin"]))
    sender.run()
    assert [one.session_id for one in nas.sessions] == [kept]
    assert orders(database) == [("disconnect", "acked", "acked")]
    stop(database, ended)
    sender.run()
    assert orders(database) == [("disconnect", "done", "acked")]


def cut(nas: NasSimulator) -> list[str]:
    return [session for (kind, session), _ in nas.effects.items() if kind == "disconnect"]


def due_now(database: Database) -> None:
    """Let the time pass that orders and breakers wait."""
    with database.transaction() as session:
        session.execute(text("UPDATE disconnect_order SET not_before = now(), confirm_by = now()"))
        session.execute(
            text("UPDATE nas_device SET breaker_until = NULL, sending_until = to_timestamp(0)")
        )


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


def test_a_session_the_nas_does_not_know_is_closed_in_accounting_f27(
    database: Database, settings: Settings, nas: NasSimulator, sender: Sender
) -> None:
    alice = uuid4()
    register(database, settings, nas)
    hear(database, package(), customer("alice", alice))
    start(database, "alice", "long-gone")
    hear(database, customer("alice", alice, holds=["admin"]))
    sender.run()
    assert orders(database) == [("disconnect", "gone", "nak_503")]
    with database.transaction() as session:
        row = session.execute(text("SELECT * FROM radacct")).one()
        told = session.scalar(text("SELECT data->>'outcome' FROM outbox WHERE type ~ '^session'"))
    assert (row.acctstoptime is not None, row.acctterminatecause) == (True, "Lost-Service")
    assert told == "nak_503"


def test_a_reply_that_is_lost_cuts_once_and_is_found_out_later_f25(
    database: Database, settings: Settings, nas: NasSimulator, sender: Sender
) -> None:
    alice = uuid4()
    register(database, settings, nas)
    hear(database, package(), customer("alice", alice))
    session = online(database, nas, "alice")
    nas.script(Faults(drop_replies=1.0))
    hear(database, customer("alice", alice, holds=["admin"]))
    sender.run()
    assert orders(database) == [("disconnect", "due", "timeout")]
    nas.script(Faults())
    due_now(database)
    sender.run()
    assert nas.effects[("disconnect", session)] == 1
    assert orders(database) == [("disconnect", "gone", "nak_503")]


def test_an_order_whose_customer_is_entitled_again_is_not_sent_f31(
    database: Database, settings: Settings, nas: NasSimulator, sender: Sender
) -> None:
    alice = uuid4()
    register(database, settings, nas)
    hear(database, package(), customer("alice", alice))
    online(database, nas, "alice")
    hear(database, customer("alice", alice, standing="deleted"))
    hear(database, customer("alice", alice, "customer.restored"))
    sender.run()
    assert cut(nas) == []
    assert ("disconnect", "cancelled", "superseded") in orders(database)


def test_the_next_owner_of_a_login_is_never_cut_for_the_former_f32(
    database: Database, settings: Settings, nas: NasSimulator, sender: Sender
) -> None:
    former, living = uuid4(), uuid4()
    register(database, settings, nas)
    hear(database, package(), customer("alice", former))
    old = online(database, nas, "alice")
    hear(database, customer("alice", former, standing="deleted"), customer("alice", living))
    new = nas.add_session("alice")
    start(database, "alice", new.session_id, framed=new.framed_ip, ago=-1)
    sender.run()
    assert cut(nas) == [old]
    hear(database, customer("alice", former, standing="closed"))
    sender.run()
    assert cut(nas) == [old]


def test_the_class_of_a_session_names_its_owner_even_if_the_clock_of_the_nas_is_wrong_f23(
    database: Database, settings: Settings, nas: NasSimulator, sender: Sender
) -> None:
    former, living = uuid4(), uuid4()
    register(database, settings, nas)
    hear(database, package(), customer("alice", former))
    hear(database, customer("alice", former, standing="deleted"), customer("alice", living))
    new = nas.add_session("alice")
    start(database, "alice", new.session_id, framed=new.framed_ip, ago=400, label=f"{living}:1")
    hear(database, account(living, overdue=True))
    sender.run()
    assert cut(nas) == []
    assert nas.sessions[0].address_list == "walled"


def test_a_session_on_an_unregistered_nas_waits_for_its_registration(
    database: Database, settings: Settings, nas: NasSimulator, sender: Sender
) -> None:
    alice = uuid4()
    hear(database, package(), customer("alice", alice))
    session = online(database, nas, "alice")
    hear(database, customer("alice", alice, holds=["admin"]))
    sender.run()
    assert orders(database) == [("disconnect", "failed", "unregistered_nas")]
    with database.transaction() as tx:
        advice = tx.scalar(text("SELECT advice FROM disconnect_order"))
    assert "127.0.0.1" in str(advice)
    register(database, settings, nas)
    sender.run()
    assert cut(nas) == [session]


def test_a_lying_nas_is_told_again_until_accounting_shows_the_end(
    database: Database, settings: Settings, nas: NasSimulator, sender: Sender
) -> None:
    alice = uuid4()
    register(database, settings, nas)
    hear(database, package(), customer("alice", alice))
    session = online(database, nas, "alice")
    nas.script(Faults(lie=True))
    hear(database, customer("alice", alice, holds=["admin"]))
    sender.run()
    assert orders(database) == [("disconnect", "acked", "acked")]
    nas.script(Faults())
    due_now(database)
    sender.run()
    assert nas.effects[("disconnect", session)] == 1
    stop(database, session)
    sender.run()
    assert orders(database) == [("disconnect", "done", "acked")]


def test_a_silent_nas_opens_its_breaker_and_delays_no_other_f26(
    database: Database, settings: Settings, nas: NasSimulator, sender: Sender
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
        sender.run()
        assert cut(nas) == [living]
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
    senders = [Sender(database, settings.secret_key, QUICK) for _ in range(3)]
    threads = [threading.Thread(target=sender.run) for sender in senders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert nas.sessions == []
    assert set(nas.effects.values()) == {1}
    assert nas.seen["request"] == 100
