"""The whole way with real processes: outbox, relay, Redis, Celery worker, feed (ADR 0002)."""

import os
import signal
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import pytest
import requests
from redis import Redis
from sqlalchemy import text

from local_site.ports import free_port
from local_site.redis_server import Redis as RedisServer
from shared import jobs, outbox
from shared.database import Database
from shared.events import CustomerFacts, CustomerUpdated
from shared.messaging import celery_app, hand_over
from shared.operations import SYSTEM
from shared.settings import Settings
from tests.shared.toy import service
from tests.support import databases, waiting
from tests.support.databases import SECRETS
from tests.support.processes import RoleProcess, start_role
from tests.support.servers import start_redis

# A busy machine starts a role in half a minute, not in two seconds.
pytestmark = pytest.mark.timeout(300)
TOY = "tests.shared.toy"


class Site:
    """Two toys: one in the place of customers, which tells, one in that of payments, which hears."""

    def __init__(
        self, teller: Settings, hearer: Settings, redis: RedisServer, folder: Path
    ) -> None:
        self.teller, self.hearer, self.redis, self.folder = teller, hearer, redis, folder
        self.told, self.heard = Database(teller), Database(hearer)
        self.roles: list[RoleProcess] = []
        self.ports = {"CUSTOMERS_PORT": str(free_port()), "PAYMENTS_PORT": str(free_port())}

    def start(self, settings: Settings, role: str, *arguments: str) -> RoleProcess:
        process = start_role(
            TOY, role, *arguments, folder=self.folder,
            env={
                **SECRETS, **self.ports,
                "TOY_SERVICE": settings.service,
                "DATABASE_URL": settings.database_url.set(drivername="postgresql")
                .render_as_string(hide_password=False),
                "CUSTOMERS_DATABASE": str(self.teller.database_url.database),
                "PAYMENTS_DATABASE": str(self.hearer.database_url.database),
                "REDIS_URL": self.redis.url,
                "TENURE_HOME": str(self.folder),
                "FEED_INTERVAL_SECONDS": "0.2",
                "PYTHONPATH": os.pathsep.join([str(Path.cwd()), os.environ.get("PYTHONPATH", "")]),
            },
        )  # fmt: skip
        self.roles.append(process)
        return process

    def start_web(self) -> RoleProcess:
        role = self.start(self.teller, "web")
        url = f"http://127.0.0.1:{self.ports['CUSTOMERS_PORT']}/livez"

        def answers() -> bool:
            try:
                return requests.get(url, timeout=waiting.PATIENCE).ok
            except requests.RequestException:
                return False

        waiting.until(answers, 120, "the web role did not answer")
        return role

    def tell(self, many: int, name: str = "Anna") -> None:
        with self.told.transaction() as session:
            outbox.publish(session, *(updated(name) for _ in range(many)))

    def kept(self) -> int:
        with self.heard.transaction() as session:
            return int(session.scalar(text("SELECT count(*) FROM thing")) or 0)

    def keeps(self, many: int, seconds: float = 120) -> None:
        waiting.until(lambda: self.kept() == many, seconds, f"not {many} kept: {self.kept()}")

    def close(self) -> None:
        for role in self.roles:
            role.stop()
        self.redis.stop()
        for database in (self.told, self.heard):
            database.close()


def updated(name: str) -> CustomerUpdated:
    facts = CustomerFacts(
        customer_number="1", name=name, username=name, password=None, email=None, phone=None,
        standing="customer", service_type="pppoe", operator_id=UUID(int=1), operator_name="a",
        operator_path="1/", package_id=None, package_name=None, activated=False, expires_at=None,
        holds=(), overdue_effect="suspend", suspended_access="walled", limited_kbps=512,
        lift_suspension_until=datetime(2027, 1, 1, tzinfo=UTC), balance_control="prepaid",
        currency="BDT", credit_limit=None,
    )  # fmt: skip
    return CustomerUpdated(subject=uuid4(), sequence=1, operator_path="1/", customer=facts)


@pytest.fixture
def site(postgres: str, tmp_path: Path) -> Iterator[Site]:
    redis = start_redis(tmp_path / "redis")
    teller, hearer = (
        databases.fresh(
            databases.read_settings(name, "toy", Settings, postgres, tmp_path, redis.url),
            service.migrate,
        )
        for name in ("customers", "payments")
    )
    made = Site(teller, hearer, redis, tmp_path)
    yield made
    made.close()
    databases.drop(teller)
    databases.drop(hearer)


def test_a_fact_goes_by_the_push_within_a_moment(site: Site) -> None:
    site.start(site.hearer, "worker")
    site.start(site.teller, "relay")
    site.tell(1)
    site.keeps(1)

    site.tell(1200)

    site.keeps(1201)


