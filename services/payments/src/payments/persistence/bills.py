"""Bills: written in one statement however many, found by list, number and customer."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from sqlalchemy import Select, func, literal_column, select, text
from sqlalchemy.orm import Session
from sqlalchemy.sql import ColumnElement

from payments.persistence import debits
from payments.persistence.tables import bill, customer_fact
from shared.database import Scope

SORTABLE = {"issued_at": bill.c.issued_at, "due_at": bill.c.due_at}
_TAKEN = text(
    "SELECT b.customer_id, b.period_start FROM unnest(CAST(:customers AS uuid[]),"
    " CAST(:starts AS timestamptz[])) AS w(customer_id, start)"
    " JOIN bill b ON b.customer_id = w.customer_id AND b.period_start = w.start"
    " AND b.status <> 'void'"
)


def billed_periods(
    session: Session, periods: Sequence[tuple[UUID, datetime]]
) -> set[tuple[UUID, datetime]]:
    """Those of the (customer, period start) that have a bill that is not void."""
    if not periods:
        return set()
    customers, starts = zip(*periods, strict=True)
    rows = session.execute(_TAKEN, {"customers": list(customers), "starts": list(starts)})
    return {(row.customer_id, row.period_start) for row in rows}


class Period(NamedTuple):
    """A period of service: when it begins, and of which package it is."""

    customer_id: UUID
    start: datetime
    package_id: UUID


_OF_OTHER_PACKAGES = text(
    "SELECT b.id FROM unnest(CAST(:customers AS uuid[]), CAST(:starts AS timestamptz[]),"
    " CAST(:packages AS uuid[])) AS w(customer_id, start, package_id)"
    " JOIN bill b ON b.customer_id = w.customer_id AND b.period_start = w.start"
    " AND b.status <> 'void'"
    # What was billed by hand is of no package.
    " WHERE (SELECT bool_and(i.package_id <> w.package_id) FROM bill_item i WHERE i.bill_id = b.id)"
    " ORDER BY b.customer_id"
)


def of_other_packages(session: Session, periods: Sequence[Period]) -> list[UUID]:
    """The bills of these periods that are of another package."""
    if not periods:
        return []
    customers, starts, packages = zip(*periods, strict=True)
    given = {"customers": list(customers), "starts": list(starts), "packages": list(packages)}
    return list(session.scalars(_OF_OTHER_PACKAGES, given))


# The facts' end is that of the last period that was served. What an export runs for stays (C35), and
# what was billed by hand is of no package.
_NEVER_SERVED = text(
    "SELECT b.id FROM customer_fact f JOIN bill b ON b.customer_id = f.id"
    " AND b.period_start >= f.expires_at AND b.status <> 'void'"
    " WHERE f.id = ANY(CAST(:customers AS uuid[])) AND f.standing IN ('closed', 'deleted')"
    " AND f.erased_at IS NULL AND NOT 'export' = ANY(f.holds)"
    " AND (SELECT bool_and(i.package_id IS NOT NULL) FROM bill_item i WHERE i.bill_id = b.id)"
    " ORDER BY b.customer_id, b.period_start"
)


def never_served(session: Session, customers: Sequence[UUID]) -> list[UUID]:
    """The bills of periods that those of `customers` who were closed or deleted will not have."""
    return list(session.scalars(_NEVER_SERVED, {"customers": list(customers)}))


_INSERT = text(
    "INSERT INTO bill (id, number, customer_id, operator_path, currency, total,"
    " tax, period_start, period_end, issued_at, due_at) SELECT id, number, customer_id,"
    " operator_path, currency, total, tax, period_start, period_end, issued_at, due_at"
    " FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS g(id uuid, number text, customer_id uuid,"
    " operator_path text, currency text, total numeric, tax numeric, period_start timestamptz,"
    " period_end timestamptz, issued_at timestamptz, due_at timestamptz)"
)
# A statement of its own: in a branch an item is seen, and may be written, with its bill that is there.
_ITEMS_OF = text(
    "INSERT INTO bill_item (bill_id, line, description, quantity, amount, tax, tax_percent,"
    " package_id)"
    " SELECT g.id, i.line, i.item->>'description', CAST(i.item->>'quantity' AS int),"
    " CAST(i.item->>'amount' AS numeric), CAST(i.item->>'tax' AS numeric),"
    " CAST(i.item->>'tax_percent' AS numeric), CAST(i.item->>'package_id' AS uuid)"
    " FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS g(id uuid, items jsonb),"
    " jsonb_array_elements(g.items) WITH ORDINALITY AS i(item, line)"
)


def insert(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    given = {"rows": orjson.dumps(rows, default=str).decode()}
    session.execute(_INSERT, given)
    session.execute(_ITEMS_OF, given)
    debits.billed(session, [row["customer_id"] for row in rows], [row["due_at"] for row in rows])


def locked(session: Session, bill_id: UUID) -> Any:
    """The bill, or None outside the caller's branch. The caller locks the account first."""
    return session.execute(
        text("SELECT * FROM bill WHERE id = :id FOR UPDATE"), {"id": bill_id}
    ).one_or_none()


