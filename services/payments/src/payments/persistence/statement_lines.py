"""Lines of statements: added once however often they are sent, matched in sets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Date, Integer, Select, Table, Text, case, func, select, text
from sqlalchemy.orm import Session

from payments.persistence.gateway_tables import payment_review
from payments.persistence.tables import ID, MONEY, PATH, WHEN, metadata
from payments.persistence.tables import _column as column
from shared.database import Scope

statement_line = Table(
    "statement_line",
    metadata,
    column("id", ID, primary_key=True),
    column("import_id", ID),
    column("operator_path", PATH),
    column("source", Text),
    column("line", Integer),
    column("booked_on", Date),
    column("amount", MONEY),
    column("fee", MONEY),
    column("currency", Text),
    column("reference", Text, nullable=True),
    column("description", Text, nullable=True),
    column("state", Text),
    column("exception", Text, nullable=True),
    column("payment_id", ID, nullable=True),
    column("decided_by", Text, nullable=True),
    column("decided_at", WHEN, nullable=True),
    column("version", Integer),
)


# One payment for one line, and the other way round: else somebody decides.
_MATCH = text(
    "WITH open AS MATERIALIZED (SELECT * FROM statement_line WHERE state = 'open'"
    " AND operator_path = :path AND reference IS NOT NULL FOR UPDATE),"
    " named AS MATERIALIZED (SELECT o.id AS line_id, p.id AS payment_id, o.booked_on,"
    " p.amount = o.amount AND p.currency = o.currency AS agrees FROM open o"
    " JOIN payment p ON lower(p.transaction_reference) = lower(o.reference)"
    " AND p.transaction_reference IS NOT NULL AND p.status <> 'voided'"
    " AND starts_with(p.operator_path, :path) WHERE NOT EXISTS"
    " (SELECT FROM statement_line x WHERE x.payment_id = p.id)),"
    " sure AS MATERIALIZED (SELECT n.* FROM named n WHERE n.agrees"
    " AND (SELECT count(*) FROM named m WHERE m.line_id = n.line_id AND m.agrees) = 1"
    " AND (SELECT count(*) FROM named m WHERE m.payment_id = n.payment_id AND m.agrees) = 1),"
    " settled AS (UPDATE payment p SET settled_at = coalesce(p.settled_at, s.booked_on),"
    " version = p.version + 1 FROM sure s WHERE p.id = s.payment_id),"
    " matched AS (UPDATE statement_line l SET state = 'matched', payment_id = s.payment_id,"
    " exception = NULL, decided_by = 'system', decided_at = now(), version = l.version + 1"
    " FROM sure s WHERE l.id = s.line_id RETURNING l.id)"
    " SELECT count(*) FROM matched"
)
_EXPLAIN = text(
    "UPDATE statement_line l SET exception = why.exception, version = l.version + 1 FROM ("
    " SELECT o.id, CASE WHEN count(p.id) > 1 THEN 'ambiguous' WHEN count(p.id) = 1"
    " THEN 'amount_differs' WHEN bool_or(g.transaction IS NOT NULL) THEN 'not_in_books'"
    " ELSE 'unknown' END AS exception FROM statement_line o"
    " LEFT JOIN payment p ON lower(p.transaction_reference) = lower(o.reference)"
    " AND p.transaction_reference IS NOT NULL AND p.status <> 'voided'"
    " AND starts_with(p.operator_path, :path)"
    " LEFT JOIN gateway_transaction g ON g.transaction = o.reference AND g.payment_id IS NULL"
    " AND starts_with(g.operator_path, CASE WHEN :path = '1/' THEN '' ELSE :path END)"
    " WHERE o.state = 'open' AND o.operator_path = :path GROUP BY o.id) why"
    " WHERE l.id = why.id AND l.exception IS DISTINCT FROM why.exception"
)


def match_open(session: Session, path: str) -> int:
    """Match the open lines of an importer's own statements with payments of the importer's branch, and
    say why the others stay open."""
    done = int(session.scalar(_MATCH, {"path": path}) or 0)
    session.execute(_EXPLAIN, {"path": path})
    return done


def locked(session: Session, line_id: UUID) -> Any:
    return session.execute(
        text("SELECT * FROM statement_line WHERE id = :id FOR UPDATE"), {"id": line_id}
    ).one_or_none()


def payment(session: Session, payment_id: UUID) -> Any:
    return session.execute(
        text("SELECT * FROM payment WHERE id = :id FOR UPDATE"), {"id": payment_id}
    ).one_or_none()


def is_matched(session: Session, payment_id: UUID) -> bool:
    return bool(
        session.scalar(
            text("SELECT 1 FROM statement_line WHERE payment_id = :id"), {"id": payment_id}
        )
    )


def set_matched(session: Session, line_id: UUID, payment_id: UUID, who: str) -> None:
    session.execute(
        text(
            "WITH matched AS (UPDATE statement_line SET state = 'matched', payment_id = :payment,"
            " exception = NULL, decided_by = :who, decided_at = now(), version = version + 1"
            " WHERE id = :id RETURNING booked_on) UPDATE payment SET version = version + 1,"
            " settled_at = coalesce(settled_at, matched.booked_on) FROM matched"
            " WHERE payment.id = :payment"
        ),
        {"id": line_id, "payment": payment_id, "who": who},
    )


def set_ignored(session: Session, line_id: UUID, who: str) -> None:
    session.execute(
        text(
            "UPDATE statement_line SET state = 'ignored', exception = NULL, decided_by = :who,"
            " decided_at = now(), version = version + 1 WHERE id = :id"
        ),
        {"id": line_id, "who": who},
    )


def lines(scope: Scope, filters: Mapping[str, Any]) -> Select[Any]:
    query = select(statement_line).where(scope.covers(statement_line.c.operator_path))
    for name in ("state", "exception", "import_id", "source"):
        if filters.get(name) is not None:
            query = query.where(statement_line.c[name] == filters[name])
    return query


def _age(days: Any) -> Any:
    return case(
        (days <= 7, "0-7"), (days <= 30, "8-30"), (days <= 90, "31-90"), else_="91+"
    ).label("age_days")  # fmt: skip


def open_by_age(scope: Scope, today: date) -> Select[Any]:
    """Lines that nobody has explained, by source, reason and age."""
    days = today - statement_line.c.booked_on
    age = _age(days)
    shown = (statement_line.c.source, statement_line.c.exception, statement_line.c.currency, age)
    return (
        select(
            *shown, func.count().label("lines"), func.sum(statement_line.c.amount).label("amount")
        )
        .where(scope.covers(statement_line.c.operator_path), statement_line.c.state == "open")
        .group_by(*shown)
        # As text `31-90` would come before `8-30`.
        .order_by(*shown[:-1], func.max(days))
    )


def reviews_by_age(scope: Scope, today: date) -> Select[Any]:
    """Money at gateways that waits for a person, of whom nobody may know, by gateway, cause and age."""
    r = payment_review.c
    days = today - func.date(r.opened_at)
    age = _age(days)
    shown = (r.gateway, r.cause, r.currency, age)
    return (
        select(*shown, func.count().label("payments"), func.sum(r.amount).label("amount"))
        .where(scope.covers(r.operator_path), r.state == "open")
        .group_by(*shown)
        .order_by(*shown[:-1], func.max(days))
    )


# A bank writes a phone number as it is dialled at home, with or without signs in it.
_CALLED = " OR length(f.phone) > 9 AND strpos(translate({0}, ' .()+-', ''), right(f.phone, 9)) > 0"
_FORGET = text(
    "UPDATE statement_line l SET description = NULL, version = l.version + 1 FROM customer_fact f"
    " WHERE f.id = ANY(:ids) AND f.erased_at IS NULL AND l.description IS NOT NULL"
    " AND (l.payment_id IN (SELECT id FROM payment WHERE customer_id = f.id)"
    "  OR EXISTS (SELECT FROM unnest(ARRAY[f.name, f.username, f.phone]) AS said(word)"
    "   WHERE length(word) > 2 AND strpos(lower(l.description), lower(word)) > 0)"
    f"{_CALLED.format('l.description')}) RETURNING f.id, l.id::text"
)


# While a row waits for its job nobody knows whose it is, so all of a line that names the person goes.
_FORGET_ROWS = text(
    "UPDATE statement_row r SET fields = r.fields - 'description' FROM customer_fact f"
    " WHERE f.id = ANY(:ids) AND f.erased_at IS NULL AND (EXISTS (SELECT FROM"
    " unnest(ARRAY[f.name, f.username, f.phone]) AS said(word) WHERE length(word) > 2"
    " AND strpos(lower(r.fields->>'description'), lower(word)) > 0)"
    + _CALLED.format("r.fields->>'description'")
    + ") RETURNING f.id, r.id::text"
)


def forget(session: Session, ids: Sequence[UUID]) -> list[tuple[str, UUID, str]]:
    """Descriptions that name the customers, while their names are still known."""
    given = {"ids": list(ids)}
    return [
        (table, customer, key)
        for table, statement in (("statement_line", _FORGET), ("statement_row", _FORGET_ROWS))
        for customer, key in session.execute(statement, given)
    ]


def pseudonymise(session: Session, ids: Sequence[UUID]) -> list[tuple[str, UUID, str]]:
    """Lines of their payments name what the payments name now: digests."""
    rows = session.execute(
        text(
            "UPDATE statement_line l SET reference = p.transaction_reference, description = NULL,"
            " version = l.version + 1 FROM payment p WHERE p.id = l.payment_id"
            " AND p.customer_id = ANY(:ids) RETURNING p.customer_id, l.id::text"
        ),
        {"ids": list(ids)},
    )
    return [("statement_line", customer, key) for customer, key in rows]
