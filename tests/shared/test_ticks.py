"""The clock: once a slot, with zero, one or two beats (F22)."""

import threading
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from shared.database import Database
from shared.ticks import tick

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
