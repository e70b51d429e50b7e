"""Proforma bills, and whose next period is to be announced."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import BigInteger, Numeric, Select, Table, Text, select, text
from sqlalchemy.orm import Session
from sqlalchemy.sql import ColumnElement

from payments.persistence.tables import ID, MONEY, PATH, WHEN, account, customer_fact, metadata
from payments.persistence.tables import _column as column
from shared.database import Scope

proforma = Table(
    "proforma",
    metadata,
    column("id", ID, primary_key=True),
    column("number", Text),
    column("customer_id", ID),
    column("operator_path", PATH),
    column("currency", Text),
    column("total", MONEY),
    column("tax", MONEY),
    column("tax_percent", Numeric(7, 4)),
    column("package_id", ID),
    column("description", Text),
    column("period_start", WHEN),
    column("period_end", WHEN),
    column("state", Text),
    column("bill_id", ID, nullable=True),
    column("announced_at", WHEN),
    column("ended_at", WHEN, nullable=True),
    column("version", BigInteger),
)

# Each end of a period is taken once, by whoever marks it; a new end, or another package, is news.
_TAKE = text(
    "WITH due AS (SELECT f.id FROM customer_fact f JOIN package_fact p ON p.id = f.package_id"
    " WHERE f.activated AND f.erased_at IS NULL AND f.announced_for IS DISTINCT FROM f.expires_at"
    " AND f.expires_at <= now() + :days * interval '1 day' AND f.expires_at > now()"
    " AND f.standing = 'customer' AND NOT f.holds && ARRAY['export', 'terminated', 'vacation']"
    " ORDER BY f.expires_at LIMIT :most),"
    " locked AS MATERIALIZED (SELECT f.id FROM customer_fact f"
    " WHERE f.id IN (SELECT id FROM due) ORDER BY f.id FOR UPDATE)"
    " UPDATE customer_fact f SET announced_for = f.expires_at FROM locked, package_fact p"
    " WHERE f.id = locked.id AND p.id = f.package_id"
    " AND f.announced_for IS DISTINCT FROM f.expires_at"
    " RETURNING f.id AS customer_id, f.operator_path, f.operator_id, f.operator_name,"
    " f.expires_at AS period_start, f.expires_at + p.validity_days * interval '1 day' AS period_end,"
    " p.id AS package_id, p.name, p.price, p.currency, p.validity_days,"
    " (SELECT o.username FROM operator_fact o WHERE o.id = f.operator_id) AS operator_username,"
    " EXISTS (SELECT FROM bill b WHERE b.customer_id = f.id AND b.period_start = f.expires_at"
    " AND b.status <> 'void') AS billed"
)


def take_due(session: Session, days: int, most: int) -> list[Any]:
    """Customers whose period ends within `days`, with their package; marked as announced."""
    return list(session.execute(_TAKE, {"days": days, "most": most}))


_AGAIN = text(
    "UPDATE customer_fact SET announced_for = NULL"
    " WHERE id = :customer AND announced_for = :start AND expires_at = :start"
)


def announce_again(session: Session, customer_id: UUID, start: datetime) -> None:
    """The period that begins then has no bill any more: if it is the next one, it is announced anew."""
    session.execute(_AGAIN, {"customer": customer_id, "start": start})


_INSERT = text(
    "INSERT INTO proforma (id, number, customer_id, operator_path, currency, total, tax,"
    " tax_percent, package_id, description, period_start, period_end) SELECT g.* FROM jsonb_to_recordset("
    " CAST(:rows AS jsonb)) AS g(id uuid, number text, customer_id uuid, operator_path text,"
    " currency text, total numeric, tax numeric, tax_percent numeric, package_id uuid,"
    " description text, period_start timestamptz,"
    " period_end timestamptz) RETURNING *"
)


def insert(session: Session, rows: Sequence[Mapping[str, Any]]) -> list[Any]:
    return list(session.execute(_INSERT, {"rows": orjson.dumps(rows, default=str).decode()}))


_REPLACE = text(
    "UPDATE proforma SET state = 'replaced', ended_at = now(), version = version + 1"
    " WHERE state = 'open' AND customer_id = ANY(:customers)"
)
_FULFIL = text(
    "UPDATE proforma p SET state = 'issued', bill_id = b.id, ended_at = now(),"
    " version = p.version + 1 FROM (SELECT DISTINCT ON (b.customer_id) b.id, b.customer_id,"
    " b.period_end FROM bill b WHERE b.id = ANY(:bills) AND b.period_end IS NOT NULL"
    " ORDER BY b.customer_id, b.period_end DESC) b"
    " WHERE p.customer_id = b.customer_id AND p.state = 'open' AND b.period_end > p.period_start"
)
_WITHDRAW = text(
    "UPDATE proforma p SET state = 'withdrawn', ended_at = now(), version = p.version + 1"
    " FROM customer_fact f WHERE f.id = p.customer_id AND p.customer_id = ANY(:customers)"
    " AND p.state = 'open' AND f.standing <> 'customer'"
)
_LAPSE = text(
    "UPDATE proforma SET state = 'lapsed', ended_at = now(), version = version + 1 WHERE id IN ("
    " SELECT id FROM proforma WHERE state = 'open' AND period_end <= now() ORDER BY period_end"
    " LIMIT :most FOR UPDATE SKIP LOCKED) RETURNING id"
)


def replace(session: Session, customers: Sequence[UUID]) -> None:
    session.execute(_REPLACE, {"customers": list(customers)})


def fulfil(session: Session, bills: Sequence[UUID]) -> None:
    """These bills take the place of what was announced for their periods."""
    session.execute(_FULFIL, {"bills": list(bills)})


def withdraw(session: Session, customers: Sequence[UUID]) -> None:
    """Those of customers who were closed, deleted or exported."""
    session.execute(_WITHDRAW, {"customers": list(customers)})


def lapse(session: Session, most: int) -> list[UUID]:
    """Those whose whole period went by without a bill."""
    return list(session.scalars(_LAPSE, {"most": most}))


def locked(session: Session, proforma_id: UUID) -> Any:
    """The caller locks the account first."""
    return session.execute(
        text("SELECT * FROM proforma WHERE id = :id FOR UPDATE"), {"id": proforma_id}
    ).one_or_none()


def listed(
    scope: Scope, filters: Mapping[str, Any], whose: ColumnElement[bool] | None = None
) -> Select[Any]:
    """Of the caller's branch, with name and funds; `from` and `to` are about `announced_at`."""
    query = (
        select(
            proforma,
            customer_fact.c.name.label("customer_name"),
            customer_fact.c.username,
            customer_fact.c.customer_number,
            account.c.available_funds,
        )
        .join(customer_fact, customer_fact.c.id == proforma.c.customer_id)
        .join(account, account.c.customer_id == proforma.c.customer_id)
        .where(scope.covers(proforma.c.operator_path))
    )
    for name, compared, compare in (
        ("customer_id", proforma.c.customer_id, operator.eq),
        ("state", proforma.c.state, operator.eq),
        ("number", proforma.c.number, operator.eq),
        ("from", proforma.c.announced_at, operator.ge),
        ("to", proforma.c.announced_at, operator.lt),
    ):
        if filters.get(name) is not None:
            query = query.where(compare(compared, filters[name]))
    return query if whose is None else query.where(whose)


def detail(session: Session, scope: Scope, proforma_id: UUID) -> Any:
    """None outside the caller's branch."""
    found = listed(scope, {}).where(proforma.c.id == proforma_id)
    return session.execute(found).one_or_none()
