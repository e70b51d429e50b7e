"""An order is over when accounting or the NAS says that the session is, and not before."""

from uuid import uuid4

from sqlalchemy import text

from radius_sync import usage
from radius_sync.disconnecting import Sender
from radius_sync.nas_simulator import Faults, NasSimulator
from radius_sync.settings import Settings
from shared.database import Database
from tests.radius_sync.accounting import by_hand, start, stop
from tests.radius_sync.cutting import cut, due_now, online, orders, register
from tests.radius_sync.exchanging import given_up_once
from tests.radius_sync.facts import customer, hear, package


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
    Sender(database, settings.secret_key, given_up_once(lambda: nas.effects)).run()
    assert orders(database) == [("disconnect", "due", "timeout")]
    nas.script(Faults())
    due_now(database)
    sender.run()
    assert nas.effects[("disconnect", session)] == 1
    assert orders(database) == [("disconnect", "gone", "nak_503")]


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


def test_a_session_whose_row_has_vanished_is_ended_at_the_nas_f40(
    database: Database, settings: Settings, nas: NasSimulator, sender: Sender
) -> None:
    """Somebody emptied radacct: that is no word of the NAS that the session has ended."""
    alice, bob = uuid4(), uuid4()
    register(database, settings, nas)
    hear(database, package(), customer("alice", alice), customer("bob", bob))
    barred, restored = online(database, nas, "alice"), online(database, nas, "bob")
    hear(
        database, *(customer(*one, standing="deleted") for one in (("alice", alice), ("bob", bob)))
    )
    by_hand(database, "DELETE FROM radacct")
    hear(database, customer("bob", bob))
    sender.run()
    assert cut(nas) == [barred]
    assert [one.session_id for one in nas.sessions] == [restored]
    due_now(database)
    sender.run()
    assert {state for _, state, _ in orders(database)} == {"gone", "cancelled"}


def test_a_session_that_has_been_archived_has_ended(
    database: Database, settings: Settings, nas: NasSimulator, sender: Sender
) -> None:
    """No worker ran for half a year: the NAS is asked nothing."""
    alice = uuid4()
    register(database, settings, nas)
    hear(database, package(), customer("alice", alice))
    start(database, "alice", "long-ago")
    hear(database, customer("alice", alice, standing="deleted"))
    by_hand(database, "UPDATE radacct SET acctstoptime = now() - interval '7 months'")
    with database.transaction() as session:
        assert usage.archive(session, settings.time_zone, months=6) == 1
    sender.run()
    assert orders(database) == [("disconnect", "done", "ended")]
    assert nas.seen["request"] == 0
