"""What the search for leftovers has to know of the books: who stays, and whose a row is (A37)."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from shared.events import Wire
from shared.leftovers import Books, Known, Whose, dialled

BOOKS = Books(
    stays="EXISTS (SELECT FROM customer_fact f WHERE f.id = {} AND f.erased_at IS NULL)",
    used="SELECT lower(w) FROM customer_fact f, LATERAL (VALUES (f.customer_number), (f.username),"
    " (f.name)) AS v(w) WHERE f.erased_at IS NULL AND lower(w) = ANY(:words)"
    " UNION SELECT lower(w) FROM customer_fact f, LATERAL (VALUES (ltrim(f.phone, '+')),"
    "  (substr(f.phone, 3)), (substr(f.phone, 4)), (substr(f.phone, 5)), ('0' || substr(f.phone, 3)),"
    "  ('0' || substr(f.phone, 4)), ('0' || substr(f.phone, 5))) AS v(w)"
    " WHERE f.erased_at IS NULL AND w = ANY(:words)"
    " UNION SELECT lower(w) FROM operator_fact o, LATERAL (VALUES (o.username), (o.name)) AS v(w)"
    " WHERE lower(w) = ANY(:words)"
    " UNION SELECT lower(name) FROM package_fact WHERE lower(name) = ANY(:words)",
    whose={
        "customer_fact": Whose("v.id"),
        "bill_item": Whose("b.customer_id", "JOIN bill b ON b.id = v.bill_id"),
    },
    # Of the site, its operators and its machines.
    silent=frozenset(
        {
            "alembic_version", "api_key_fact", "calendar", "card_batch", "card_guard", "cash_drawer",
            "collection_day", "collection_rolled", "dunning_policy", "feed_cursor", "gateway_token",
            "holiday", "number_pattern", "numbering", "operation_seal", "operator_fact",
            "package_fact", "tax_day", "worker_heartbeat",
        }
    ),
)  # fmt: skip

_KNOWN = text(
    "SELECT id, customer_number, username, name, phone FROM customer_fact"
    " WHERE id = ANY(:ids) AND erased_at IS NULL"
)


def known(session: Session, erasing: Mapping[UUID, Wire]) -> list[Known]:
    """By what names the books know the customers of these CustomerErasing, before anything goes."""
    return [
        Known(
            erasure_id=UUID(erasing[row.id]["data"]["erasure_id"]),
            customer_id=row.id,
            words=frozenset({row.customer_number, row.username, *dialled(row.phone or "")}),
            phrases=frozenset({row.name}),
        )
        for row in session.execute(_KNOWN, {"ids": list(erasing)})
    ]
