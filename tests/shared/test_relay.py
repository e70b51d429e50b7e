"""The relay: each event handed over once, by one of many, and nothing held while Redis is frozen."""

import base64
import signal
import threading
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import orjson
import pytest
from backports import zstd
from redis import Redis
from sqlalchemy import text

from shared import outbox
from shared.database import EVERYTHING, Database
from shared.events import CustomerDeleted, CustomerErased, CustomerErasing, CustomerUpdated
from shared.messaging import celery_app, hand_over
from shared.relay import BATCH, Relay
from shared.settings import Settings
from tests.contracts.samples import sample
from tests.support import waiting
from tests.support.servers import start_redis


def tell(database: Database, many: int = 1, *, heard: bool = True) -> list[str]:
    with database.transaction() as session:
        events = [
            CustomerErasing(
                subject=uuid4(),
                sequence=1,
                operator_path="1/",
                erasure_id=uuid4(),
                mode="everything",
            )
            if heard
            else CustomerErased(subject=uuid4(), sequence=1, operator_path="1/", erasure_id=uuid4())
            for _ in range(many)
        ]
        outbox.publish(session, *events)
    return [str(event.subject) for event in events]


@pytest.fixture
def broker(redis_url: str) -> Any:
    with Redis.from_url(redis_url) as redis:
        redis.flushall()
        yield redis


@pytest.fixture
def relay(settings: Settings, database: Database, broker: Any) -> Relay:
    return Relay(settings, database, celery_app(settings))


def queued(broker: Any, queue: str, name: str = "subject") -> list[list[str]]:
    """The subjects (or types) of the events of each message in a queue, oldest first."""
    messages = [orjson.loads(raw) for raw in reversed(broker.lrange(queue, 0, -1))]
    bodies = [zstd.decompress(base64.b64decode(message["body"])) for message in messages]
    arrays = [orjson.loads(body)[0][1].values() for body in bodies]
    return [[e[name] for array in each for e in orjson.loads(array)] for each in arrays]


def unsent(database: Database) -> int:
    with database.transaction() as session:
        return outbox.backlog(session)[0]


def test_each_subscriber_gets_each_event_once_in_batches(
    relay: Relay, database: Database, broker: Any
) -> None:
    told = tell(database, BATCH + 1)

    assert relay.once() == BATCH + 1
    assert relay.once() == 0

    for subscriber in ("customers", "payments", "radius-sync"):
        messages = queued(broker, subscriber)
        assert [len(message) for message in messages] == [BATCH, 1]
        assert [subject for message in messages for subject in message] == told
    assert unsent(database) == 0


def test_an_event_that_nobody_hears_is_no_work_for_the_relay(
    relay: Relay, database: Database, broker: Any
) -> None:
    tell(database, 3, heard=False)

    assert unsent(database) == 0
    assert relay.once() == 0
    assert broker.keys("*") == []


def test_messages_name_no_person_in_what_brokers_and_workers_log(
    relay: Relay, database: Database, broker: Any
) -> None:
    tell(database, 2)
    relay.once()

    (message,) = broker.lrange("payments", 0, -1)
    assert orjson.loads(message)["headers"]["argsrepr"] == "(payments, 2 events)"


def test_one_relay_works_and_the_others_stand_by(
    settings: Settings, relay: Relay, database: Database, broker: Any
) -> None:
    other = Relay(settings, Database(settings), celery_app(settings))
    with other.database.lock(f"relay:{settings.service}"):
        tell(database)
        second = threading.Thread(target=relay.run)
        second.start()
        waiting.until(lambda: second.is_alive())
        assert unsent(database) == 1
    waiting.until(lambda: unsent(database) == 0)
    relay.stopping = True
    second.join()
    assert len(queued(broker, "payments")) == 1
    other.database.close()


