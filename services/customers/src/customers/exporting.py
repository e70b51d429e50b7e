"""What can be exported of customers (E20-E24, B24): exactly what the lists show, by filter and columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import marshmallow as ma
from sqlalchemy import Select, Text, and_, case, column, func, literal, select, table
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.sql import ColumnElement

from customers import finding, searching
from customers.domain.status import ABOVE_BLOCK, ABOVE_PAUSE, BLOCKING
from customers.persistence import tables
from customers.persistence.matching import State
from customers.schemas.customers import BulkCustomerFilters, BulkDeletedFilters
from shared.database import Database, Scope
from shared.exporting import Resource
from shared.exports import Column

c, p, o = tables.customer.c, tables.package.c, tables.operator.c
# numeric(14, 3): three places hold every currency exactly.
PLACES = 3

# Holds of the operators above, once per query: mostly none, so that each row asks an empty list.
_held = (
    select(column("path", Text), column("kinds", ARRAY(Text)))
    .select_from(func.held().table_valued("path", "kinds", name="h"))
    .cte("held")
    .prefix_with("MATERIALIZED", dialect="postgresql")
)


def _above(kinds: frozenset[str]) -> ColumnElement[bool]:
    return (
        select(literal(1))
        .select_from(_held)
        .where(
            func.starts_with(c.operator_path, _held.c.path),
            _held.c.kinds.overlap(sorted(kinds)),
        )
        .correlate(tables.customer)
        .exists()
    )


# domain.status.shown, in SQL.
_BLOCKED = and_(c.status.not_in(ABOVE_BLOCK), _above(BLOCKING))
_PAUSED = and_(c.status.not_in(ABOVE_PAUSE), _above(frozenset({"reseller"})))
STATUS = case((_BLOCKED, "reseller_blocked"), (_PAUSED, "reseller_suspended"), else_=c.status)
STATUS_REASON = case(
    *((and_(_BLOCKED, _above(frozenset({kind}))), kind) for kind in sorted(BLOCKING)),
    (_PAUSED, "reseller"),
    else_=c.status_reason,
)
IDENTITY = (
    Column("customer_number", "Customer Number", "text", c.customer_number),
    Column("name", "Customer Name", "text", c.name),
    Column("username", "Username", "text", c.username),
    Column("phone", "Phone", "phone", c.phone),
    Column("email", "E-mail", "text", c.email),
)
CUSTOMER_COLUMNS = (
    *IDENTITY,
    Column("address", "Address", "text", c.address),
    Column("kind", "Kind", "text", c.kind),
    Column("service_type", "Service", "text", c.service_type),
    Column("package_name", "Package", "text", p.name),
    Column("operator_name", "Operator", "text", o.name),
    Column("status", "Status", "text", STATUS),
    Column("holds", "Holds", "text", func.array_to_string(c.holds, ", ")),
    Column("balance_control", "Balance Control", "text", c.balance_control),
    Column("currency", "Currency", "text", c.currency),
    Column("balance", "Balance", "money", c.balance, decimals=PLACES),
    Column("credit_limit", "Credit Limit", "money", c.credit_limit, decimals=PLACES),
    Column("available_funds", "Available Funds", "money", c.available_funds, decimals=PLACES),
    Column("spending_limit", "Spending Limit", "money", c.spending_limit, decimals=PLACES),
    Column("auto_payment", "Auto Payment", "boolean", c.auto_payment),
    Column("static_address", "Static Address", "text", c.static_address),
    Column("status_since", "Status Since", "timestamp", c.status_since),
    Column("status_reason", "Status Reason", "text", STATUS_REASON),
    Column("lift_suspension_until", "Lift Suspension Until", "timestamp", c.lift_suspension_until),
    # Without the branch of who placed it, which is ours (`legal_holds.shown`).
    Column("legal_hold", "Legal Hold", "text", "(customer.legal_hold - 'owner_path')::text"),
    Column("custom_fields", "Custom Fields", "text", "nullif(customer.custom_fields, '{}')::text"),
    Column("expires_at", "Expires At", "timestamp", c.expires_at),
    Column("created_at", "Created At", "timestamp", c.created_at),
    Column("updated_at", "Updated At", "timestamp", c.updated_at),
    Column("id", "Id", "text", "customer.id::text"),
)
# A12 to A18 in their order, then what tells the rows apart.
DELETED_COLUMNS = (
    *IDENTITY[1:4],
    Column("package_name", "Package", "text", c.deleted_package_name),
    Column("operator_name", "Operator", "text", c.deleted_operator_name),
    Column("deleted_at", "Deleted At", "timestamp", c.deleted_at),
    Column("deleted_by", "Deleted By", "text", c.deleted_by),
    IDENTITY[0],
    IDENTITY[4],
    Column("reason", "Reason", "text", c.deletion_reason),
    Column("note", "Note", "text", c.deletion_note),
    Column("erase_after", "Erase After", "timestamp", c.erase_after),
    Column("id", "Id", "text", "customer.id::text"),
)

OPERATION_FIELDS = ("id", "at", "actor", "action", "subject_kind", "subject", "operator_path", "ip",
                    "request_id")  # fmt: skip
operation = table("operation", *(column(name) for name in OPERATION_FIELDS))
detail = table(
    "operation_detail", *(column(n) for n in ["operation_id", "before", "after", "reason"])
)
OPERATION_COLUMNS = (
    Column("at", "At", "timestamp", operation.c.at),
    Column("actor", "Actor", "text", operation.c.actor),
    Column("action", "Action", "text", operation.c.action),
    Column("subject_kind", "Kind", "text", operation.c.subject_kind),
    Column("subject", "Subject", "text", "operation.subject::text"),
    Column("before", "Before", "text", "operation_detail.before::text"),
    Column("after", "After", "text", "operation_detail.after::text"),
    Column("reason", "Reason", "text", detail.c.reason),
    Column("ip", "Address", "text", operation.c.ip),
    Column("request_id", "Request", "text", operation.c.request_id),
    Column("id", "Id", "text", "operation.id::text"),
)


class OperationFilters(ma.Schema):
    subject = ma.fields.UUID()
    actor = ma.fields.String(validate=ma.validate.Length(max=100))
    action = ma.fields.String(validate=ma.validate.Length(max=100))


def _branch(filters: Mapping[str, Any], scope: Scope) -> list[ColumnElement[bool]]:
    """An operator of the caller's branch stands for everybody below it too."""
    if "operator_id" not in filters:
        return []
    above = tables.operator.alias("above")
    wanted = select(literal(1)).where(
        above.c.id == filters["operator_id"],
        scope.covers(above.c.operator_path),
        func.starts_with(c.operator_path, above.c.operator_path),
    )
    return [wanted.correlate(tables.customer).exists()]


