"""The erasure of 10,000 customers among 50,000, each with the traces of a short life.

From the claim to the certificate, the other services' receipts at once. The floor is set-based SQL of the
same effect, in turns with it, chunk by chunk, so that noise strikes both alike: the same rows gone, the
same events told, the same receipts and verdicts kept; but no race to decide, nothing read first, no
needles, no line of the log, no tombstone, and nothing that knows of a crash.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any
from uuid import UUID

from sqlalchemy import text

from customers import erasure_saga
from customers.erasure_catalogue import PLACES
from customers.exporting import RESOURCES
from tests.bench import Measure, measure
from tests.customers.conftest import Site, make_site
from tests.customers.erasing import OTHERS, answer, certify
from tests.support.servers import start_postgres, start_redis

NAMES = ("erasing",)
GONE, ALIVE, CHUNK = 10_000, 40_000, erasure_saga.CHUNK
_FILL = """
INSERT INTO customer (id, customer_number, name, username, phone, email, operator_id, operator_path,
    state, deleted_at, deleted_by, deletion_reason, deleted_operator_name)
SELECT gen_random_uuid(), (100000 + n)::text, 'Person ' || md5(n::text), 'login' || n,
    '+8801' || lpad(n::text, 9, '0'), 'p' || n || '@example.org', o.id, o.operator_path,
    CASE WHEN n <= :gone THEN 'deleted' ELSE 'alive' END,
    CASE WHEN n <= :gone THEN now() END, 'admin', 'closed_account', 'Administrator'
