"""Customers: found, locked and told of, always within a branch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Select, Text, func, literal_column, or_, select, text
from sqlalchemy.orm import Session, joinedload
from sqlalchemy.sql import ColumnElement

from customers.domain import (
    Account,
    Customer,
    Hold,
    IsDeleted,
    IsErased,
    Missing,
    OperatorHold,
    ancestors,
)
from customers.persistence import tables
from shared.arrays import among
from shared.database import Scope
from shared.patterns import literally

c = tables.customer.c
_WHOLE = (
    joinedload(tables.OPERATOR, innerjoin=True),
    joinedload(tables.CLASS, innerjoin=True),
    joinedload(tables.PACKAGE),
)


def whole(*conditions: ColumnElement[bool]) -> Select[Customer]:
    """Customers with operator, class and package, by one query."""
    return select(Customer).options(*_WHOLE).where(*conditions)


def lock(session: Session, scope: Scope, ids: Iterable[UUID]) -> dict[UUID, Customer]:
    """The customers of the branch, of any state, locked in the order of their ids (no deadlocks)."""
    found = session.scalars(
        whole(among(c.id, ids), scope.covers(c.operator_path))
        .order_by(c.id)
        .with_for_update(of=tables.customer)
        .execution_options(populate_existing=True)
    )
    return {customer.id: customer for customer in found}


_LOCK = text("SELECT FROM customer WHERE id = ANY(:ids) ORDER BY id FOR UPDATE")


def lock_rows(session: Session, ids: Iterable[UUID]) -> None:
    """The same for statements that need no objects of them."""
    session.execute(_LOCK, {"ids": list(ids)})


def lock_one(session: Session, scope: Scope, customer_id: UUID) -> Customer:
    """One customer of any state. Raises Missing; IsErased when there was one."""
    found = lock(session, scope, [customer_id]).get(customer_id)
    if found is None:
        raise _absence(session, scope, customer_id)
    if found.state == "erasing":
        raise IsErased
    return found


def lock_living(session: Session, scope: Scope, customer_id: UUID) -> Customer:
    """Raises Missing, IsDeleted, IsErased."""
    found = lock_one(session, scope, customer_id)
    if found.state == "deleted":
        raise IsDeleted(customer_id)
    return found


def read_any(session: Session, scope: Scope, customer_id: UUID) -> Customer:
    """A customer of any state, not locked. Raises Missing, IsErased."""
    found = session.scalar(whole(c.id == customer_id, scope.covers(c.operator_path)))
    if found is None:
        raise _absence(session, scope, customer_id)
    return found


def read(session: Session, scope: Scope, customer_id: UUID) -> Customer:
    """A living customer, not locked. Raises Missing, IsDeleted, IsErased."""
    found = read_any(session, scope, customer_id)
    if found.state == "deleted":
        raise IsDeleted(customer_id)
    if found.state == "erasing":
        raise IsErased
    return found


def _absence(session: Session, scope: Scope, customer_id: UUID) -> Exception:
    erased = session.scalar(
        text(
            "SELECT true FROM erasure_subject s JOIN erasure e ON e.id = s.erasure_id"
            " WHERE s.customer_id = :id AND s.state IN ('erasing', 'done')"
            " AND (CAST(:lo AS text) IS NULL OR e.operator_path >= :lo AND e.operator_path < :hi)"
        ),
        {
            "id": customer_id,
            "lo": scope.path,
            "hi": scope.end if scope.path is not None else None,
        },
    )
    return IsErased() if erased else Missing("customer")


def holds_in_force(session: Session, ids: Iterable[UUID]) -> list[Hold]:
    h = tables.hold.c
    return list(
        session.scalars(
            select(Hold)
            .where(among(h.customer_id, ids), h.lifted_at.is_(None))
            .order_by(h.since, h.id)
        )
    )


HOLD_SHOWN = ("id", "kind", "reason", "since", "until", "actor")
_HOLDS_SHOWN = text(
    f"SELECT customer_id, {', '.join(HOLD_SHOWN)} FROM hold"
    " WHERE customer_id = ANY(:ids) AND lifted_at IS NULL ORDER BY since, id"
)


def holds_shown(session: Session, ids: Iterable[UUID]) -> Sequence[Any]:
    """The holds in force as answers show them, without making objects of them."""
    return session.execute(_HOLDS_SHOWN, {"ids": list(ids)}).all()


def accounts(session: Session, ids: Iterable[UUID]) -> list[Account]:
    a = tables.account.c
    return list(
        session.scalars(
            select(Account).where(among(a.customer_id, ids)).order_by(a.created_at, a.id)
        )
    )


def next_number(session: Session) -> str:
    """A customer number that nobody holds: numbers given by hand may lie ahead of the sequence."""
    return str(
        session.scalar(
            text(
                "SELECT number FROM (SELECT nextval('customer_number')::text AS number"
                " FROM generate_series(1, 1000)) n WHERE NOT EXISTS (SELECT FROM customer"
                " WHERE customer_number = n.number AND state <> 'erasing') LIMIT 1"
            )
        )
    )


def next_numbers(session: Session, many: int) -> list[str]:
    """As `next_number`, for many at once."""
    drawn = session.scalars(
        text(
            "SELECT number FROM (SELECT nextval('customer_number')::text AS number"
            " FROM generate_series(1, :many)) n WHERE NOT EXISTS (SELECT FROM customer"
            " WHERE customer_number = n.number AND state <> 'erasing')"
        ),
        {"many": many},
    ).all()
    return [*drawn, *(next_number(session) for _ in range(many - len(drawn)))]


def inherited_holds(session: Session) -> list[tuple[str, frozenset[str]]]:
    """Every operator path on which holds stand; mostly none. The root's rows are few."""
    return [
        (path, frozenset(holds)) for path, holds in session.execute(text("SELECT * FROM held()"))
    ]


