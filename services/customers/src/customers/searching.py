"""The lists of customers and of deleted customers: columns, filters, order, and search."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Column, Select, and_, false, literal_column, not_, or_, select
from sqlalchemy.sql import ColumnElement

from customers import finding
from customers.finding import Found
from customers.persistence import tables
from shared.database import Scope

c, p, o = tables.customer.c, tables.package.c, tables.operator.c


def _of_few_values(column: Column[Any]) -> ColumnElement[Any]:
    """A column that all may have alike: as an expression without statistics, as its index has it (0029)."""
    return literal_column(f"(customer.{column.name} || '')", column.type)


SORTABLE: Mapping[str, ColumnElement[Any]] = {
    "created_at": c.created_at,
    "name": c.name,
    "username": c.username,
    "customer_number": c.customer_number,
    "status": c.status,
    "balance_control": _of_few_values(c.balance_control),
    "currency": _of_few_values(c.currency),
    "balance": c.balance,
    "credit_limit": c.credit_limit,
    "available_funds": c.available_funds,
    "expires_at": c.expires_at,
}


def _filled(column: Column[Any]) -> ColumnElement[Any]:
    """A column that is never null among the deleted (a CHECK says so): pages need not look for nulls."""
    return literal_column(f"customer.{column.name}", column.type)


DELETED_SORTABLE: Mapping[str, ColumnElement[Any]] = {
    "deleted_at": _filled(c.deleted_at),
    "name": c.name,
    "username": c.username,
    "customer_number": c.customer_number,
    "phone": c.phone,
    "package_name": c.deleted_package_name,
    "operator_name": _filled(c.deleted_operator_name),
    "deleted_by": _filled(c.deleted_by),
    "reason": _filled(c.deletion_reason),
    "erase_after": c.erase_after,
}
# What a row of each list shows, or is made of: half of the columns take half of the time.
LISTED_COLUMNS = (
    "id", "customer_number", "name", "username", "email", "phone", "address", "kind",
    "service_type", "static_address", "class_id", "operator_id", "operator_path", "package_id",
    "balance_control", "currency", "credit_limit", "balance", "available_funds",
    "spending_limit", "auto_payment", "status", "status_reason", "status_since", "holds",
    "expires_at", "lift_suspension_until", "legal_hold", "custom_fields", "created_at",
    "updated_at", "version",
)  # fmt: skip
LISTED = (*LISTED_COLUMNS, "package_name", "operator_name")
# A12 to A18: by the name in answers, the column that tells how it was then.
DELETED_LISTED: Mapping[str, str] = {
    "id": "id",
    "customer_number": "customer_number",
    "name": "name",
    "username": "username",
    "phone": "phone",
    "email": "email",
    "package_name": "deleted_package_name",
    "operator_name": "deleted_operator_name",
    "deleted_at": "deleted_at",
    "deleted_by": "deleted_by",
    "reason": "deletion_reason",
    "note": "deletion_note",
    "erase_after": "erase_after",
}
# Made once: putting them together takes as long as reading a page does.
_LIVING = (
    select(
        *(c[name] for name in LISTED_COLUMNS),
        p.name.label("package_name"),
        o.name.label("operator_name"),
    )
    .join_from(tables.customer, tables.operator, o.id == c.operator_id)
    .outerjoin(tables.package, p.id == c.package_id)
)
_LYING = select(*(c[name] for name in DELETED_LISTED.values()))
_ALIVE, _DELETED = c.state == "alive", c.state == "deleted"
FILTERS = ("kind", "service_type", "balance_control", "package_id", "class_id")
Held = Sequence[tuple[str, frozenset[str]]]


def listed(scope: Scope, filters: Mapping[str, Any], held: Held) -> Select[Any]:
    """Living customers, each with the names of its package and operator."""
    return _LIVING.where(*living(scope, filters, held))


def living(scope: Scope, filters: Mapping[str, Any], held: Held) -> list[ColumnElement[bool]]:
    """The conditions of a list, and of a bulk action on what the list shows."""
    found = [_ALIVE, scope.covers(c.operator_path)]
    found += [c[name] == filters[name] for name in FILTERS if filters.get(name) is not None]
    if filters.get("status"):
        found.append(_shows(filters["status"], held))
    if filters.get("operator_path"):
        # An operator stands for the whole branch below.
        found.append(Scope(filters["operator_path"]).covers(c.operator_path))
    if filters.get("hold"):
        # The second condition lets the index of the few who are held serve it.
        found += [c.holds.contains([filters["hold"]]), c.holds != []]
    if filters.get("q"):
        found.append(_meant(filters))
    return found


def _meant(filters: Mapping[str, Any]) -> ColumnElement[bool]:
    """Whom the list has found already (`finding`); else everybody whom the text fits exactly."""
    found: Found | None = filters.get("found")
    return finding.matches(filters["q"]) if found is None else found.condition


def _shows(status: str, held: Held) -> ColumnElement[bool]:
    """The shown status: the own one, unless an operator above is blocked or suspended (statuses 3, 6)."""
    blocked, suspended = _below(held, {"admin", "fraud"}), _below(held, {"reseller"})
    above_block = c.status.in_(("closed", "exported", "blocked"))
    above_pause = or_(
        above_block, c.status.in_(("provisionally_terminated", "inactive", "suspended"))
    )
    if status == "reseller_blocked":
        return and_(blocked, not_(above_block))
    if status == "reseller_suspended":
        paused = or_(c.status == status, and_(suspended, not_(above_pause)))
        return and_(paused, not_(blocked))
    own = c.status == status
    if status in ("closed", "exported", "blocked"):
        return own
    if status in ("provisionally_terminated", "inactive", "suspended"):
        return and_(own, not_(blocked))
    return and_(own, not_(blocked), not_(suspended))


def _below(held: Held, kinds: set[str]) -> ColumnElement[bool]:
    branches = [Scope(path).covers(c.operator_path) for path, holds in held if kinds & holds]
    return or_(false(), *branches)


def deleted(scope: Scope, filters: Mapping[str, Any]) -> Select[Any]:
    """The deleted of the branch, as they were called when they went (A12 to A18)."""
    return _LYING.where(*lying(scope, filters))


def lying(scope: Scope, filters: Mapping[str, Any]) -> list[ColumnElement[bool]]:
    found = [_DELETED, scope.covers(c.operator_path)]
    if filters.get("reason"):
        found.append(c.deletion_reason == filters["reason"])
    if filters.get("deleted_by"):
        found.append(c.deleted_by == filters["deleted_by"])
    if filters.get("from"):
        found.append(c.deleted_at >= filters["from"])
    if filters.get("to"):
        found.append(c.deleted_at < filters["to"])
    if filters.get("operator_path"):
        found.append(Scope(filters["operator_path"]).covers(c.operator_path))
    if filters.get("q"):
        found.append(_meant(filters))
    return found
