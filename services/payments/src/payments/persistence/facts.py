"""Customers and packages as the customers service tells of them, and activations not billed yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from payments.domain import MOST_AUTO_FAILURES
from payments.persistence import moving
from payments.persistence.bills import Period
from shared.batches import as_json
from shared.events import Wire

_GIVEN = (
    " FROM jsonb_to_recordset(CAST(:events AS jsonb)) AS e(subject uuid, sequence bigint,"
    " operatorpath text, type text, time timestamptz, data jsonb)"
)
# DISTINCT ON: a batch may hold several versions of one subject, and ON CONFLICT takes a row once.
# The tombstone of an erased customer has the largest version there is, so nothing is newer.
_CUSTOMERS = text(
    "INSERT INTO customer_fact (id, version, operator_path, customer_number, name, username, phone,"
    " operator_id, operator_name, package_id, standing, holds, balance_control, currency,"
    " credit_limit, class_id, activated, expires_at, auto_payment, retry_limit)"
    " SELECT DISTINCT ON (e.subject) e.subject, e.sequence, e.operatorpath, c->>'customer_number',"
    " c->>'name', c->>'username', c->>'phone', CAST(c->>'operator_id' AS uuid),"
    " c->>'operator_name', CAST(c->>'package_id' AS uuid), c->>'standing',"
    " ARRAY(SELECT jsonb_array_elements_text(c->'holds')), c->>'balance_control', c->>'currency',"
    " CAST(c->>'credit_limit' AS numeric), CAST(c->>'class_id' AS uuid),"
    " CAST(c->>'activated' AS boolean), CAST(c->>'expires_at' AS timestamptz),"
    " coalesce(CAST(c->>'auto_payment' AS boolean), false),"
    f" coalesce(CAST(c->>'retry_limit' AS int), {MOST_AUTO_FAILURES})"
    f"{_GIVEN} CROSS JOIN LATERAL (SELECT e.data->'customer') AS d(c)"
    " ORDER BY e.subject, e.sequence DESC"
    " ON CONFLICT (id) DO UPDATE SET version = excluded.version,"
    " operator_path = excluded.operator_path, customer_number = excluded.customer_number,"
    " name = excluded.name, username = excluded.username, phone = excluded.phone,"
    " operator_id = excluded.operator_id, operator_name = excluded.operator_name,"
    " package_id = excluded.package_id, standing = excluded.standing, holds = excluded.holds,"
    " balance_control = excluded.balance_control, currency = excluded.currency,"
    " credit_limit = excluded.credit_limit, class_id = excluded.class_id,"
    " activated = excluded.activated, expires_at = excluded.expires_at,"
    " auto_payment = excluded.auto_payment, retry_limit = excluded.retry_limit,"
    # Another package is another price: what was announced is announced anew.
    " announced_for = CASE WHEN customer_fact.package_id IS NOT DISTINCT FROM excluded.package_id"
    " THEN customer_fact.announced_for END"
    " WHERE customer_fact.version < excluded.version"
)
_ACCOUNTS = text(
    "INSERT INTO account (customer_id, operator_path, currency)"
    " SELECT id, operator_path, currency FROM customer_fact"
    " WHERE id = ANY(:customers) AND erased_at IS NULL ORDER BY id ON CONFLICT DO NOTHING"
)
_ACTIVATIONS = text(
    "INSERT INTO activation (customer_id, sequence, package_id, at, period_end)"
    " SELECT e.subject, e.sequence, CAST(c->>'package_id' AS uuid), e.time,"
    " CAST(c->>'expires_at' AS timestamptz)"
    f"{_GIVEN} CROSS JOIN LATERAL (SELECT e.data->'customer') AS d(c)"
    " JOIN customer_fact f ON f.id = e.subject AND f.erased_at IS NULL"
    " WHERE e.type = 'customer.activated' AND c->>'package_id' IS NOT NULL"
    " AND c->>'expires_at' IS NOT NULL ON CONFLICT DO NOTHING"
)


def keep_customers(session: Session, customers: Sequence[UUID], events: Sequence[Wire]) -> None:
    """Keep what is newer of the `customers` of the batch, open accounts, note activations to bill."""
    given = {"events": as_json(events)}
    session.execute(_CUSTOMERS, given)
    session.execute(_ACCOUNTS, {"customers": customers})
    moving.follow(session, customers)
    session.execute(_ACTIVATIONS, given)


_PACKAGES = text(
    "INSERT INTO package_fact (id, version, operator_path, name, price, currency, billing_cycle,"
    " validity_days) SELECT DISTINCT ON (e.subject) e.subject, e.sequence, e.operatorpath,"
    " e.data->>'name', CAST(e.data->>'price' AS numeric), e.data->>'currency',"
    " e.data->>'billing_cycle', CAST(e.data->>'validity_days' AS int)"
    f"{_GIVEN} ORDER BY e.subject, e.sequence DESC"
    " ON CONFLICT (id) DO UPDATE SET version = excluded.version,"
    " operator_path = excluded.operator_path, name = excluded.name, price = excluded.price,"
    " currency = excluded.currency, billing_cycle = excluded.billing_cycle,"
    " validity_days = excluded.validity_days WHERE package_fact.version < excluded.version"
)


def keep_packages(session: Session, events: Sequence[Wire]) -> list[UUID]:
    """The packages of the batch."""
    session.execute(_PACKAGES, {"events": as_json(events)})
    return sorted({UUID(event["subject"]) for event in events})


_LOCKED_PACKAGES = text(
    "SELECT id, price, currency FROM package_fact"
    " WHERE CAST(:ids AS uuid[]) IS NULL OR id = ANY(CAST(:ids AS uuid[])) ORDER BY id FOR UPDATE"
)
_CHARGES = text(
    "UPDATE package_fact p SET charge = n.charge, charge_version = charge_version + 1"
    " FROM unnest(CAST(:ids AS uuid[]), CAST(:charges AS numeric[])) AS n(id, charge)"
    " WHERE p.id = n.id AND coalesce(p.charge, p.price) <> n.charge"
    " RETURNING p.id, p.operator_path, p.price, p.currency, p.charge, p.charge_version"
)


def lock_packages(session: Session, ids: Sequence[UUID] | None) -> list[Any]:
    """These, or all."""
    given = None if ids is None else list(ids)
    return list(session.execute(_LOCKED_PACKAGES, {"ids": given}))


def keep_charges(session: Session, charges: Mapping[UUID, Decimal]) -> list[Any]:
    """The packages, of locked ones, whose charge was another one."""
    given = {"ids": list(charges), "charges": list(charges.values())}
    return list(session.execute(_CHARGES, given))


_UPCOMING = text(
    "SELECT id, expires_at, package_id FROM customer_fact WHERE id = ANY(CAST(:ids AS uuid[]))"
    " AND activated AND expires_at > now() AND package_id IS NOT NULL AND erased_at IS NULL"
    " AND NOT 'export' = ANY(holds) AND standing <> 'exported'"
)


def upcoming(session: Session, ids: Sequence[UUID]) -> list[Period]:
    """The next period of each that is served, as far as can be told; none while an export runs (C35)."""
    rows = session.execute(_UPCOMING, {"ids": list(ids)})
    return [Period(row.id, row.expires_at, row.package_id) for row in rows]


_WAITING = (
    "SELECT v.customer_id, v.sequence, v.at, v.period_end, p.id AS package_id, p.name, p.price,"
    " p.currency, p.validity_days, f.balance_control FROM activation v"
    " JOIN customer_fact f ON f.id = v.customer_id AND f.erased_at IS NULL"
    " AND NOT 'export' = ANY(f.holds) AND f.standing <> 'exported' JOIN package_fact p ON p.id = v.package_id"
    " WHERE v.done_at IS NULL"
)
_WAITING_CUSTOMERS = text(
    f"{_WAITING} AND v.customer_id = ANY(:ids) ORDER BY v.customer_id, v.sequence"
)
_WAITING_PACKAGES = text(
    f"{_WAITING} AND v.package_id = ANY(:ids) ORDER BY v.customer_id, v.sequence"
)


def waiting_of_customers(session: Session, ids: Sequence[UUID]) -> list[Any]:
    """Activations that can be billed now."""
    return list(session.execute(_WAITING_CUSTOMERS, {"ids": list(ids)}))


def waiting_of_packages(session: Session, ids: Sequence[UUID]) -> list[Any]:
    return list(session.execute(_WAITING_PACKAGES, {"ids": list(ids)}))


_DONE = text(
    "UPDATE activation v SET done_at = now(), outcome = d.outcome FROM unnest("
    " CAST(:customers AS uuid[]), CAST(:sequences AS bigint[]), CAST(:outcomes AS text[]))"
    " AS d(customer_id, sequence, outcome)"
    " WHERE v.customer_id = d.customer_id AND v.sequence = d.sequence"
)


def mark_billed(session: Session, outcomes: Sequence[tuple[UUID, int, str]]) -> None:
    if outcomes:
        customers, sequences, results = zip(*outcomes, strict=True)
        session.execute(
            _DONE,
            {
                "customers": list(customers),
                "sequences": list(sequences),
                "outcomes": list(results),
            },
        )


_LOCK = text(
    "SELECT FROM customer_fact WHERE id = ANY(CAST(:ids AS uuid[])) ORDER BY id FOR UPDATE"
)


def lock(session: Session, ids: Sequence[UUID]) -> None:
    """Lock the facts of these customers, for what changes them; before their accounts, if at all."""
    session.execute(_LOCK, {"ids": list(ids)})


_LIMITS = text("SELECT id, retry_limit FROM customer_fact WHERE id = ANY(CAST(:ids AS uuid[]))")


def retry_limits(session: Session, ids: Sequence[UUID]) -> dict[UUID, int]:
    """How many failures freeze the automatic payments of each, of those known."""
    return {row.id: row.retry_limit for row in session.execute(_LIMITS, {"ids": list(ids)})}


_CUSTOMER = text(
    "SELECT f.*, o.username AS operator_username FROM customer_fact f"
    " LEFT JOIN operator_fact o ON o.id = f.operator_id WHERE f.id = ANY(:ids)"
)


def customers(session: Session, ids: Sequence[UUID]) -> dict[UUID, Any]:
    """What is known of them, deleted and erased ones too, within the caller's branch."""
    return {row.id: row for row in session.execute(_CUSTOMER, {"ids": list(ids)})}


def operator_path(session: Session, operator_id: UUID) -> str | None:
    found: str | None = session.scalar(
        text("SELECT operator_path FROM operator_fact WHERE id = :id"), {"id": operator_id}
    )
    return found


def erased(session: Session, customer_id: UUID | None) -> bool:
    """Whether nothing may be written about this person any more; so it is with nobody known."""
    return customer_id is None or bool(
        session.scalar(
            text("SELECT erased_at IS NOT NULL FROM customer_fact WHERE id = :id"),
            {"id": customer_id},
        )
    )


def operator_name(session: Session, operator_id: UUID | None, username: str) -> str:
    """The name that lists show for an operator (E10); the login while the fact is on its way."""
    found = session.scalar(
        text("SELECT name FROM operator_fact WHERE id = :id"), {"id": operator_id}
    )
    return str(found or username)
