"""Accounting against what the NAS says of its sessions: found, waited for, healed, logged (issue 5)."""

from pathlib import Path
from uuid import uuid4

import pytest

from radius_sync import erasure, reconciling
from radius_sync.inventory import Listed, ask
from radius_sync.nas_simulator import Inventory, NasSimulator
from radius_sync.radius_client import Server as RadiusServer
from radius_sync.reconciling import inventories
from radius_sync.reconciling.inventories import LOST, STRAY
from radius_sync.settings import Settings
from shared.database import Database
from tests.radius_sync.accounting import by_hand, start
from tests.radius_sync.calling import Caller
from tests.radius_sync.dynamic_site import SECRET, Server, register
from tests.radius_sync.facts import customer, event, hear, package
from tests.radius_sync.listing import CLOSED, ON_NAS, OPEN, ORDERS, later, rows, run
from tests.support.waiting import until


def test_where_accounting_and_nas_agree_there_is_no_drift(
    database: Database, settings: Settings, admin: Caller, nas: NasSimulator, listed: Inventory,
    at_once: None,
) -> None:  # fmt: skip
    hear(database, package(), customer("alice"))
    start(database, "alice", nas.add_session("alice").session_id, ago=60)
    assert run(database, settings) == {}
    (told,) = admin("GET", "/v1/nas").json["items"]
    assert (told["sessions_state"], told["sessions_listed"]) == ("listed", 1)
    assert told["sessions_error"] is None
    assert "let-me-in" not in str(told)


def test_a_session_that_the_nas_has_not_for_a_while_is_closed_and_logged(
    database: Database, settings: Settings, listed: Inventory
) -> None:
    alice = uuid4()
    hear(database, package(), customer("alice", alice))
    start(database, "alice", "s1", ago=600)
    # Its Stop may be on its way.
    assert run(database, settings) == {}
    later(database, 300)
    assert run(database, settings) == {}
    later(database, 101)
    assert run(database, settings, heal=False) == {f"{ON_NAS}.{LOST}": 1}
    assert rows(database, CLOSED) == []
    assert run(database, settings) == {f"{ON_NAS}.{LOST}": 1}
    assert rows(database, CLOSED) == [("s1", "Lost-Service")]
    assert run(database, settings) == {}
    assert rows(database, "SELECT session FROM session_apart") == []
    logged = rows(database, "SELECT subject FROM operation WHERE action = 'drift.repaired'")
    assert logged == [(alice,)]


def test_a_session_that_accounting_goes_on_telling_of_is_left_alone(
    database: Database, settings: Settings, listed: Inventory
) -> None:
    """A NAS whose list is wrong ends nobody's session here."""
    hear(database, package(), customer("alice"))
    start(database, "alice", "s1", ago=600)
    for _ in range(3):
        assert run(database, settings) == {}
        later(database)
        by_hand(database, "UPDATE radacct SET acctupdatetime = now()")
    assert run(database, settings) == {}
    assert rows(database, OPEN) == [("s1", None)]


def test_a_session_that_began_after_the_nas_was_asked_is_left_alone(
    database: Database, settings: Settings, listed: Inventory, at_once: None
) -> None:
    hear(database, package(), customer("alice"))
    start(database, "alice", "s1", ago=-5)
    assert run(database, settings) == {}


def test_the_session_of_another_login_under_the_same_id_is_another_one(
    database: Database, settings: Settings, nas: NasSimulator, listed: Inventory, at_once: None
) -> None:
    """Some NASes count anew after a restart."""
    hear(database, package(), customer("alice"), customer("bob"))
    same = nas.add_session("bob").session_id
    start(database, "alice", same, ago=600)
    assert run(database, settings) == {f"{ON_NAS}.{LOST}": 1, f"{ON_NAS}.{STRAY}": 1}
    assert rows(database, CLOSED) == [(same, "Lost-Service")]


def test_sessions_of_other_nases_are_not_its_business(
    database: Database, settings: Settings, listed: Inventory, at_once: None
) -> None:
    hear(database, package(), customer("alice"))
    start(database, "alice", "s1", ago=600, nas="192.0.2.9")
    assert run(database, settings) == {}


def test_a_nas_that_does_not_answer_is_reported_and_nothing_concluded(
    database: Database, settings: Settings, admin: Caller, listed: Inventory, at_once: None
) -> None:
    hear(database, package(), customer("alice"))
    start(database, "alice", "s1", ago=600)
    listed.close()
    assert run(database, settings) == {f"{ON_NAS}.nas_away": 1}
    assert rows(database, OPEN) == [("s1", None)]
    (told,) = admin("GET", "/v1/nas").json["items"]
    assert told["sessions_state"] == "silent"
    assert "no answer" in told["sessions_error"]


