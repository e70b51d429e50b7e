"""Cash drawers, shifts and hand-overs."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Numeric, Select, Table, Text, insert, select, text
from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7

from payments.persistence.tables import ID, MONEY, PATH, WHEN, metadata
from payments.persistence.tables import _column as column
from shared.database import Scope
from shared.operations import SYSTEM_PATH, Actor

cash_drawer = Table(
    "cash_drawer",
    metadata,
    column("id", ID, primary_key=True),
    column("operator_id", ID),
    column("currency", Text),
    column("balance", MONEY),
    column("cash_limit", MONEY, nullable=True),
    column("version", Numeric),
)
operator_fact = Table(
    "operator_fact",
    metadata,
    column("id", ID, primary_key=True),
    column("operator_path", PATH),
    column("name", Text),
)
cash_shift = Table(
    "cash_shift",
    metadata,
    column("id", ID, primary_key=True),
    column("operator_id", ID),
    column("operator_name", Text),
    column("operator_path", PATH),
    column("currency", Text),
    column("opened_at", WHEN),
    column("opening_expected", MONEY),
    column("opening_counted", MONEY),
    column("closed_at", WHEN, nullable=True),
    column("closing_expected", MONEY, nullable=True),
    column("closing_counted", MONEY, nullable=True),
    column("note", Text, nullable=True),
    column("version", Numeric),
)
cash_hand_over = Table(
    "cash_hand_over",
    metadata,
    column("id", ID, primary_key=True),
    column("giver_id", ID),
    column("giver_name", Text),
    column("operator_path", PATH),
    column("taker_id", ID),
    column("taker_name", Text),
    column("amount", MONEY),
    column("currency", Text),
    column("state", Text),
    column("note", Text, nullable=True),
    column("created_at", WHEN),
    column("decided_at", WHEN, nullable=True),
    column("version", Numeric),
)


def open_drawer(session: Session, operator_id: UUID, currency: str) -> Any:
    """The drawer, locked until commit; made when there was none."""
    return session.execute(
        text("SELECT * FROM open_drawer(:operator, :currency)"),
        {"operator": operator_id, "currency": currency},
    ).one()


def limited(session: Session, operator_id: UUID, currency: str) -> Any:
    """The drawer, locked, when it has a limit; else None."""
    given = {"operator": operator_id, "currency": currency}
    has = session.scalar(
        text(
            "SELECT 1 FROM cash_drawer WHERE operator_id = :operator AND currency = :currency"
            " AND cash_limit IS NOT NULL"
        ),
        given,
    )
    return open_drawer(session, operator_id, currency) if has else None


def move(
    session: Session, actor: Actor, currency: str, giver: UUID | None, taker: UUID | None,
    amount: Decimal, *, path: str | None = None,
) -> None:  # fmt: skip
    """Book cash from `giver` to `taker`; None stands for what was counted beside the books."""
    session.execute(
        text("SELECT move_cash(:id, :path, :currency, :actor, :giver, :taker, :amount)"),
        {"id": uuid7(), "path": path or actor.path or SYSTEM_PATH, "currency": currency,
         "actor": actor.id, "giver": giver, "taker": taker, "amount": amount},
    )  # fmt: skip


def set_limit(session: Session, operator_id: UUID, currency: str, limit: Decimal | None) -> Any:
    return session.execute(
        text(
            "UPDATE cash_drawer SET cash_limit = :limit, version = version + 1"
            " WHERE operator_id = :operator AND currency = :currency RETURNING *"
        ),
        {"operator": operator_id, "currency": currency, "limit": limit},
    ).one()


def drawers(scope: Scope) -> Select[Any]:
    return (
        select(cash_drawer, operator_fact.c.name.label("operator_name"))
        .join(operator_fact, operator_fact.c.id == cash_drawer.c.operator_id)
        .where(scope.covers(operator_fact.c.operator_path))
    )


def operator(session: Session, operator_id: UUID) -> Any:
    """id, name and operator_path; None when not known (or outside a scoped session's branch)."""
    return session.execute(
        select(operator_fact).where(operator_fact.c.id == operator_id)
    ).one_or_none()


def operator_at(session: Session, path: str) -> Any:
    return session.execute(
        select(operator_fact).where(operator_fact.c.operator_path == path)
    ).one_or_none()


def shift_of(session: Session, operator_id: UUID, currency: str) -> Any:
    return session.scalar(
        text(
            "SELECT id FROM cash_shift WHERE operator_id = :operator AND currency = :currency"
            " AND closed_at IS NULL"
        ),
        {"operator": operator_id, "currency": currency},
    )


def add_shift(session: Session, row: Mapping[str, Any]) -> None:
    session.execute(insert(cash_shift), [dict(row)])


def locked_shift(session: Session, shift_id: UUID) -> Any:
    return session.execute(
        text("SELECT * FROM cash_shift WHERE id = :id FOR UPDATE"), {"id": shift_id}
    ).one_or_none()


def close_shift(
    session: Session, shift_id: UUID, expected: Decimal, counted: Decimal, note: str | None
) -> None:
    session.execute(
        text(
            "UPDATE cash_shift SET closed_at = now(), closing_expected = :expected,"
            " closing_counted = :counted, note = :note, version = version + 1 WHERE id = :id"
        ),
        {"id": shift_id, "expected": expected, "counted": counted, "note": note},
    )


def shifts(scope: Scope, filters: Mapping[str, Any]) -> Select[Any]:
    query = select(cash_shift).where(scope.covers(cash_shift.c.operator_path))
    if filters.get("operator_id") is not None:
        query = query.where(cash_shift.c.operator_id == filters["operator_id"])
    return query


def pending(session: Session, giver: UUID, currency: str) -> Decimal:
    """Cash that is on its way to somebody who has not accepted it yet."""
    found = session.scalar(
        text(
            "SELECT coalesce(sum(amount), 0) FROM cash_hand_over WHERE giver_id = :giver"
            " AND currency = :currency AND state = 'pending'"
        ),
        {"giver": giver, "currency": currency},
    )
    return Decimal(found or 0)


def add_hand_over(session: Session, row: Mapping[str, Any]) -> None:
    session.execute(insert(cash_hand_over), [dict(row)])


def locked_hand_over(session: Session, hand_over_id: UUID) -> Any:
    return session.execute(
        text("SELECT * FROM cash_hand_over WHERE id = :id FOR UPDATE"), {"id": hand_over_id}
    ).one_or_none()


def mark_decided(session: Session, hand_over_id: UUID, state: str) -> None:
    session.execute(
        text(
            "UPDATE cash_hand_over SET state = :state, decided_at = now(), version = version + 1"
            " WHERE id = :id"
        ),
        {"id": hand_over_id, "state": state},
    )


def hand_overs(scope: Scope, filters: Mapping[str, Any]) -> Select[Any]:
    query = select(cash_hand_over).where(scope.covers(cash_hand_over.c.operator_path))
    if filters.get("state") is not None:
        query = query.where(cash_hand_over.c.state == filters["state"])
    return query
