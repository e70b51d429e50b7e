"""Deletion, restore and erasure of 100,000 customers among 1,000,000, as jobs of the real worker.

Web, worker and relay are processes, Redis and PostgreSQL real; the receipts of the other two services are
given at once. Each job's rate stands beside set-based SQL that does the same to 50,000 other rows: change,
event and log in chunks of 500 (for the erasure: claimed, the catalogue's statements, completed), with no
check, report, verdict, receipt, needle or search. Meanwhile, beside both, a front end asks for a page, a
customer and a change, again and again: its p95 beside a job stands beside the same when nothing else runs.
Each job is done once.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Event
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory
from typing import Any

import requests
from sqlalchemy import text

from customers.erasing_subscriptions import SUBSCRIPTIONS
from customers.erasure_catalogue import PLACES
from customers.preparing import migrate
from customers.settings import Settings
from customers.web import build
from local_site.ports import free_port
from local_site.roles import SOFT
from shared.inbox import take
from tests.bench import Measure, measure
from tests.customers.conftest import Site
from tests.customers.crowd import fill, reseller
from tests.customers.erasing import OTHERS, receipt
from tests.support.databases import SECRETS, read_settings
from tests.support.processes import start_role
from tests.support.servers import start_postgres, start_redis
from tests.support.waiting import until

NAMES = ("customers-bulk",)
# Nine resellers: each has 100,000 of the 900,000 that live.
MANY, FLOOR, CHUNK = 1_000_000, 50_000, 500
TO_SQL, TO_QUIET = 0.3, 0.5
# Between two requests of the front end, and how long it asks for a p95 beforehand.
PAUSE_SECONDS, QUIET_SECONDS = 0.05, 30.0
MOST_SECONDS = 1800.0
_SPAWNED = multiprocessing.get_context("spawn")


@dataclass
class FrontEnd:
    """Asks for a page, a customer, and a change of it; `seconds` of each answer."""

    url: str
    token: str
    customers: list[str]
    seconds: list[float] = field(default_factory=list)

    def round(self, session: requests.Session, number: int) -> None:
        place = f"{self.url}/v1/customers/{self.customers[number % len(self.customers)]}"
        change = {"address": f"House {number}"}
        for method, url, body, more in (
            ("GET", f"{self.url}/v1/customers", None, {}),
            ("GET", place, None, {}),
            ("PATCH", place, change, {"If-Match": "*"}),
        ):
            started = time.perf_counter()
            headers = {"Authorization": f"Bearer {self.token}", **more}
            answer = session.request(method, url, json=body, headers=headers, timeout=60)
            self.seconds.append(time.perf_counter() - started)
            assert answer.status_code == 200, answer.text
            time.sleep(PAUSE_SECONDS)

    @contextmanager
    def asking(self) -> Iterator[None]:
        """In a process of its own: what the measure does meanwhile takes no turn from it."""
        over = _SPAWNED.Event()
        told, telling = _SPAWNED.Pipe(duplex=False)
        process = _SPAWNED.Process(target=_ask, args=(self, over, telling))
        process.start()
        telling.close()
        try:
            yield
        finally:
            over.set()
            self.seconds = told.recv()
            process.join()

    def p95(self) -> float:
        return quantiles(self.seconds, n=20)[-1]


def _ask(front_end: FrontEnd, over: Event, telling: Connection) -> None:
    number = 0
    with requests.Session() as session:
        while not over.is_set():
            front_end.round(session, number)
            number += 1
    telling.send(front_end.seconds)


def measures(_names: tuple[str, ...]) -> list[Measure]:
    with TemporaryDirectory() as name, ExitStack() as stack:
        site, url = _started(Path(name), stack)
        living = [str(row.id) for row in site.rows(_BUSY)]
        front_end = FrontEnd(url, site.admin.token, living)
        with front_end.asking():
            time.sleep(QUIET_SECONDS)
        quiet = front_end.p95()
        with front_end.asking():
            floors = _floors(site)
        found: list[Measure] = []
        for what, work in (("delete", _delete), ("restore", _restore), ("erase", _erase)):
            # A token lasts for less than all of this.
            renewed = site.caller(site.admin.id, site.admin.path, "admin", "admin")
            site.admin.token = front_end.token = renewed.token
            with front_end.asking():
                started = time.perf_counter()
                rows = work(site)
                rate = rows / (time.perf_counter() - started)
            found += [
                measure(f"customers: {what} {rows}", rate, floors[what], TO_SQL, unit="/s",
                        less_is_better=False, note="to set-based SQL; once"),
                measure(f"customers: others' p95 while {what}", front_end.p95(), quiet, TO_QUIET,
                        note=f"{len(front_end.seconds)} requests; to p95 beforehand"),
            ]  # fmt: skip
        return found


_BUSY = (
    "SELECT c.id FROM customer c JOIN operator o ON o.id = c.operator_id"
    " WHERE o.username = 'reseller1' AND c.state = 'alive' LIMIT 200"
)


def _started(folder: Path, stack: ExitStack) -> tuple[Site, str]:
    """The service as a site runs it, filled."""
    postgres = start_postgres(folder / "postgresql")
    stack.callback(postgres.stop)
    redis = start_redis(folder / "redis")
    stack.callback(redis.stop)
    settings = read_settings(
        "customers", "customers", Settings, postgres.url, folder / "home", redis.url
    )
    migrate(settings)
    app = build(settings)
    site = Site(settings, app, app.extensions["tenure.database"])
    stack.callback(site.database.engine.dispose)
    first = site.one("SELECT id, operator_path FROM operator")
    site.admin = site.caller(first.id, first.operator_path, "admin", "admin")
    fill(site, MANY)
    port = free_port()
    env = {
        **SECRETS, "DATABASE_URL": postgres.url.removesuffix("/postgres"), "REDIS_URL": redis.url,
        "TENURE_HOME": str(folder / "home"), "TENURE_DEMO": "1", "CUSTOMERS_PORT": str(port),
    }  # fmt: skip
    for role in ("relay", "web", "worker"):
        options = {"stop_signal": SOFT} if role == "worker" else {}
        stack.callback(start_role("customers", role, env=env, folder=folder, **options).stop)
    url = f"http://127.0.0.1:{port}"
    until(lambda: _ready(url), 60.0, f"customers does not answer, see {folder}")
    return site, url


def _ready(url: str) -> bool:
    try:
        return requests.get(f"{url}/readyz", timeout=2).status_code == 200
    except requests.ConnectionError:
        return False


# ---------------------------------------------------------------- the jobs
def _delete(site: Site) -> int:
    body = {"filter": {"operator_id": str(reseller(site).id)}, "reason": "closed_account",
            "cascade": True, "note": "a measurement"}  # fmt: skip
    return _job(site, "/v1/customers/delete", body)


def _restore(site: Site) -> int:
    """Those alone whom the measure has deleted."""
    first = site.one("SELECT min(deleted_at) AS at FROM customer WHERE deletion_note IS NOT NULL")
    return _job(site, "/v1/deleted-customers/restore", {"filter": {"from": first.at.isoformat()}})


def _job(site: Site, place: str, body: dict[str, Any]) -> int:
    answer: Any = site.admin.bulk(place, body)
    assert answer.status_code == 202, answer.text
    job = answer.get_json()["id"]

    def ended() -> Any:
        (row,) = site.rows("SELECT state, done, failed, error FROM job WHERE id = :id", id=job)
        return row if row.state not in ("queued", "running") else None

    row = until(ended, MOST_SECONDS, "the job does not end", interval=0.2)
    assert (row.state, row.failed) == ("succeeded", 0), row
    return int(row.done)


def _erase(site: Site) -> int:
    total = site.one("SELECT count(*) AS n FROM customer WHERE state = 'deleted'").n
    body = {"all": True, "confirm": f"ERASE {total} CUSTOMERS", "legal_basis": "a measurement"}
    asked: Any = site.admin.bulk("/v1/deleted-customers/erase", body).get_json()
    seen = 0

    def ended() -> bool:
        nonlocal seen
        while rows := site.rows(_ERASING, after=seen):
            for service in OTHERS:
                batch = [receipt(asked["id"], str(row.subject), service) for row in rows]
                take(site.database, SUBSCRIPTIONS, service, batch)
            seen = rows[-1].position
        return bool(
            site.one("SELECT done FROM erasure WHERE id = :id", id=asked["id"]).done == total
        )

    until(ended, MOST_SECONDS, "the erasure does not end", interval=0.2)
    return int(total)


_ERASING = (
    "SELECT subject, position FROM outbox WHERE type = 'customer.erasing' AND position > :after"
    " ORDER BY position LIMIT 500"
)

# ---------------------------------------------------------------- the floors
_TOLD = (
    ", told AS (INSERT INTO outbox (id, type, subject, sequence, operator_path, actor, data)"
    "  SELECT gen_random_uuid(), :type, id, version, operator_path, 'admin',"
    "  jsonb_build_object('customer', to_jsonb(gone) - 'deletion_snapshot') FROM gone"
    "  RETURNING position, id)"
    ", unsent AS (INSERT INTO outbox_unsent SELECT position, id FROM told)"
    ", detail AS MATERIALIZED (SELECT gen_random_uuid() AS operation_id, id, operator_path,"
    "  gen_random_uuid()::text AS salt, jsonb_build_object('state', state) AS after FROM gone)"
    ", logged AS (INSERT INTO operation (id, actor, action, subject_kind, subject, operator_path,"
    "  detail_digest) SELECT operation_id, 'admin', :type, 'customer', id, operator_path,"
    "  operation_digest(salt, NULL, after, NULL) FROM detail)"
    " INSERT INTO operation_detail (operation_id, subject, salt, after)"
    " SELECT operation_id, id, salt, after FROM detail"
)
_DELETED = (
    "WITH gone AS (UPDATE customer c SET state = 'deleted', deleted_at = now(), deleted_by = 'admin',"
    " deletion_reason = 'closed_account', deleted_operator_name = 'Operator', version = version + 1,"
    " deleted_package_name = 'Home', updated_at = now(), erase_after = now() + interval '5 years',"
    " deletion_snapshot = jsonb_build_object('balance', c.balance, 'holds', c.holds)"
    " WHERE id = ANY(:ids) RETURNING *)"
)
_RESTORED = (
    "WITH gone AS (UPDATE customer SET state = 'alive', deleted_at = NULL, erase_after = NULL,"
    " activated_at = NULL, restored_at = now(), status = 'inactive', version = version + 1,"
    " updated_at = now(), restore_report = deletion_snapshot WHERE id = ANY(:ids) RETURNING *)"
)
_ERASING_ALL = (
    "WITH gone AS (UPDATE customer SET state = 'erasing', deleted_at = now(), version = version + 1"
    " WHERE id = ANY(:ids) RETURNING *)"
)
_GONE = "WITH gone AS (UPDATE customer SET version = version + 1 WHERE id = ANY(:ids) RETURNING *)"


def _floors(site: Site) -> dict[str, float]:
    """Rows per second of bare statements over as many of another reseller, chunk by chunk."""
    rows = site.rows(
        "SELECT c.id FROM customer c JOIN operator o ON o.id = c.operator_id"
        " WHERE o.username = 'reseller2' AND c.state = 'alive' ORDER BY c.id LIMIT :most",
        most=FLOOR,
    )
    ids = [row.id for row in rows]
    floors = {
        "delete": _rate(site, ids, [(_DELETED + _TOLD, {"type": "customer.deleted"})]),
        "restore": _rate(site, ids, [(_RESTORED + _TOLD, {"type": "customer.restored"})]),
    }
    erased: list[tuple[str, dict[str, str]]] = [
        (_ERASING_ALL + _TOLD, {"type": "customer.erasing"})
    ]
    erased += [(place.pseudonymise, {}) for place in PLACES if place.pseudonymise is not None]
    erased += [(_GONE + _TOLD, {"type": "customer.erased"})]
    return floors | {"erase": _rate(site, ids, erased)}


def _rate(site: Site, ids: list[Any], statements: list[tuple[str, dict[str, str]]]) -> float:
    started = time.perf_counter()
    for first in range(0, len(ids), CHUNK):
        with site.database.transaction() as session:
            for statement, more in statements:
                session.execute(text(statement), {"ids": ids[first : first + CHUNK], **more})
    return len(ids) / (time.perf_counter() - started)
