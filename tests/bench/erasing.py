"""The erasure of 10,000 customers among 50,000, each with the traces of a short life.

From the claim to the certificate, the other services' receipts at once. The floor is the catalogue's
statements alone over the same number: no claim, no needles, no receipts, no events, no log, no search.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any
from uuid import UUID

from sqlalchemy import text

from customers.erasure_catalogue import PLACES
from tests.bench import Measure, measure
from tests.customers.conftest import Site, make_site
from tests.customers.erasing import advance, answer, certify
from tests.support.servers import start_postgres

NAMES = ("erasing",)
GONE, ALIVE, CHUNK = 10_000, 40_000, 500
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
    "INSERT INTO outbox (id, type, subject, sequence, operator_path, data, sent_at)"
    " SELECT gen_random_uuid(), 'customer.updated', c.id, n, c.operator_path,"
    " jsonb_build_object('customer', to_jsonb(c)), now() FROM customer c, generate_series(1, 3) n",
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


def measures(_names: tuple[str, ...]) -> list[Measure]:
    with TemporaryDirectory() as folder:
        server = start_postgres(Path(folder) / "data")
        try:
            floor = [_bare(site) for site in make_site(server.url, _REDIS, Path(folder))][0]
            return [
                found
                for site in make_site(server.url, _REDIS, Path(folder))
                for found in _whole(site, floor)
            ]
        finally:
            server.stop()


_REDIS = "redis://127.0.0.1:1/0"


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


def _gone(site: Site) -> Sequence[UUID]:
    return [row.id for row in site.rows("SELECT id FROM customer WHERE state = 'deleted'")]


def _bare(site: Site) -> float:
    """Seconds of the catalogue's statements, in the same chunks."""
    _fill(site)
    ids = _gone(site)
    site.change("UPDATE customer SET state = 'erasing', deleted_at = now() WHERE state = 'deleted'")
    started = perf_counter()
    for first in range(0, len(ids), CHUNK):
        with site.database.transaction() as session:
            for place in PLACES:
                if place.pseudonymise is not None:
                    session.execute(text(place.pseudonymise), {"ids": ids[first : first + CHUNK]})
    return perf_counter() - started


def _whole(site: Site, floor: float) -> list[Measure]:
    _fill(site)
    ids = _gone(site)
    body = {"all": True, "confirm": f"ERASE {GONE} CUSTOMERS", "legal_basis": "a measurement"}
    asked: Any = site.admin.bulk("/v1/deleted-customers/erase", body).get_json()
    started = perf_counter()
    assert advance(site) >= GONE
    removed = perf_counter()
    for first in range(0, len(ids), CHUNK):
        answer(site, asked["id"], ids[first : first + CHUNK])
    answered = perf_counter()
    assert certify(site) == 1
    certified = perf_counter()
    seen: Any = site.admin.get(f"/v1/erasures/{asked['id']}").get_json()
    assert (seen["state"], seen["leftovers"]["hits"]) == ("done", [])
    return [
        measure(
            "erasing: customers removed", GONE / (removed - started), GONE / floor, 0.3,
            unit="/s", less_is_better=False, note="against the catalogue's statements alone",
        ),
        measure(
            "erasing: receipts kept", 2 * GONE / (answered - removed), GONE / floor, 0.3,
            unit="/s", less_is_better=False, note="of two other services",
        ),
        measure(
            "erasing: leftovers searched", certified - answered, 10.0, 1.0,
            note=f"{seen['leftovers']['needles']} needles, at most 10 s with the certificate",
        ),
    ]  # fmt: skip
