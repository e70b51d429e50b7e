"""Rows as the answers show them: money with its currency, holds with their ids."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from operator import attrgetter
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from customers import legal_holds
from customers.domain import Customer, Operator, Package, shown
from customers.persistence import customers
from customers.schemas.fields import MINOR_DIGITS
from shared.http.blueprint import money as with_currency

COPIED = (
    "id", "customer_number", "name", "username", "email", "phone", "address", "kind",
    "service_type", "static_address", "class_id", "operator_id", "package_id", "balance_control",
    "currency", "auto_payment", "status_since", "expires_at", "lift_suspension_until",
    "custom_fields", "created_at", "updated_at", "version",
)  # fmt: skip
_copied = attrgetter(*COPIED)
MONEY = ("credit_limit", "balance", "available_funds", "spending_limit")
Held = Sequence[tuple[str, frozenset[str]]]


def money(amount: Decimal | None, currency: str) -> dict[str, Any] | None:
    """Exactly in the minor unit of the currency."""
    if amount is None:
        return None
    digits = MINOR_DIGITS.get(currency, 2)
    return with_currency(Decimal(f"{amount:.{digits}f}"), currency)


def page(session: Session, rows: Sequence[Any], held: Held) -> list[dict[str, Any]]:
    """Listed rows, with one query for all holds; `held` are those of the operators above."""
    standing = _holds(session, [row.id for row in rows if row.holds])
    return [_customer(row, row.package_name, row.operator_name, standing, held) for row in rows]


def one(session: Session, customer: Customer) -> dict[str, Any]:
    package = customer.package
    return _customer(
        customer,
        package.name if package else None,
        customer.operator.name,
        _holds(session, [customer.id] if customer.holds else []),
        customers.inherited_holds(session),
    )


def _holds(session: Session, ids: Sequence[UUID]) -> Mapping[UUID, list[dict[str, Any]]]:
    found: dict[UUID, list[dict[str, Any]]] = defaultdict(list)
    for hold in customers.holds_shown(session, ids) if ids else []:
        found[hold.customer_id].append(a_hold(hold))
    return found


def a_hold(hold: Any) -> dict[str, Any]:
    return {name: getattr(hold, name) for name in customers.HOLD_SHOWN}


def _customer(
    row: Any, package_name: str | None, operator_name: str,
    holds: Mapping[UUID, list[dict[str, Any]]], held: Held,
) -> dict[str, Any]:  # fmt: skip
    above = customers.holds_above(held, row.operator_path)
    status, reason = shown(row.status, row.status_reason, above)
    return {
        **dict(zip(COPIED, _copied(row), strict=True)),
        "package_name": package_name,
        "operator_name": operator_name,
        "status": status,
        "status_reason": reason,
        "holds": holds.get(row.id, []),
        "legal_hold": None if row.legal_hold is None else legal_holds.shown(row.legal_hold),
        **{name: money(getattr(row, name), row.currency) for name in MONEY},
    }


def deleted(row: Any) -> dict[str, Any]:
    """A12 to A18, as they were then."""
    return {
        "id": row.id,
        "customer_number": row.customer_number,
        "name": row.name,
        "username": row.username,
        "phone": row.phone,
        "email": row.email,
        "package_name": row.deleted_package_name,
        "operator_name": row.deleted_operator_name,
        "deleted_at": row.deleted_at,
        "deleted_by": row.deleted_by,
        "reason": row.deletion_reason,
        "note": row.deletion_note,
        "erase_after": row.erase_after,
    }


def operator(row: Operator) -> dict[str, Any]:
    names = (
        "id", "username", "name", "role", "parent_id", "status", "holds", "version", "created_at",
        "updated_at",
    )  # fmt: skip
    return {name: getattr(row, name) for name in names}


def package(row: Package) -> dict[str, Any]:
    names = (
        "id", "name", "billing_cycle", "download_kbps", "upload_kbps", "validity_days",
        "operator_id", "attributes", "retired", "version", "created_at", "updated_at",
    )  # fmt: skip
    return {name: getattr(row, name) for name in names} | {"price": money(row.price, row.currency)}