def test_what_one_nas_lists_keeps_no_other_from_being_compared(
    database: Database, settings: Settings, admin: Caller, nas: NasSimulator, listed: Inventory,
    at_once: None, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """A value that PostgreSQL refuses, in the list of the NAS that comes first."""
    register(admin, "127.0.0.0", name="a broken one", sessions_url=f"{listed.url}?broken")
    start(database, "stranger", "s1", ago=600)

    def asked(url: str, token: str | None, *, loopback: bool) -> list[Listed]:
        if url.endswith("?broken"):
            return [Listed("s1", "bob", "no address")]
        return ask(url, token, loopback=loopback)

    monkeypatch.setattr(inventories, "ask", asked)
    assert run(database, settings) == {
        "sessions.session_of_unknown_login": 1,
        "nas:a broken one.nas_away": 1,
        f"{ON_NAS}.{LOST}": 1,
    }


def test_an_accident_is_reported_in_full_and_healed_in_bites(
    database: Database, settings: Settings, nas: NasSimulator, listed: Inventory, at_once: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(reconciling, "BUDGET", 2)
    hear(database, package(), *(customer(f"u{n}") for n in range(5)))
    hear(database, *(customer(f"barred{n}", holds=["admin"]) for n in range(3)))
    for n in range(5):
        start(database, f"u{n}", f"s{n}", ago=600)
    for n in range(3):
        nas.add_session(f"barred{n}")
    assert run(database, settings) == {f"{ON_NAS}.{LOST}": 5, f"{ON_NAS}.{STRAY}": 3}
    assert len(rows(database, CLOSED)) == 2
    assert len(rows(database, ORDERS)) == 2
    assert run(database, settings) == {f"{ON_NAS}.{LOST}": 3, f"{ON_NAS}.{STRAY}": 1}
    assert run(database, settings) == {f"{ON_NAS}.{LOST}": 1}
    assert run(database, settings) == {}


def test_an_erasure_gets_its_receipt_though_the_stop_was_lost(
    database: Database, settings: Settings, listed: Inventory, at_once: None
) -> None:
    alice = uuid4()
    hear(database, package(), customer("alice", alice))
    start(database, "alice", "s1", ago=600)
    told = {"erasure_id": str(uuid4()), "mode": "everything"}
    hear(database, event("customer.erasing", alice, told))
    run(database, settings)
    with database.transaction() as session:
        assert erasure.finish(session) == 1
    run(database, settings)
    assert rows(database, "SELECT session FROM session_apart") == []


def test_another_place_is_not_sent_the_token_and_starts_anew(
    database: Database, settings: Settings, admin: Caller, nas: NasSimulator, listed: Inventory
) -> None:
    start(database, "alice", "s1", ago=600)
    run(database, settings)
    (told,) = admin("GET", "/v1/nas").json["items"]
    with Inventory(nas) as elsewhere:
        change = {"sessions_url": elsewhere.url}
        place = f"/v1/nas/{told['id']}"
        assert admin("PATCH", place, change, **{"If-Match": "*"}).status_code == 200
        assert rows(database, "SELECT sessions_token_sealed, sessions_state FROM nas_device") == [
            (None, "unknown")
        ]
        assert rows(database, "SELECT session FROM session_apart") == []
        assert admin("PATCH", place, {"sessions_url": None}, **{"If-Match": "*"}).status_code == 200
    assert run(database, settings) == {}


@pytest.mark.parametrize("url", ["file:///etc/passwd", "http://169.254.169.254/", ""])
def test_an_address_that_no_nas_has_is_refused_b26(admin: Caller, url: str) -> None:
    nas = {"name": "north", "address": "192.0.2.7", "secret": SECRET, "sessions_url": url}
    answer = admin("POST", "/v1/nas", nas)
    assert answer.status_code == 422
    assert answer.json["errors"][0]["pointer"] == "/sessions_url"


def test_who_lost_a_session_without_a_stop_gets_in_again_by_a_real_freeradius(
    database: Database, settings: Settings, admin: Caller, tmp_path: Path, at_once: None
) -> None:
    """Simultaneous-Use := 1 shuts out whose router lost its power together with the NAS."""
    hear(database, package(), customer("alice"), customer("bob"))
    server = Server(settings, tmp_path / "freeradius")
    place = RadiusServer("127.0.0.1", server.port, server.acct_port, SECRET.encode(), tries=30)
    try:
        with NasSimulator(SECRET.encode(), server=place) as nas, Inventory(nas) as listed:
            register(admin, "127.0.0.1", coa_port=nas.coa_port, sessions_url=listed.url)
            until(lambda: nas.dial("alice", "secret-alice") is not None)
            until(lambda: [row for row in rows(database, OPEN)])
            assert run(database, settings) == {}
            nas.reboot(announce=False)
            bob = nas.dial("bob", "secret-bob")
            assert nas.dial("alice", "secret-alice") is None
            assert "already logged in" in nas.refused["alice"].lower()
            assert run(database, settings) == {f"{ON_NAS}.{LOST}": 1}
            assert nas.dial("alice", "secret-alice") is not None
            assert bob in nas.sessions
            assert run(database, settings) == {}
    finally:
        server.process.stop()
