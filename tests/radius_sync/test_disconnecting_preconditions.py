"""An order is sent only while it is true: who is back, or has the login now, is never cut."""

from uuid import uuid4

from radius_sync.disconnecting import Sender
from radius_sync.nas_simulator import NasSimulator
from radius_sync.settings import Settings
from shared.database import Database
from tests.radius_sync.accounting import start
from tests.radius_sync.calling import Caller
from tests.radius_sync.cutting import cut, online, orders, register
from tests.radius_sync.facts import account, customer, hear, package


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


def test_a_lost_session_of_the_former_owner_is_not_named_by_the_login_of_the_next_f32(
    database: Database, settings: Settings, nas: NasSimulator, sender: Sender
) -> None:
    """Its Stop was lost: the NAS knows no such session, and has another one under that login."""
    former, living = uuid4(), uuid4()
    register(database, settings, nas)
    hear(database, package(), customer("alice", former))
    start(database, "alice", "lost", ago=600, label=f"{former}:1")
    hear(database, customer("alice", former, standing="deleted"), customer("alice", living))
    kept = nas.add_session("alice")
    sender.run()
    assert nas.sessions == [kept]
    assert ("disconnect", "gone", "nak_503") in orders(database)


def test_a_lost_session_ended_by_an_operator_takes_no_other_one_of_the_login_along(
    database: Database, settings: Settings, admin: Caller, nas: NasSimulator, sender: Sender
) -> None:
    register(database, settings, nas)
    hear(database, package(), customer("alice"))
    lost = start(database, "alice", "lost", ago=600)
    kept = online(database, nas, "alice")
    assert admin("POST", f"/v1/sessions/{lost}/disconnect", {}).status_code == 202
    sender.run()
    assert [one.session_id for one in nas.sessions] == [kept]
    assert orders(database) == [("disconnect", "gone", "nak_503")]


def test_an_address_that_has_gone_to_another_names_no_lost_session(
    database: Database, settings: Settings, nas: NasSimulator, sender: Sender
) -> None:
    """A Nokia knows a session by its id or by its address alone."""
    alice = uuid4()
    register(database, settings, nas, vendor="nokia")
    hear(database, package(), customer("alice", alice), customer("bob"))
    kept = nas.add_session("bob")
    start(database, "alice", "lost", ago=600, framed=kept.framed_ip)
    start(database, "bob", kept.session_id, framed=kept.framed_ip)
    hear(database, customer("alice", alice, holds=["admin"]))
    sender.run()
    assert nas.sessions == [kept]
    assert orders(database) == [("disconnect", "gone", "nak_503")]


def test_a_barred_login_is_cut_by_its_name_where_the_ids_do_not_match(
    database: Database, settings: Settings, nas: NasSimulator, sender: Sender
) -> None:
    """Accounting and the NAS write the id of one session in two ways."""
    alice = uuid4()
    register(database, settings, nas)
    hear(database, package(), customer("alice", alice))
    session = nas.add_session("alice")
    start(database, "alice", session.session_id.upper() + "-x", framed=session.framed_ip)
    hear(database, customer("alice", alice, holds=["admin"]))
    sender.run()
    assert cut(nas) == [session.session_id]


def test_the_only_session_of_a_login_is_cut_by_its_name_when_an_operator_says_so(
    database: Database, settings: Settings, admin: Caller, nas: NasSimulator, sender: Sender
) -> None:
    register(database, settings, nas)
    hear(database, package(), customer("alice"))
    session = nas.add_session("alice")
    kept = start(database, "alice", session.session_id + "-x", framed=session.framed_ip, ago=-1)
    assert admin("POST", f"/v1/sessions/{kept}/disconnect", {}).status_code == 202
    sender.run()
    assert cut(nas) == [session.session_id]
