"""The clock: once a slot, with zero, one or two beats (F22)."""

import threading
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from shared.database import Database
from shared.ticks import tick, tick_outside

# A slot long enough that no test crosses into the next one, even at its edge.
SLOT = 10**9


def test_two_beats_at_once_do_the_work_of_a_slot_once_f22(database: Database) -> None:
    done: list[int] = []
    both = threading.Barrier(2)

    def beat() -> None:
        both.wait()
        tick(database, "bill", SLOT, lambda _session: done.append(1))

    beats = [threading.Thread(target=beat) for _ in range(2)]
    for one in beats:
        one.start()
    for one in beats:
        one.join()

    assert done == [1]


def test_a_slot_done_is_not_done_again_and_says_so(database: Database) -> None:
    results = [tick(database, "bill", SLOT, lambda _session: {"bills": 3}) for _ in range(3)]

    assert results == [True, False, False]
    with database.transaction() as session:
        row = session.execute(text("SELECT * FROM tick")).one()
    assert row.result == {"bills": 3}
    assert row.finished_at is not None


def test_work_that_fails_leaves_its_slot_free_and_nothing_half_done(database: Database) -> None:
    def fail(session: Session) -> dict[str, Any]:
        session.execute(text("INSERT INTO worker_heartbeat (name) VALUES ('half')"))
        raise RuntimeError("disk full")

    with pytest.raises(RuntimeError):
        tick(database, "bill", SLOT, fail)

    assert tick(database, "bill", SLOT, lambda _session: None)
    with database.transaction() as session:
        assert session.scalar(text("SELECT count(*) FROM worker_heartbeat")) == 0


def test_another_name_and_the_next_slot_are_their_own(database: Database) -> None:
    assert tick(database, "bill", SLOT, lambda _session: None)
    assert tick(database, "dun", SLOT, lambda _session: None)
    with database.transaction() as session:
        session.execute(text("UPDATE tick SET slot = slot - 1"))
    assert tick(database, "bill", SLOT, lambda _session: None)


def test_long_work_is_done_once_by_one_at_a_time_and_holds_back_no_events(
    database: Database,
) -> None:
    begun, second_rang = threading.Event(), threading.Event()
    holding: list[Any] = []

    def work() -> dict[str, Any]:
        begun.set()
        assert second_rang.wait(60)
        with database.transaction() as session:
            holding.append(
                session.scalar(
                    text(
                        "SELECT count(*) FROM pg_stat_activity WHERE backend_xid IS NOT NULL"
                        " AND datname = current_database() AND backend_type = 'client backend'"
                    )
                )
            )
        return {"rows": 7}

    rung: list[bool] = []
    first = threading.Thread(
        target=lambda: rung.append(tick_outside(database, "prove", SLOT, work))
    )
    first.start()
    assert begun.wait(60)
    assert not tick_outside(database, "prove", SLOT, work)
    second_rang.set()
    first.join()

    assert (rung, holding) == ([True], [0])
    assert not tick_outside(database, "prove", SLOT, work)
    with database.transaction() as session:
        assert session.scalar(text("SELECT result FROM tick")) == {"rows": 7}


def test_long_work_that_fails_is_begun_anew_at_the_next_ring(database: Database) -> None:
    def fail() -> dict[str, Any]:
        raise RuntimeError("disk full")

    with pytest.raises(RuntimeError):
        tick_outside(database, "prove", SLOT, fail)

    assert tick_outside(database, "prove", SLOT, dict)