FROM generate_series(1, :many) n, operator o
"""
# Three events, three lines of the log, two statuses, an account and a hold each.
_TRACES = (
    "INSERT INTO outbox (id, type, subject, sequence, operator_path, data)"
    " SELECT gen_random_uuid(), 'customer.updated', c.id, n, c.operator_path,"
    " jsonb_build_object('customer', to_jsonb(c)) FROM customer c, generate_series(1, 3) n",
    "WITH made AS (SELECT gen_random_uuid() AS id, c.id AS subject, to_jsonb(c) AS after,"
    "  c.operator_path FROM customer c, generate_series(1, 3)), logged AS ("
    "  INSERT INTO operation (id, actor, action, subject_kind, subject, operator_path, detail_digest)"
    "  SELECT id, 'admin', 'customer.edited', 'customer', subject, operator_path,"
    "   operation_digest('salt', NULL, after, NULL) FROM made)"
    " INSERT INTO operation_detail (operation_id, subject, salt, after)"
    " SELECT id, subject, 'salt', after FROM made",
    "INSERT INTO status_change (id, customer_id, status, actor) SELECT gen_random_uuid(), c.id,"
    " 'active', 'admin' FROM customer c, generate_series(1, 2)",
    "INSERT INTO account (id, customer_id, name, service_type)"
    " SELECT gen_random_uuid(), id, 'line of ' || name, 'pppoe' FROM customer",
    "INSERT INTO hold (id, customer_id, kind, reason, actor)"
    " SELECT gen_random_uuid(), id, 'vacation', 'travels: ' || name, 'admin' FROM customer",
)
_TELL = (
    "INSERT INTO outbox (id, type, subject, sequence, operator_path, actor, data)"
    " SELECT gen_random_uuid(), '{0}', id, version, operator_path, 'system',"
    " jsonb_build_object('erasure_id', CAST(:erasure AS text), {1}) FROM customer WHERE id = ANY(:ids)"
)
_ROWS = "'rows', jsonb_build_object('customer', 1, 'account', 1), 'digest', md5(id::text)"
_KEEP = (
    "INSERT INTO erasure_receipt (erasure_id, customer_id, service, rows, digest)"
    ' SELECT :erasure, id, service, \'{"customer": 1, "account": 1}\', md5(id::text)'
    " FROM unnest(CAST(:ids AS uuid[])) AS id, unnest(CAST(:services AS text[])) AS service"
)
_REMOVAL = (
    "UPDATE customer SET state = 'erasing', version = version + 1 WHERE id = ANY(:ids)",
    _TELL.format("customer.erasing", "'mode', 'pseudonymise'"),
    *(place.pseudonymise for place in PLACES if place.pseudonymise is not None),
    _TELL.format("erasure.receipt", "'service', 'customers', " + _ROWS),
    _KEEP,
    "UPDATE erasure_subject SET state = 'erasing', removed = true"
    " WHERE erasure_id = :erasure AND customer_id = ANY(:ids)",
)
_RECEIPTS = (
    _KEEP,
    "UPDATE erasure_subject SET state = 'done', finished_at = now()"
    " WHERE erasure_id = :erasure AND customer_id = ANY(:ids)",
    "UPDATE customer SET version = version + 1 WHERE id = ANY(:ids)",
    _TELL.format("customer.erased", "'state', 'done'"),
)


def measures(_names: tuple[str, ...]) -> list[Measure]:
    with TemporaryDirectory() as folder, ExitStack() as stack:
        server = start_postgres(Path(folder) / "data")
        stack.callback(server.stop)
        redis = start_redis(Path(folder) / "redis")
        stack.callback(redis.stop)
        bare, whole = (
            stack.enter_context(_filled(server.url, redis.url, Path(folder))) for _ in range(2)
        )
        return _measured(bare, whole)


@contextmanager
def _filled(url: str, redis_url: str, folder: Path) -> Iterator[Site]:
    for site in make_site(url, redis_url, folder):
        _fill(site)
        yield site


def _fill(site: Site) -> None:
    with site.database.engine.connect() as connection:
        connection.execute(text("RESET ROLE"))
        connection.execute(text("SET statement_timeout = 0"))
        connection.execute(text(_FILL), {"many": GONE + ALIVE, "gone": GONE})
        for statement in _TRACES:
            connection.execute(text(statement))
        connection.execute(text("SELECT operation_seal_new(1000000)"))
        connection.commit()
        connection.execution_options(isolation_level="AUTOCOMMIT")
        connection.execute(text("VACUUM ANALYZE"))
        connection.invalidate()


def _asked(site: Site) -> tuple[str, list[list[UUID]]]:
    """The erasure of all the deleted, and who is erased with whom."""
    body = {"all": True, "confirm": f"ERASE {GONE} CUSTOMERS", "legal_basis": "a measurement"}
    asked: Any = site.admin.bulk("/v1/deleted-customers/erase", body).get_json()
    rows = site.rows("SELECT customer_id AS id FROM erasure_subject ORDER BY customer_id")
    ids = [row.id for row in rows]
    return str(asked["id"]), [ids[first : first + CHUNK] for first in range(0, GONE, CHUNK)]


def _by_hand(
    site: Site, erasure: str, ids: Sequence[UUID], statements: Sequence[str], *services: str
) -> None:
    values = {"erasure": erasure, "ids": list(ids), "services": list(services)}
    with site.database.transaction() as session:
        for statement in statements:
            session.execute(text(statement), values)


def _by_saga(site: Site) -> None:
    """Two transactions, as `advance` has them: the claim, and what this service holds."""
    with site.database.transaction() as session:
        assert erasure_saga.claim(session) == CHUNK
    with site.database.transaction() as session:
        assert erasure_saga.remove_own(session, site.settings, RESOURCES) == CHUNK


def _seconds(work: Callable[[], object]) -> float:
    started = perf_counter()
    work()
    return perf_counter() - started


def _measured(bare: Site, whole: Site) -> list[Measure]:
    (by_hand, theirs), (erasure, ours) = _asked(bare), _asked(whole)
    with whole.database.transaction() as session:
        erasure_saga.begin(session)
    floor = removed = floor_of_receipts = answered = 0.0
    for those, these in zip(theirs, ours, strict=True):
        floor += _seconds(lambda ids=those: _by_hand(bare, by_hand, ids, _REMOVAL, "customers"))  # type: ignore[misc]
        removed += _seconds(lambda: _by_saga(whole))
        floor_of_receipts += _seconds(
            lambda ids=those: _by_hand(bare, by_hand, ids, _RECEIPTS, *OTHERS)  # type: ignore[misc]
        )
        answered += _seconds(lambda ids=these: answer(whole, erasure, ids))  # type: ignore[misc]
    certified = _seconds(lambda: certify(whole))
    seen: Any = whole.admin.get(f"/v1/erasures/{erasure}").get_json()
    assert (seen["state"], seen["done"], seen["leftovers"]["hits"]) == ("done", GONE, [])
    return [
        measure(
            "erasing: customers removed", GONE / removed, GONE / floor, 0.3,
            unit="/s", less_is_better=False, note="against set-based SQL of the same effect",
        ),
        measure(
            "erasing: receipts kept", 2 * GONE / answered, 2 * GONE / floor_of_receipts, 0.3,
            unit="/s", less_is_better=False, note="of two other services, against set-based SQL",
        ),
        measure(
            "erasing: leftovers searched", certified, 10.0, 1.0,
            note=f"{seen['leftovers']['needles']} needles, at most 10 s with the certificate",
        ),
    ]  # fmt: skip
