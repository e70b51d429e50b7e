"""Who is online at a NAS, unknown to accounting: cut if the login is barred, else told of."""

from uuid import uuid4

from radius_sync.disconnecting import Sender
from radius_sync.nas_simulator import Inventory, NasSimulator
from radius_sync.reconciling.inventories import STRAY
from radius_sync.settings import Settings
from shared.database import Database
from tests.radius_sync.accounting import by_hand
from tests.radius_sync.facts import customer, hear, package
from tests.radius_sync.listing import ON_NAS, ORDERS, later, rows, run


def test_who_is_online_unknown_to_accounting_and_barred_is_cut(
    database: Database, settings: Settings, nas: NasSimulator, listed: Inventory
) -> None:
    hear(database, package(), customer("alice"), customer("bob", holds=["admin"]))
    stays, goes = nas.add_session("alice"), nas.add_session("bob")
    # The Start may be on its way.
    assert run(database, settings) == {}
    later(database, 61)
    assert run(database, settings) == {f"{ON_NAS}.{STRAY}": 2}
    sender = Sender(database, settings.secret_key)
    sender.run()
    assert nas.effects == {("disconnect", goes.session_id): 1}
    assert nas.sessions == [stays]
    # Who may be online is told of, and nothing more.
    assert run(database, settings) == {f"{ON_NAS}.{STRAY}": 1}
    assert rows(database, ORDERS) == [("bob", "acked", "acked", None)]
    # No accounting will confirm it: the NAS is asked again, and knows of no such session.
    by_hand(database, "UPDATE disconnect_order SET confirm_by = now() - interval '1 second'")
    sender.run()
    assert rows(database, ORDERS) == [("bob", "gone", "nak_503", "not_found")]


def test_who_may_be_online_again_when_the_cut_is_sent_is_not_cut(
    database: Database, settings: Settings, nas: NasSimulator, listed: Inventory, at_once: None
) -> None:
    bob = uuid4()
    hear(database, package(), customer("bob", bob, holds=["admin"]))
    nas.add_session("bob")
    assert run(database, settings) == {f"{ON_NAS}.{STRAY}": 1}
    hear(database, customer("bob", bob))
    Sender(database, settings.secret_key).run()
    assert rows(database, ORDERS) == [("bob", "cancelled", "superseded", None)]
    assert len(nas.sessions) == 1


def test_a_cut_is_ordered_once(
    database: Database, settings: Settings, nas: NasSimulator, listed: Inventory, at_once: None
) -> None:
    hear(database, package(), customer("bob", holds=["admin"]))
    nas.add_session("bob")
    assert run(database, settings) == {f"{ON_NAS}.{STRAY}": 1}
    assert run(database, settings) == {}
    failed = "UPDATE disconnect_order SET state = 'failed', finished_at = now() - interval '{}'"
    by_hand(database, failed.format("1 minute"))
    assert run(database, settings) == {}
    by_hand(database, failed.format("16 minutes"))
    assert run(database, settings) == {f"{ON_NAS}.{STRAY}": 1}
    assert rows(database, "SELECT state, unaccounted FROM disconnect_order") == [("due", True)]