def test_a_frozen_redis_does_not_hold_back_the_feed(
    settings: Settings, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ADR 0003: a publish inside a transaction would be the oldest open one, and hide all after it."""
    server = start_redis(tmp_path / "frozen")
    frozen = replace(settings, redis_url=server.url)
    relay = Relay(frozen, database, celery_app(frozen))
    # It does not give up before the feed has shown everything.
    relay.app.conf.broker_transport_options |= {"socket_timeout": 200}
    begun = threading.Event()

    def handing_over(*message: Any) -> None:
        begun.set()
        hand_over(*message)

    monkeypatch.setattr("shared.relay.hand_over", handing_over)
    told = tell(database)
    assert server.child is not None
    server.child.process.send_signal(signal.SIGSTOP)
    handing = threading.Thread(target=relay.run)
    handing.start()
    try:
        assert begun.wait(60)
        told += tell(database)

        def all_shown() -> bool:
            with database.transaction() as session:
                items, _ = outbox.feed(session, "payments", after="0.0", limit=9, scope=EVERYTHING)
            return [item["subject"] for item in items] == told

        waiting.until(all_shown)
        assert unsent(database) == 2
    finally:
        server.child.process.send_signal(signal.SIGCONT)
    waiting.until(lambda: unsent(database) == 0)
    relay.stopping = True
    handing.join()
    server.stop()


def test_the_relay_waits_for_postgresql_and_goes_on(
    settings: Settings, relay: Relay, broker: Any
) -> None:
    working = threading.Thread(target=relay.run)
    working.start()
    waiting.until(lambda: relay.jobs_rung > 0)
    # Not the relay's own: what is taken out of that one may be a connection that was ended.
    database = Database(settings)
    with database.transaction() as session:
        session.execute(text("RESET ROLE"))
        session.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        )
    tell(database)

    waiting.until(lambda: unsent(database) == 0)
    relay.stopping = True
    working.join()
    database.close()


def test_a_job_that_waits_is_rung_for_and_no_oftener_than_needed(
    relay: Relay, database: Database, broker: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [1000.0]
    monkeypatch.setattr("shared.relay.time", SimpleNamespace(monotonic=lambda: clock[0]))
    with database.transaction() as session:
        session.execute(
            text(
                "INSERT INTO job (id, kind, operator_path, actor)"
                " VALUES (gen_random_uuid(), 'rename', '1/', 'a')"
            )
        )

    for _ in range(5):
        relay._ring_for_jobs()
    rung = [broker.llen("payments-jobs")]
    clock[0] += 1.3
    relay._ring_for_jobs()
    rung.append(broker.llen("payments-jobs"))

    assert rung == [1, 2]


def test_the_time_of_an_event_is_that_of_its_transaction(database: Database) -> None:
    tell(database)
    with database.transaction() as session:
        (one,), _ = outbox.feed(session, "customers", after="0.0", limit=9, scope=EVERYTHING)
    then = datetime.fromisoformat(one["time"])
    assert abs((datetime.now(UTC) - then).total_seconds()) < 60


def test_the_relay_tells_what_the_feed_tells(database: Database) -> None:
    tell(database, 3)
    with database.transaction() as session:
        (part,) = outbox.unsent(session, "customers", 9, 9)
        items, _ = outbox.feed(session, "customers", after="0.0", limit=9, scope=EVERYTHING)

    told = orjson.loads(part.events)
    times = [datetime.fromisoformat(event.pop("time")) for event in told]
    assert times == [datetime.fromisoformat(item.pop("time")) for item in items]
    assert told == items


def test_a_message_has_each_type_in_an_array_of_its_own(
    relay: Relay, database: Database, broker: Any
) -> None:
    with database.transaction() as session:
        for _ in range(3):
            outbox.publish(session, sample(CustomerUpdated), sample(CustomerDeleted))
    assert relay.once() == 6

    (message,) = broker.lrange("radius-sync", 0, -1)
    assert orjson.loads(message)["headers"]["argsrepr"] == "(payments, 6 events)"
    assert [sorted(types) for types in queued(broker, "radius-sync", "type")] == [
        ["customer.deleted"] * 3 + ["customer.updated"] * 3
    ]
