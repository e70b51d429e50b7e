"""Drift by somebody's hand is found, named and repaired (F40); without a fault there is none."""

from uuid import uuid4

import pytest
from sqlalchemy import text

from radius_sync import reconciling
from radius_sync.settings import Settings
from shared.database import Database
from shared.operations import SYSTEM
from tests.radius_sync.accounting import start
from tests.radius_sync.facts import customer, hear, package
from tests.radius_sync.provisioned import OPEN, REJECTED, rows


def run(database: Database, settings: Settings, *, heal: bool = True) -> dict[str, int]:
    report = reconciling.run(database, settings.secret_key, heal=heal, actor=SYSTEM)
    drift: dict[str, int] = report["drift"]
    return drift


def by_hand(database: Database, statement: str) -> None:
    with database.transaction() as session:
        session.execute(text(statement))


def test_without_a_fault_there_is_no_drift(database: Database, settings: Settings) -> None:
    hear(database, package(), customer("alice"), customer("bob", holds=["admin"]))
    hear(database, customer("carol", holds=["fair_use"]), customer("dave", standing="deleted"))
    assert run(database, settings) == {}


def test_each_class_of_drift_is_named_and_repaired_f40(
    database: Database, settings: Settings
) -> None:
    hear(database, package(), *(customer(name) for name in ("alice", "bob", "carol")))
    hear(database, customer("dave", holds=["admin"]))
    by_hand(database, "DELETE FROM radusergroup WHERE username = 'alice'")
    by_hand(database, "UPDATE radcheck SET value = 'known' WHERE username = 'bob'"
                      " AND attribute = 'Cleartext-Password'")  # fmt: skip
    by_hand(database, "INSERT INTO radreply (username, attribute, op, value)"
                      " VALUES ('carol', 'Mikrotik-Rate-Limit', ':=', '1G/1G')")  # fmt: skip
    by_hand(database, "DELETE FROM radcheck WHERE username = 'dave'")
    by_hand(database, "INSERT INTO radcheck (username, attribute, op, value)"
                      " VALUES ('mallory', 'Cleartext-Password', ':=', 'x')")  # fmt: skip
    assert run(database, settings) == {
        "embedded.missing_row": 2,
        "embedded.changed_row": 1,
        "embedded.extra_row": 1,
        "embedded.foreign_login": 1,
    }
    assert [rows(database, name) for name in ("alice", "bob", "carol")] == [OPEN] * 3
    assert REJECTED in rows(database, "dave")
    assert rows(database, "mallory") == set()
    assert run(database, settings) == {}


def test_a_row_doubled_by_hand_is_drift(database: Database, settings: Settings) -> None:
    hear(database, package(), customer("alice"))
    by_hand(database, "INSERT INTO radusergroup (username, groupname, priority)"
                      " SELECT username, groupname, priority FROM radusergroup")  # fmt: skip
    assert run(database, settings) == {"embedded.extra_row": 1}
    assert run(database, settings) == {}


def test_a_group_changed_by_hand_is_repaired(database: Database, settings: Settings) -> None:
    hear(database, package())
    by_hand(database, "UPDATE radgroupreply SET value = '1G/1G' WHERE attribute ~ 'Rate'")
    assert run(database, settings) == {"embedded.changed_group": 1}
    assert run(database, settings) == {}


def test_an_accept_in_a_group_of_ours_is_removed(database: Database, settings: Settings) -> None:
    hear(database, package(), customer("alice", holds=["spending"]))
    by_hand(database, "INSERT INTO radgroupcheck (groupname, attribute, op, value)"
                      " VALUES ('state:walled', 'Auth-Type', ':=', 'Accept')")  # fmt: skip
    assert run(database, settings) == {"embedded.changed_group": 1}
    assert run(database, settings) == {}


def test_looking_without_healing_changes_nothing(database: Database, settings: Settings) -> None:
    hear(database, package(), customer("alice"))
    by_hand(database, "DELETE FROM radusergroup")
    assert run(database, settings, heal=False) == {"embedded.missing_row": 1}
    assert run(database, settings, heal=False) == {"embedded.missing_row": 1}


