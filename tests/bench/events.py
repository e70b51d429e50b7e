"""From a committed event to rows of FreeRADIUS, and to a session that is cut, beside their floors.

`events-throughput`: 20,000 customers' events that have just been committed to the outbox, through
relay, Redis and the Celery worker until all logins are applied; its floor calls the worker's own
function directly, batch by batch, from two threads (the cores), with no outbox, relay, Redis and
Celery. `events-per-second` is the same figure beside the 10,000 events/s that are asked for.
`commit-to-applied`: one event; its floor is the same message published to the worker's queue.
`delete-to-ack`: a committed deletion until the NAS has cut the session, less the relay's interval;
its floor is a bare Disconnect-Request and its ACK.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from uuid import UUID, uuid4

import orjson
import psycopg

from customers import preparing
from customers.settings import Settings as CustomersSettings
from local_site.roles import SOFT
from radius_sync import installation, registry
from radius_sync.nas_simulator import NasSimulator
from radius_sync.protocol import Code
from radius_sync.radius import encode_dynamic
from radius_sync.radius_client import Server, exchange, identifier
from radius_sync.settings import Settings
from radius_sync.subscriptions import SUBSCRIPTIONS
from shared import inbox
from shared.database import Database
from shared.events import Wire
from shared.messaging import celery_app, hand_over
from shared.operations import SYSTEM
from tests.bench import Measure, interleaved, measure
from tests.radius_sync import accounting, facts
from tests.support.databases import SECRETS, read_settings
from tests.support.messages import unsent
from tests.support.processes import start_role
from tests.support.servers import start_postgres, start_redis
from tests.support.waiting import until

NAMES = ("events-throughput", "events-per-second", "commit-to-applied", "delete-to-ack")

# Six turns of each side, the first of which only warms up: 240,000 customers' events in all.
RUNS, EVENTS, BATCH = 5, 20_000, 500
SAMPLES = 200
CORES = 2
WANTED_EVENTS = 10_000
# shared.settings: what a commit waits for at most before its relay looks.
RELAY_SECONDS = 0.025
SECRET = "bench-secret-0123456789"
OUTBOX = "COPY outbox (id, type, subject, sequence, operator_path, data) FROM STDIN"
UNSENT = (
    "INSERT INTO outbox_unsent SELECT position, id FROM outbox WHERE xid = pg_current_xact_id()"
)


class Chain:
    """Relay of customers and worker of radius-sync as processes; both databases at hand."""

    def __init__(self, folder: Path, postgres: str, redis: str) -> None:
        self.settings = read_settings("radius-sync", "radius", Settings, postgres, folder, redis)
        installation.migrate(self.settings)
        preparing.migrate(
            read_settings("customers", "customers", CustomersSettings, postgres, folder, redis)
        )
        self.database = Database(self.settings)
        own = postgres.removesuffix("/postgres")
        self.outbox = psycopg.connect(f"{own}/customers", autocommit=True)
        self.network = psycopg.connect(f"{own}/radius", autocommit=True)
        self.app = celery_app(self.settings)
        env = {
            **SECRETS, "DATABASE_URL": own, "REDIS_URL": redis, "TENURE_HOME": str(folder),
            "TENURE_DEMO": "1",
            # Only the push is measured: the pull behind it would lend a hand.
            "FEED_INTERVAL_SECONDS": "86400",
        }  # fmt: skip
        self.roles = [
            start_role("customers", "relay", env=env, folder=folder),
            start_role("radius_sync", "worker", env=env, folder=folder, stop_signal=SOFT),
        ]
        facts.hear(self.database, facts.package())
        self.awaited = 0

    def settle(self) -> None:
        """Statistics as autovacuum keeps them, within the minute that it leaves a table alone."""
        for connection in (self.outbox, self.network):
            connection.execute("ANALYZE")

    def commit(self, events: list[Wire]) -> None:
        """The events in customers' outbox, in one transaction."""
        with self.outbox.transaction(), self.outbox.cursor() as cursor:
            with cursor.copy(OUTBOX) as copy:
                for event in events:
                    copy.write_row((event["id"], event["type"], event["subject"], event["sequence"],
                                    event["operatorpath"], orjson.dumps(event["data"]).decode()))  # fmt: skip
            cursor.execute(UNSENT)

    def send(self, wave: list[Wire]) -> None:
        """Commit a wave that `wait_for` waits for."""
        self.awaited = self.written() + len(wave)
        self.commit(wave)

    def wait_for(self, prefix: str) -> None:
        """Until every login of the wave that was sent last has its rows."""
        until(lambda: self.written() >= self.awaited, 120, "events are not applied", 0.01)
        until(lambda: self.applied(prefix) == EVENTS, 120, "events are not applied", 0.01)

    def written(self) -> int:
        """How many rows of radusergroup were ever written: quick to ask, unlike `applied`."""
        rows = self.network.execute("SELECT last_value FROM radusergroup_id_seq").fetchall()
        return int(rows[0][0])

    def applied(self, prefix: str) -> int:
        """Logins of this prefix that have their rows."""
        rows = self.network.execute(
            "SELECT count(*) FROM radusergroup WHERE username >= %s AND username < %s",
            (prefix, prefix + "~"),
        ).fetchall()
        return int(rows[0][0])

    def stop(self) -> None:
        for role in self.roles:
            role.stop()
        self.database.close()
        self.outbox.close()
        self.network.close()


@contextmanager
def chain() -> Iterator[Chain]:
    with TemporaryDirectory() as name:
        folder = Path(name)
        postgres, redis = start_postgres(folder / "postgresql"), start_redis(folder / "redis")
        try:
            made = Chain(folder, postgres.url, redis.url)
            try:
                _warm(made)
                yield made
            finally:
                made.stop()
        finally:
            redis.stop()
            postgres.stop()


