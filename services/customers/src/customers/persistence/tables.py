"""The tables of customers (their SQL is in migrations/) and which dataclass each row becomes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    ForeignKey,
    Integer,
    Numeric,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID
from sqlalchemy.orm import registry, relationship

from customers import domain
from shared.database import new_metadata

metadata = new_metadata()

mapping = registry(metadata=metadata)


class List(ARRAY[Any]):
    """An array whose list psycopg has made already: to make it anew takes a tenth of reading a customer."""

    cache_ok = True

    def result_processor(self, dialect: Any, coltype: Any) -> None:  # type: ignore[override]
        return None


def _column(kind: Callable[[], Any]) -> Callable[..., Column[Any]]:
    def make(name: str, *more: Any, **options: Any) -> Column[Any]:
        return Column(name, kind(), *more, **options)

    return make


_uuid = _column(lambda: UUID(as_uuid=True))
_text = _column(Text)
_time = _column(lambda: DateTime(timezone=True))
_number = _column(Integer)
_big = _column(BigInteger)
_yes_no = _column(Boolean)
_json = _column(lambda: JSONB(none_as_null=True))
_texts = _column(lambda: List(Text))
_path = _column(lambda: Text(collation="C"))


def _money(name: str, *, nullable: bool = True) -> Column[Any]:
    # 3 decimals: the most that an ISO 4217 currency has (KWD, BHD, OMR).
    return Column(name, Numeric(14, 3), nullable=nullable)


def _copied_money(name: str) -> Column[Any]:
    # Payments' accounts are numeric(18, 4): a copy that is narrower would become a dead letter.
    return Column(name, Numeric(18, 3), nullable=False)


operator = Table(
    "operator",
    metadata,
    _uuid("id", primary_key=True),
    _big("number", nullable=False),
    _uuid("parent_id", ForeignKey("operator.id")),
    _path("operator_path", nullable=False),
    *(_text(name, nullable=False) for name in ("username", "name", "role", "status")),
    _text("password_hash", nullable=False),
    _texts("holds", nullable=False),
    _big("generation", nullable=False),
    _big("version", nullable=False),
    _time("created_at", nullable=False),
    _time("updated_at", nullable=False),
)
operator_hold = Table(
    "operator_hold",
    metadata,
    _uuid("id", primary_key=True),
    _uuid("operator_id", ForeignKey("operator.id"), nullable=False),
    *(_path(name, nullable=False) for name in ("operator_path", "owner_path")),
    *(_text(name, nullable=False) for name in ("kind", "actor")),
    *(_text(name) for name in ("reason", "lifted_by")),
    *(_time(name, nullable=name != "since") for name in ("since", "until", "lifted_at")),
)
api_key = Table(
    "api_key",
    metadata,
    _uuid("id", primary_key=True),
    _uuid("operator_id", ForeignKey("operator.id"), nullable=False),
    _path("operator_path", nullable=False),
    *(_text(name, nullable=False) for name in ("name", "prefix", "digest")),
    _texts("scopes", nullable=False),
    _time("expires_at"),
    _time("revoked_at"),
    _big("version", nullable=False),
    _time("created_at", nullable=False),
)
package = Table(
    "package",
    metadata,
    _uuid("id", primary_key=True),
    _text("name", nullable=False),
    *(_money(name, nullable=name != "price") for name in ("price", "charge", "charge_of")),
    *(_text(name, nullable=False) for name in ("currency", "billing_cycle")),
    *(_number(name, nullable=False) for name in ("download_kbps", "upload_kbps", "validity_days")),
    _uuid("operator_id", ForeignKey("operator.id")),
    _path("operator_path", nullable=False),
    _json("attributes", nullable=False),
    _yes_no("retired", nullable=False),
    _big("version", nullable=False),
    _time("created_at", nullable=False),
    _time("updated_at", nullable=False),
)
customer_class = Table(
    "customer_class",
    metadata,
    _uuid("id", primary_key=True),
    *(_text(name, nullable=False) for name in ("name", "overdue_effect", "suspended_access")),
    _yes_no("funds_suspend", nullable=False),
    _yes_no("pay_as_you_go", nullable=False),
    *(
        _number(name, nullable=False)
        for name in ("limited_kbps", "grace_days", "termination_days", "retry_limit")
    ),
    _yes_no("charge_while_suspended", nullable=False),
    _yes_no("renews", nullable=False),
    _big("version", nullable=False),
)
customer = Table(
    "customer",
    metadata,
    _uuid("id", primary_key=True),
    _path("customer_number", nullable=False),
    _text("name", nullable=False),
    _path("username", nullable=False),
    *(_text(name) for name in ("password_sealed", "email", "phone", "address")),
    *(_text(name, nullable=False) for name in ("kind", "service_type", "balance_control")),
    _text("static_address"),
    _uuid("class_id", ForeignKey("customer_class.id"), nullable=False),
    _uuid("operator_id", ForeignKey("operator.id"), nullable=False),
    _path("operator_path", nullable=False),
    _uuid("package_id", ForeignKey("package.id")),
    _text("currency", nullable=False),
    _money("credit_limit"),
    _money("spending_limit"),
    _yes_no("auto_payment", nullable=False),
    _json("custom_fields", nullable=False),
    _text("state", nullable=False),
    *(
        _time(name)
        for name in ("closed_at", "exported_at", "activated_at", "expires_at", "waits_from")
    ),
    _time("lift_suspension_until"),
    _json("legal_hold"),
    _texts("holds", nullable=False),
    _big("account_version", nullable=False),
    _copied_money("balance"),
    _copied_money("available_funds"),
    _yes_no("overdue", nullable=False),
    _copied_money("expenses"),
    _time("expenses_until"),
    Column("paid_periods", List(DateTime(timezone=True)), nullable=False),
    _text("status", nullable=False),
    _text("status_reason"),
    _time("status_since", nullable=False),
    _time("deleted_at"),
    _text("deleted_by"),
    _uuid("deleted_by_id"),
    *(
        _text(name)
        for name in (
            "deleted_package_name", "deleted_operator_name", "deletion_reason", "deletion_note",
        )
    ),
    _json("deletion_snapshot"),
    _time("erase_after"),
    _time("sessions_erase_after"),
    _time("sessions_erased_before"),
    _time("restored_at"),
    _json("restore_report"),
    _big("version", nullable=False),
    _time("created_at", nullable=False),
    _time("updated_at", nullable=False),
)  # fmt: skip
account = Table(
    "account",
    metadata,
    _uuid("id", primary_key=True),
    _uuid("customer_id", ForeignKey("customer.id"), nullable=False),
    *(_text(name, nullable=False) for name in ("name", "service_type", "state")),
    _yes_no("closed_by_deletion", nullable=False),
    _time("created_at", nullable=False),
    _time("closed_at"),
)
hold = Table(
    "hold",
    metadata,
    _uuid("id", primary_key=True),
    _uuid("customer_id", ForeignKey("customer.id"), nullable=False),
    _text("kind", nullable=False),
    _text("reason"),
    _path("owner_path"),
    _time("since", nullable=False),
    _time("until"),
    _time("grace_from"),
    _text("actor", nullable=False),
    _time("lifted_at"),
    _text("lifted_by"),
)
status_change = Table(
    "status_change",
    metadata,
    _uuid("id", primary_key=True),
    _uuid("customer_id", ForeignKey("customer.id"), nullable=False),
    _text("status", nullable=False),
    _text("reason"),
    _time("since", nullable=False),
    _text("actor", nullable=False),
)

mapping.map_imperatively(domain.Operator, operator)
mapping.map_imperatively(domain.OperatorHold, operator_hold)
mapping.map_imperatively(domain.ApiKey, api_key)
mapping.map_imperatively(domain.Package, package)
mapping.map_imperatively(domain.CustomerClass, customer_class)
mapping.map_imperatively(domain.Account, account)
mapping.map_imperatively(domain.Hold, hold)
_customers = mapping.map_imperatively(
    domain.Customer,
    customer,
    properties={
        # Never loaded one by one: every query that needs them joins them (persistence.customers).
        "operator": relationship(
            domain.Operator, lazy="raise", foreign_keys=[customer.c.operator_id]
        ),
        "package": relationship(domain.Package, lazy="raise"),
        "customer_class": relationship(domain.CustomerClass, lazy="raise"),
    },
)
# The relationships as queries name them.
OPERATOR, PACKAGE, CLASS = (
    _customers.attrs[name].class_attribute for name in ("operator", "package", "customer_class")
)