def mark_void(session: Session, bill_id: UUID) -> None:
    session.execute(
        text(
            "UPDATE bill SET status = 'void', voided_at = now(), version = version + 1"
            " WHERE id = :id"
        ),
        {"id": bill_id},
    )


def owed(session: Session, customer_id: UUID) -> Decimal:
    """What is unpaid of a customer's bills."""
    found = session.scalar(
        text(
            "SELECT coalesce(sum(total - paid), 0) FROM bill WHERE customer_id = :customer"
            " AND status IN ('open', 'partly_paid', 'overdue')"
        ),
        {"customer": customer_id},
    )
    return Decimal(found or 0)


# Nothing falls due while an export runs (C33): the status is the former one until it is over (C37, C38).
BILLED_HERE = "NOT 'export' = ANY(f.holds)"
# Of the class of the customer, else of everybody, else of the site's settings.
GRACE = (
    "coalesce((SELECT p.grace_days FROM dunning_policy p WHERE p.class_id = f.class_id"
    " OR p.class_id IS NULL ORDER BY p.class_id NULLS LAST LIMIT 1), :grace) * interval '1 day'"
)
_FALLEN_DUE = text(
    "SELECT DISTINCT customer_id FROM (SELECT b.customer_id FROM bill b"
    f" JOIN customer_fact f ON f.id = b.customer_id AND f.erased_at IS NULL AND {BILLED_HERE}"
    " WHERE b.status IN ('open', 'partly_paid') AND b.due_at < :now"
    f" AND b.due_at < CAST(:now AS timestamptz) - {GRACE} ORDER BY b.due_at LIMIT :most) late"
)
_MARK_OVERDUE = text(
    "UPDATE bill b SET status = 'overdue', overdue_at = now(), version = b.version + 1"
    " FROM customer_fact f WHERE f.id = b.customer_id AND b.customer_id = ANY(:customers)"
    f" AND {BILLED_HERE} AND b.status IN ('open', 'partly_paid')"
    f" AND b.due_at < CAST(:now AS timestamptz) - {GRACE}"
    " RETURNING b.*"
)


def fallen_due(session: Session, now: datetime, grace_days: int, most: int) -> list[UUID]:
    """Customers with bills whose grace is over; `grace_days` where no policy says otherwise."""
    return list(session.scalars(_FALLEN_DUE, {"now": now, "grace": grace_days, "most": most}))


def mark_overdue(
    session: Session, customers: Sequence[UUID], now: datetime, grace_days: int
) -> list[Any]:
    return list(
        session.execute(
            _MARK_OVERDUE, {"customers": list(customers), "now": now, "grace": grace_days}
        )
    )


_ITEMS = (
    "(SELECT jsonb_agg(jsonb_build_object('description', i.description, 'quantity', i.quantity,"
    " 'amount', i.amount::text, 'tax', i.tax::text, 'tax_percent', trim_scale(i.tax_percent)::text)"
    " ORDER BY i.line) FROM bill_item i WHERE i.bill_id = bill.id)"
)
_DETAIL = text(
    f"SELECT bill.*, f.name AS customer_name, f.username, {_ITEMS} AS items_json"
    " FROM bill JOIN customer_fact f ON f.id = bill.customer_id WHERE bill.id = :id"
)


def detail(session: Session, bill_id: UUID) -> Any:
    """One bill with its items and its customer's name; None outside the caller's branch."""
    return session.execute(_DETAIL, {"id": bill_id}).one_or_none()


def listed(
    scope: Scope, filters: Mapping[str, Any], whose: ColumnElement[bool] | None = None
) -> Select[Any]:
    """Bills of the caller's branch; `from` and `to` are about the day of issue."""
    query = (
        select(
            bill,
            customer_fact.c.name.label("customer_name"),
            customer_fact.c.username,
            literal_column(_ITEMS).label("items_json"),
        )
        .select_from(bill.join(customer_fact, customer_fact.c.id == bill.c.customer_id))
        .where(scope.covers(bill.c.operator_path))
    )
    for name, column, compare in (
        ("customer_id", bill.c.customer_id, operator.eq),
        ("status", bill.c.status, operator.eq),
        ("number", bill.c.number, operator.eq),
        ("from", bill.c.issued_at, operator.ge),
        ("to", bill.c.issued_at, operator.lt),
        ("due_before", bill.c.due_at, operator.lt),
    ):
        if filters.get(name) is not None:
            query = query.where(compare(column, filters[name]))
    return query if whose is None else query.where(whose)


def now(session: Session) -> datetime:
    """The database's clock at the beginning of the transaction."""
    moment: datetime = session.scalar(select(func.now()))  # type: ignore[assignment]
    return moment
