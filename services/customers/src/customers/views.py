"""Rows as the answers show them: money with its currency, holds with their ids."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from customers import legal_holds
from customers.domain import Customer, Operator, OperatorHold, Package, shown
from customers.persistence import customers
from customers.schemas.fields import MINOR_DIGITS
from customers.searching import DELETED_LISTED, LISTED, LISTED_COLUMNS
from shared.http.blueprint import money as with_currency

_MINOR = [Decimal(1).scaleb(-digits) for digits in range(5)]
MONEY = ("credit_limit", "balance", "available_funds", "spending_limit")
Held = Sequence[tuple[str, frozenset[str]]]


def money(amount: Decimal | None, currency: str) -> dict[str, Any] | None:
    """Exactly in the minor unit of the currency."""
    if amount is None:
        return None
    return with_currency(amount.quantize(_MINOR[MINOR_DIGITS.get(currency, 2)]), currency)


def page(session: Session, rows: Sequence[Any], held: Held) -> list[dict[str, Any]]:
    """Listed rows, with one query for all holds; `held` are those of the operators above."""
    standing = _holds(session, [row.id for row in rows if row.holds])
    return [_customer(dict(zip(LISTED, row, strict=False)), standing, held) for row in rows]


def one(session: Session, customer: Customer) -> dict[str, Any]:
    package = customer.package
    kept = {name: getattr(customer, name) for name in LISTED_COLUMNS} | {
        "package_name": package.name if package else None,
        "operator_name": customer.operator.name,
    }
    holds = _holds(session, [customer.id] if customer.holds else [])
    return _customer(kept, holds, customers.inherited_holds(session))


def _holds(session: Session, ids: Sequence[UUID]) -> Mapping[UUID, list[dict[str, Any]]]:
    found: dict[UUID, list[dict[str, Any]]] = defaultdict(list)
    for hold in customers.holds_shown(session, ids) if ids else []:
        found[hold.customer_id].append(a_hold(hold))
    return found


def a_hold(hold: Any) -> dict[str, Any]:
    return {name: getattr(hold, name) for name in customers.HOLD_SHOWN}


def _customer(
    kept: dict[str, Any], holds: Mapping[UUID, list[dict[str, Any]]], held: Held
) -> dict[str, Any]:
    """What is kept, made into what is shown."""
    above = customers.holds_above(held, kept.pop("operator_path"))
    kept["status"], kept["status_reason"] = shown(kept["status"], kept["status_reason"], above)
    kept["holds"] = holds.get(kept["id"], [])
    if kept["legal_hold"] is not None:
        kept["legal_hold"] = legal_holds.shown(kept["legal_hold"])
    for name in MONEY:
        kept[name] = money(kept[name], kept["currency"])
    return kept


def deleted(found: Customer) -> dict[str, Any]:
    """A12 to A18, as they were then."""
    return {shown: getattr(found, name) for shown, name in DELETED_LISTED.items()}


def listed_deleted(row: Any) -> dict[str, Any]:
    """The same of a row of the list, which has them in that order."""
    return dict(zip(DELETED_LISTED, row, strict=False))


def operator(row: Operator) -> dict[str, Any]:
    names = (
        "id", "username", "name", "role", "parent_id", "status", "holds", "version", "created_at",
        "updated_at",
    )  # fmt: skip
    return {name: getattr(row, name) for name in names}


def one_operator(row: Operator, holds: Sequence[OperatorHold]) -> dict[str, Any]:
    """With each hold in force, as `a_hold`."""
    names = ("id", "kind", "reason", "since", "until", "actor")
    told = [{name: getattr(hold, name) for name in names} for hold in holds]
    return operator(row) | {"holds_in_force": told}


def package(row: Package) -> dict[str, Any]:
    names = (
        "id", "name", "billing_cycle", "download_kbps", "upload_kbps", "validity_days",
        "operator_id", "attributes", "retired", "version", "created_at", "updated_at",
    )  # fmt: skip
    return {name: getattr(row, name) for name in names} | {"price": money(row.price, row.currency)}