def test_what_a_flushed_redis_lost_the_feed_brings(site: Site) -> None:
    """F: FLUSHALL between the relay and the worker; nobody notices but the clock."""
    site.start(site.teller, "relay")
    site.tell(300)

    def handed_over() -> bool:
        with site.told.transaction() as session:
            return outbox.backlog(session)[0] == 0

    waiting.until(handed_over, 120)
    with Redis.from_url(site.redis.url) as redis:
        assert redis.llen("payments") > 0
        redis.flushall()

    site.start_web()
    site.start(site.hearer, "worker")

    site.keeps(300)


def test_with_redis_down_from_the_start_the_feed_brings_everything(site: Site) -> None:
    """Celery waits for its broker; the worker's clock must not."""
    site.redis.kill()
    site.start_web()
    site.start(site.hearer, "worker")

    site.tell(50)

    site.keeps(50)


def test_three_restarts_of_redis_under_load_stall_nobody(site: Site) -> None:
    """Reliability 1.3: an ordinary prefork worker is silent for good after the first one."""
    site.start(site.hearer, "worker")
    site.start(site.teller, "relay")
    site.start_web()
    site.tell(10)
    site.keeps(10)

    for round_ in range(3):
        site.tell(200)
        site.redis.kill()
        site.tell(200)
        site.redis.start()
        site.keeps(10 + 400 * (round_ + 1))

    def by_push() -> bool:
        with Redis.from_url(site.redis.url) as redis:
            return int(redis.llen("payments")) == 0

    site.tell(100)
    site.keeps(1310)
    waiting.until(by_push, 120, "the worker does not take from its queue any more")


def stopped(role: RoleProcess, ask: signal.Signals) -> None:
    """By itself: nobody kills it here."""
    assert role.child is not None
    role.child.process.send_signal(ask)
    role.child.process.wait(waiting.PATIENCE)


@pytest.mark.parametrize("ask", [signal.SIGTERM, signal.SIGQUIT], ids=lambda ask: ask.name)
def test_a_worker_asked_to_stop_lets_its_job_go_and_ends_soon(
    site: Site, ask: signal.Signals
) -> None:
    worker = site.start(site.hearer, "worker", "--queues", "payments-jobs")
    with site.heard.transaction() as session:
        session.execute(
            text(
                "INSERT INTO thing (id, name, operator_path)"
                " SELECT gen_random_uuid(), to_char(g, 'FM00000'), '1/' FROM generate_series(1, 20000) g"
            )
        )
    with site.heard.transaction() as holder:
        # However late it is asked to stop: the row that others hold keeps the job from its end.
        holder.execute(text("SELECT FROM thing ORDER BY name DESC LIMIT 1 FOR UPDATE"))
        with site.heard.transaction() as session:
            job = jobs.enqueue(
                session, "rename", SYSTEM, operator_path="1/", params={"prefix": "new "},
                select=("SELECT id FROM thing ORDER BY name", {}),
            )  # fmt: skip

        def done() -> int:
            with site.heard.transaction() as session:
                return int(jobs.read(session, job.id).done)

        waiting.until(lambda: done() > 0, 120)
        stopped(worker, ask)

    with site.heard.transaction() as session:
        left = jobs.read(session, job.id)
    assert (left.state, left.attempts) == ("running", 0)
    assert 0 < left.done < 20_000

    def due() -> bool:
        with site.heard.transaction() as session:
            return jobs.due(session)

    waiting.until(due, jobs.LEASE_SECONDS / 2, "no other worker may go on, as after a crash")


@pytest.mark.parametrize("role", ["web", "relay"])
def test_the_other_roles_end_soon_too(site: Site, role: str) -> None:
    process = site.start_web() if role == "web" else site.start(site.teller, role)
    waiting.until(lambda: process.running)
    if role == "relay":
        site.tell(1)
        with Redis.from_url(site.redis.url) as redis:
            waiting.until(lambda: redis.llen("payments") > 0, 120)

    stopped(process, signal.SIGTERM)


def test_a_poison_message_of_a_stranger_does_not_stop_the_worker(site: Site) -> None:
    """B25, F12: pickle, unknown tasks and wrong arguments are refused; what is ours goes on."""
    site.start(site.hearer, "worker")
    site.start(site.teller, "relay")
    site.tell(1)
    site.keeps(1)
    hostile: list[Callable[[str], str]] = [
        lambda body: body.replace("application/json", "application/x-python-serialize"),
        lambda body: body.replace("payments.hear", "os.system"),
        lambda body: body.replace('"body": "', '"body": "bm9uc2Vuc2U='),
    ]
    with Redis.from_url(site.redis.url) as redis:
        app = celery_app(site.teller)
        hand_over(app, "radius-sync", "customers", [])
        raw = redis.rpop("radius-sync")
        assert isinstance(raw, bytes)
        for spoil in hostile:
            redis.lpush("payments", spoil(raw.decode()))

    site.tell(5)

    site.keeps(6)
