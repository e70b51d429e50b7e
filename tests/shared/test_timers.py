"""The clock of a worker, and the watchdog that ends one that stands still (reliability 1.3)."""

import os
import threading
from typing import Any

import pytest
from redis import Redis
from sqlalchemy import text

from shared import timers
from shared.database import Database
from shared.settings import Settings
from shared.timers import STALLED_AFTER, Timer, Timers, Watchdog
from tests.support import waiting


def test_a_timer_that_fails_comes_round_again_and_holds_up_no_other() -> None:
    rounds: dict[str, int] = {"bad": 0, "good": 0}
    never = threading.Event()

    def bad() -> None:
        rounds["bad"] += 1
        raise RuntimeError("the database is away")

    def good() -> None:
        rounds["good"] += 1

    clock = Timers(
        [Timer("stuck", 0.001, never.wait), Timer("bad", 0.001, bad), Timer("good", 0.001, good)]
    )
    clock.start()
    waiting.until(lambda: rounds["bad"] > 3 and rounds["good"] > 3)
    never.set()
    clock.stop(grace=60)

    after = dict(rounds)
    assert not any(thread.is_alive() for thread in clock.threads)
    assert rounds == after


def test_a_fault_that_lasts_is_told_once_a_minute_and_so_is_its_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[str] = []
    clock = [1000.0]
    monkeypatch.setattr("shared.timers.time.monotonic", lambda: clock[0])
    monkeypatch.setattr(timers.log, "warning", lambda line, **_: told.append(line))
    monkeypatch.setattr(timers.log, "info", lambda line, **_: told.append(line))
    failing = timers.Failing("feed payments")

    for _ in range(31):
        failing.failed(ConnectionError("payments is away"))
        clock[0] += 2
    failing.worked()
    failing.worked()

    assert told == ["timer.failed", "timer.failed", "timer.recovered"]


def test_stopping_waits_for_a_round_but_not_for_ever() -> None:
    hanging = threading.Event()
    clock = Timers([Timer("hangs", 1, hanging.wait)])
    clock.start()

    clock.stop(grace=0.05)

    assert clock.threads[0].is_alive(), "a daemon: it does not keep the process"
    hanging.set()
    clock.threads[0].join()


@pytest.fixture
def watchdog(settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch) -> Any:
    made = Watchdog(database, settings.redis_url, ("watched",))
    made.redis.delete("watched", "other")
    made.ends = []  # type: ignore[attr-defined]
    monkeypatch.setattr(os, "_exit", made.ends.append)  # type: ignore[attr-defined]
    yield made
    made.redis.close()


def idle(watchdog: Watchdog) -> None:
    watchdog.progressed -= STALLED_AFTER + 1


def test_a_worker_with_messages_waiting_and_no_progress_ends_itself(
    watchdog: Any, settings: Settings
) -> None:
    with Redis.from_url(settings.redis_url) as redis:
        redis.lpush("watched", "message")
    idle(watchdog)

    watchdog.watch()

    assert watchdog.ends == [70]


@pytest.mark.parametrize("why", ["nothing waits", "it is busy", "it just moved", "another's queue"])
def test_a_worker_that_is_well_is_left_alone(watchdog: Any, settings: Settings, why: str) -> None:
    with Redis.from_url(settings.redis_url) as redis:
        if why != "nothing waits":
            redis.lpush("other" if why == "another's queue" else "watched", "message")
    idle(watchdog)
    if why == "it is busy":
        watchdog.began()
        idle(watchdog)
    if why == "it just moved":
        watchdog.began()
        watchdog.ended()

    watchdog.watch()

    assert watchdog.ends == []


def test_a_dead_redis_is_no_reason_to_end_a_worker(watchdog: Any, settings: Settings) -> None:
    watchdog.redis = Redis.from_url("redis://127.0.0.1:1/0")
    idle(watchdog)

    watchdog.watch()

    assert watchdog.ends == []


def test_many_tasks_at_once_leave_the_count_of_the_busy_at_zero(watchdog: Any) -> None:
    def task() -> None:
        for _ in range(2000):
            watchdog.began()
            watchdog.ended()

    tasks = [threading.Thread(target=task) for _ in range(4)]
    for one in tasks:
        one.start()
    for one in tasks:
        one.join()

    assert watchdog.busy == 0


def test_the_heartbeat_is_a_row_and_old_ones_go(watchdog: Any, database: Database) -> None:
    with database.transaction() as session:
        session.execute(
            text(
                "INSERT INTO worker_heartbeat (name, at) VALUES ('gone', now() - interval '2 days')"
            )
        )

    watchdog.watch()
    watchdog.watch()

    with database.transaction() as session:
        assert list(session.scalars(text("SELECT name FROM worker_heartbeat"))) == [watchdog.name]


def test_the_limit_is_above_the_longest_wait_on_a_dead_socket() -> None:
    assert timers.STALLED_AFTER >= 3 * 5