def _meant(state: State) -> Callable[..., Mapping[str, Any]]:
    """Whom the list shows for `q`: when nobody fits it exactly, those who nearly do (B24)."""

    def look_up(database: Database, filters: Mapping[str, Any], scope: Scope) -> Mapping[str, Any]:
        if "q" not in filters:
            return filters
        return {**filters, "found": finding.find(database, scope, state, filters["q"])}

    return look_up


def customers(filters: Mapping[str, Any], scope: Scope) -> Select[Any]:
    narrowed = {name: value for name, value in filters.items() if name != "status"}
    query = searching.listed(scope, narrowed, ()).where(*_branch(filters, scope))
    if "status" in filters:
        query = query.where(filters["status"] == STATUS)
    return query.order_by(c.created_at.desc(), c.id.desc())


def deleted(filters: Mapping[str, Any], scope: Scope) -> Select[Any]:
    query = searching.deleted(scope, filters).where(*_branch(filters, scope))
    return query.order_by(c.deleted_at.desc(), c.id.desc())


def operations(filters: Mapping[str, Any], scope: Scope) -> Select[Any]:
    query = (
        select(operation.c.id)
        .select_from(operation.outerjoin(detail, detail.c.operation_id == operation.c.id))
        .where(scope.covers(operation.c.operator_path))
        .order_by(operation.c.at.desc(), operation.c.id.desc())
    )
    for name, value in filters.items():
        query = query.where(operation.c[name] == value)
    return query


RESOURCES: tuple[Resource, ...] = (
    Resource(
        name="customers", columns=CUSTOMER_COLUMNS, select=customers,
        permission="customers.read", filters=BulkCustomerFilters,
        sortable=searching.SORTABLE, key=(c.id,), prepared=_meant("alive"),
    ),
    Resource(
        name="deleted_customers", columns=DELETED_COLUMNS, select=deleted,
        permission="customers.read", filters=BulkDeletedFilters,
        sortable=searching.DELETED_SORTABLE, key=(c.id,), prepared=_meant("deleted"),
    ),
    Resource(
        name="operations", columns=OPERATION_COLUMNS, select=operations,
        permission="operations.read", filters=OperationFilters,
        sortable={"at": operation.c.at}, key=(operation.c.id,),
    ),
)  # fmt: skip