def _warm(made: Chain) -> None:
    """Both processes are up once an event has gone all the way."""
    made.commit([facts.customer("warm")])
    until(lambda: made.applied("warm") == 1, 120, "the first event does not arrive")


def measures(names: tuple[str, ...]) -> list[Measure]:
    """Start both servers and both roles, measure."""
    results: list[Measure] = []
    with chain() as made:
        if {"events-throughput", "events-per-second"} & set(names):
            results += [one for one in _throughput(made) if one.name in names]
        if "commit-to-applied" in names:
            results += _commit_to_applied(made)
        if "delete-to-ack" in names:
            results += _delete_to_ack(made)
    return results


def _events(prefix: str) -> list[Wire]:
    return [facts.customer(f"{prefix}{n:06d}", type_="customer.created") for n in range(EVENTS)]


def _throughput(made: Chain) -> list[Measure]:
    turns = RUNS + 1
    prefixes = [f"ours{n}-" for n in range(turns)]
    waves = [_events(prefix) for prefix in prefixes]
    floors = [_events(f"floor{n}-") for n in range(turns)]

    def before(side: str) -> None:
        made.settle()
        if side == "ours":
            made.send(waves.pop(0))

    seconds = interleaved(
        RUNS,
        {
            "ours": lambda: made.wait_for(prefixes.pop(0)),
            "floor": lambda: _directly(made, floors.pop()),
        },
        before=before,
    )
    ours, floor = EVENTS / seconds["ours"], EVENTS / seconds["floor"]
    note = f"{turns * EVENTS:,} customers; floor: the same statements from {CORES} threads"
    return [
        measure("events-throughput", ours, floor, 0.6, unit="1/s", note=note, less_is_better=False),
        measure("events-per-second", ours, WANTED_EVENTS, 1.0, unit="1/s", less_is_better=False,
                note="outbox to applied rows; floor: what is asked for on 2 cores"),
    ]  # fmt: skip


def _directly(made: Chain, events: list[Wire]) -> None:
    batches = [events[start : start + BATCH] for start in range(0, EVENTS, BATCH)]
    with ThreadPoolExecutor(CORES) as threads:
        list(threads.map(partial(inbox.take, made.database, SUBSCRIPTIONS, "customers"), batches))


def _spread(name: str, ours: list[float], floor: list[float], target: float, less: float, note: str
            ) -> list[Measure]:  # fmt: skip
    """The median, which has the target, and the 99th percentile; `less` seconds are taken off ours."""
    sides: list[tuple[str, Callable[[list[float]], float], float | None]] = [
        ("median", median, target), ("p99", lambda times: quantiles(times, n=100)[98], None),
    ]  # fmt: skip
    return [
        measure(f"{name} {kind}", max(of(ours) - less, 1e-6) * 1000, of(floor) * 1000, wanted,
                unit="ms", note=note)
        for kind, of, wanted in sides
    ]  # fmt: skip


def _commit_to_applied(made: Chain) -> list[Measure]:
    ours, floor = list[float](), list[float]()
    for number in range(SAMPLES):
        for side, times in (("ours", ours), ("bare", floor)):
            name = f"{side}-one-{number}"
            event = facts.customer(name)
            started = time.perf_counter()
            if side == "ours":
                made.commit([event])
            else:
                hand_over(made.app, "radius-sync", "customers", unsent(event))
            until(partial(made.applied, name), 30, "not applied", 0.001)
            times.append(time.perf_counter() - started)
    return _spread("commit-to-applied", ours, floor, 0.2, 0.0,
                   f"{SAMPLES} events; floor: publish to the queue, applied")  # fmt: skip


def _delete_to_ack(made: Chain) -> list[Measure]:
    with NasSimulator(SECRET.encode()) as nas:
        values = {"name": "bench", "address": "127.0.0.1", "secret": SECRET, "vendor": "mikrotik",
                  "coa_port": nas.coa_port}  # fmt: skip
        with made.database.transaction() as session:
            registry.register(session, values, made.settings.secret_key, SYSTEM)
        ours, floor = list[float](), list[float]()
        for number in range(SAMPLES):
            floor.append(_bare_exchange(nas))
            ours.append(_cut(made, nas, f"cut-{number}"))
    return _spread("delete-to-ack", ours, floor, 0.1, RELAY_SECONDS,
                   f"{SAMPLES} sessions, less the relay's interval; floor: a bare exchange")  # fmt: skip


def _bare_exchange(nas: NasSimulator) -> float:
    session = nas.add_session("bare")
    attributes = (("User-Name", "bare"), ("Acct-Session-Id", session.session_id))
    server = Server("127.0.0.1", nas.coa_port, nas.coa_port, SECRET.encode())
    started = time.perf_counter()
    request = encode_dynamic(
        Code.DISCONNECT_REQUEST, identifier(), server.secret, attributes, timestamp=int(time.time())
    )
    assert exchange(server, nas.coa_port, request).code == Code.DISCONNECT_ACK
    return time.perf_counter() - started


def _cut(made: Chain, nas: NasSimulator, username: str) -> float:
    """Seconds from the commit of the deletion until the NAS has cut the session."""
    customer: UUID = uuid4()
    facts.hear(made.database, facts.customer(username, customer))
    session = nas.add_session(username)
    accounting.start(made.database, username, session.session_id, framed=session.framed_ip)
    event = facts.customer(username, customer, "customer.deleted", standing="deleted")
    started = time.perf_counter()
    made.commit([event])
    until(lambda: nas.effects["disconnect", session.session_id], 30, "not cut", 0.001)
    elapsed = time.perf_counter() - started
    accounting.stop(made.database, session.session_id)
    return elapsed
