"""Keeps what other services tell: one set-based, versioned statement per kind of event.

What is not newer than the version kept changes nothing, so duplicates, reordering and replays are
one case. Each function answers with whom it changed, for provisioning.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import orjson
from sqlalchemy import text
from sqlalchemy.orm import Session

from radius_sync.plan_attributes import sendable
from shared.arrays import Array
from shared.batches import as_json
from shared.events import Wire

# Rows are taken in the order of their ids, so that two batches never wait for each other crosswise.
_NEWEST = (
    "SELECT DISTINCT ON (e->>'subject') CAST(e->>'subject' AS uuid) AS subject,"
    " CAST(e->>'sequence' AS bigint) AS sequence, e->>'operatorpath' AS operator_path,"
    " e->'data' AS data"
    " FROM jsonb_array_elements(CAST(:events AS jsonb)) e"
    " ORDER BY e->>'subject', CAST(e->>'sequence' AS bigint) DESC"
)

_KEPT = "SELECT CAST(coalesce(array_agg(customer_id), '{}') AS text) FROM kept"

_COLUMNS = (
    "username, password_sealed, standing, service_type, package_id, activated, expires_at, holds,"
    " overdue_effect, suspended_access, limited_kbps, lift_suspension_until, balance_control,"
    " credit_limit, static_address"
)
_CUSTOMERS = text(
    f"WITH newest AS ({_NEWEST}), kept AS ("
    f" INSERT INTO subscriber AS s (customer_id, version, operator_path, {_COLUMNS},"
    " recheck_at)"
    " SELECT n.subject, n.sequence, n.operator_path, lower(c.username), c.password, c.standing,"
    " c.service_type, c.package_id, c.activated, c.expires_at, coalesce(c.holds, '{}'),"
    " c.overdue_effect, c.suspended_access, c.limited_kbps, c.lift_suspension_until,"
    " c.balance_control, c.credit_limit, c.static_address,"
    " next_recheck(c.expires_at, c.lift_suspension_until)"
    " FROM newest n, jsonb_to_record(n.data->'customer') AS c(username text, password text,"
    " standing text, service_type text, package_id uuid, activated boolean, expires_at timestamptz,"
    " holds text[], overdue_effect text, suspended_access text, limited_kbps int,"
    " lift_suspension_until timestamptz, balance_control text, credit_limit numeric,"
    " static_address inet) ORDER BY n.subject"
    " ON CONFLICT (customer_id) DO UPDATE SET version = excluded.version,"
    " operator_path = excluded.operator_path, recheck_at = excluded.recheck_at, "
    + ", ".join(f"{name} = excluded.{name}" for name in _COLUMNS.replace(" ", "").split(","))
    + f" WHERE s.version < excluded.version RETURNING customer_id) {_KEPT}"
)
_ACCOUNTS = text(
    f"WITH newest AS ({_NEWEST}), kept AS ("
    " INSERT INTO subscriber AS s (customer_id, account_version, operator_path, overdue,"
    " outstanding, available_funds)"
    " SELECT n.subject, n.sequence, n.operator_path, a.overdue, a.outstanding, a.available_funds"
    " FROM newest n, jsonb_to_record(n.data) AS a(overdue boolean, outstanding numeric,"
    " available_funds numeric) ORDER BY n.subject"
    " ON CONFLICT (customer_id) DO UPDATE SET account_version = excluded.account_version,"
    " overdue = excluded.overdue, outstanding = excluded.outstanding,"
    " available_funds = excluded.available_funds"
    f" WHERE s.account_version < excluded.account_version RETURNING customer_id) {_KEPT}"
)
_PACKAGES = text(
    f"WITH newest AS ({_NEWEST})"
    " INSERT INTO package_fact AS p"
    " (id, version, name, download_kbps, upload_kbps, retired, attributes)"
    " SELECT n.subject, n.sequence, a.name, a.download_kbps, a.upload_kbps, a.retired,"
    " coalesce(a.attributes, '{}') FROM newest n, jsonb_to_record(n.data) AS a(name text,"
    " download_kbps int, upload_kbps int, retired boolean, attributes jsonb) ORDER BY n.subject"
    " ON CONFLICT (id) DO UPDATE SET version = excluded.version, name = excluded.name,"
    " download_kbps = excluded.download_kbps, upload_kbps = excluded.upload_kbps,"
    " retired = excluded.retired, attributes = excluded.attributes"
    " WHERE p.version < excluded.version RETURNING id"
)


def keep_customers(session: Session, events: Sequence[Wire]) -> Array:
    """Whose facts are newer than before."""
    return Array(session.execute(_CUSTOMERS, {"events": as_json(events)}).scalar_one())


def keep_accounts(session: Session, events: Sequence[Wire]) -> Array:
    """Whose money is newer than before; the customer itself may still be unknown."""
    return Array(session.execute(_ACCOUNTS, {"events": as_json(events)}).scalar_one())


def keep_packages(session: Session, events: Sequence[Wire]) -> list[UUID]:
    """Which packages are newer than before. Attributes that may not be sent are left out (B8)."""
    safe = [
        {**event, "data": {**event["data"], "attributes": sendable(event["data"].get("attributes") or {})}}
        for event in events
    ]  # fmt: skip
    return list(session.scalars(_PACKAGES, {"events": orjson.dumps(safe).decode()}))


_HOLDS = text(
    "SELECT operator_path, hold FROM operator_fact, unnest(holds) AS hold WHERE id = ANY(:ids)"
)


def operator_holds(session: Session, events: Sequence[Wire]) -> frozenset[tuple[str, str]]:
    """(path, hold) of the operators these events are about, as kept now."""
    ids = [UUID(event["subject"]) for event in events]
    return frozenset((row.operator_path, row.hold) for row in session.execute(_HOLDS, {"ids": ids}))