def holds_above(held: Sequence[tuple[str, frozenset[str]]], path: str) -> frozenset[str]:
    """What stands on the operators from the root down to `path`."""
    return frozenset().union(*(kinds for above, kinds in held if path.startswith(above)))


def search(readings: Sequence[str]) -> ColumnElement[bool]:
    """Number, login, name, phone, e-mail contain one of the `readings` of a text (`identities`) literally;
    or the id is the text (A19-A21, B2-B5).
    """
    try:
        return c.id == UUID(readings[0])
    except ValueError:
        pass
    if len(readings[0]) < 3:
        # Two letters have no trigram: only the ordered indexes answer quickly.
        starts = [literally(one.lower()) + "%" for one in readings]
        return or_(
            *(column.like(one) for one in starts for column in (c.username, c.customer_number))
        )
    return or_(*(SEARCH.like(func.lower(f"%{literally(one)}%")) for one in readings))


def search_common(readings: Sequence[str]) -> ColumnElement[bool]:
    """The same for a text that fits many, in words of which the planner expects a third to fit: it walks
    along the list then, where LIKE promises it so few that it gathers and sorts them all."""
    return or_(*(func.strpos(SEARCH, func.lower(one)) > 0 for one in readings))


# A generated column, so no attribute of a customer.
SEARCH: ColumnElement[str] = literal_column("customer.search", Text)


def operator_holds_above(session: Session, path: str) -> list[tuple[OperatorHold, str]]:
    """The holds in force on operators from the root down to `path` that the session may see, with names."""
    h, o = tables.operator_hold.c, tables.operator.c
    rows = session.execute(
        select(OperatorHold, o.name)
        .join(tables.operator, o.id == h.operator_id)
        .where(h.operator_path.in_(ancestors(path)), h.lifted_at.is_(None))
        .order_by(h.since, h.id)
    )
    return [(hold, name) for hold, name in rows]