def test_every_repair_is_in_the_operations_log(database: Database, settings: Settings) -> None:
    alice = uuid4()
    hear(database, package(), customer("alice", alice))
    by_hand(database, "DELETE FROM radusergroup")
    run(database, settings)
    with database.transaction() as session:
        logged = session.execute(
            text("SELECT action, subject FROM operation WHERE action = 'drift.repaired'")
        ).all()
    assert [tuple(row) for row in logged] == [("drift.repaired", alice)]


def test_an_open_session_nobody_is_entitled_to_gets_an_order(
    database: Database, settings: Settings
) -> None:
    hear(database, package(), customer("alice", standing="deleted"), customer("bob"))
    for username in ("alice", "bob", "stranger"):
        start(database, username, f"session-{username}")
    expected = {"sessions.session_not_entitled": 1, "sessions.session_of_unknown_login": 1}
    assert run(database, settings, heal=False) == expected
    assert run(database, settings) == expected
    assert run(database, settings) == {}
    with database.transaction() as session:
        ordered = session.scalars(text("SELECT username FROM disconnect_order ORDER BY 1")).all()
    assert ordered == ["alice", "stranger"]


def test_a_deleted_order_of_an_open_session_comes_back_f40(
    database: Database, settings: Settings
) -> None:
    alice = uuid4()
    hear(database, package(), customer("alice", alice))
    start(database, "alice", "s1")
    hear(database, customer("alice", alice, holds=["admin"]))
    by_hand(database, "DELETE FROM disconnect_order")
    assert run(database, settings) == {"sessions.session_not_entitled": 1}
    with database.transaction() as session:
        assert session.scalar(text("SELECT state FROM disconnect_order")) == "due"


def test_an_order_that_has_failed_is_tried_again_while_the_session_is_open(
    database: Database, settings: Settings
) -> None:
    alice = uuid4()
    hear(database, package(), customer("alice", alice))
    start(database, "alice", "s1")
    hear(database, customer("alice", alice, holds=["admin"]))
    failed = "UPDATE disconnect_order SET state = 'failed', finished_at = now() - interval '{}'"
    by_hand(database, failed.format("1 minute"))
    assert run(database, settings) == {}
    by_hand(database, failed.format("16 minutes"))
    run(database, settings)
    with database.transaction() as session:
        assert session.scalar(text("SELECT state FROM disconnect_order")) == "due"


def test_two_beats_in_one_minute_reconcile_once(database: Database, settings: Settings) -> None:
    done = [reconciling.on_the_minute(database, settings.secret_key) for _ in range(2)]
    assert done in ([True, False], [True, True])  # true twice only over the turn of a minute
    with database.transaction() as session:
        slots = session.scalar(text("SELECT count(*) FROM tick WHERE name = 'reconcile'"))
    assert slots == sum(done)


def test_an_accident_is_reported_in_full_and_repaired_in_bites(
    database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Drift in two tables, of other logins in each: what is said to be repaired, is."""
    monkeypatch.setattr(reconciling, "BUDGET", 3)
    hear(database, package(), *(customer(f"u{n}") for n in range(8)))
    by_hand(database, "DELETE FROM radcheck WHERE username >= 'u4'")
    by_hand(database, "DELETE FROM radusergroup WHERE username < 'u4'")
    left, told = 8, 0
    while left:
        before = {name for name in (f"u{n}" for n in range(8)) if rows(database, name) != OPEN}
        assert run(database, settings) == {"embedded.missing_row": left}
        after = {name for name in before if rows(database, name) != OPEN}
        repaired, told = before - after, told + len(before - after)
        assert len(repaired) == min(3, left)
        with database.transaction() as session:
            said = session.scalars(
                text("SELECT username FROM drift d JOIN reconciliation r"
                     " ON r.id = d.reconciliation_id AND d.healed WHERE r.started_at ="
                     " (SELECT max(started_at) FROM reconciliation)")
            ).all()  # fmt: skip
            logged = session.scalar(
                text("SELECT count(*) FROM operation WHERE action = 'drift.repaired'")
            )
        assert set(said) == repaired
        assert logged == told
        left = len(after)
    assert run(database, settings) == {}
