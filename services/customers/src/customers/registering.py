"""Customers are signed up and edited, the deleted too (D16, D19): whose login, e-mail and number is free."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from customers import accounting, identities, policies, spending
from customers.clashes import check
from customers.domain import Customer, NotValid, Operator, now
from customers.operators import taken
from customers.persistence import customers, operators
from customers.persistence.announcing import Change, announce
from customers.policies import Policy
from shared.database import Scope, uuid7
from shared.events import CustomerCreated
from shared.operations import Actor
from shared.sealing import seal

# What says, beside the money itself, which holds follow from it (C24, C26).
MONEYS_RULES = frozenset({"customer_class", "credit_limit", "balance_control"})
# A telephone is shared in a family; of these each is one customer's.
UNIQUE = ("username", "email", "customer_number", "static_address")
# What the log keeps of a change, beside the fields changed.
SECRET = frozenset({"password", "password_sealed"})


def register(
    session: Session, scope: Scope, actor: Actor, fields: dict[str, Any], *, secret: bytes
) -> Customer:
    """A new customer or lead, not yet activated. Raises Refusal (taken), Missing, NotValid."""
    fields = dict(fields)
    fields["operator"] = operator_of(session, scope, fields.pop("operator_id", None) or actor.id)
    policy = policies.read(session)
    fields.setdefault("customer_class", operators.customer_class(session))
    customer = drafted(session, scope, fields, policy, secret)
    customer.customer_number = customer.customer_number or customers.next_number(session)
    check(session, policy, customer, set(UNIQUE))
    with refused_as_taken(session):
        session.add(customer)
    event = customer.told(CustomerCreated, customer.created_at)
    announce(session, actor, "customer.created", [Change(customer, event, None, view(customer))])
    return customer


def drafted(
    session: Session, scope: Scope, fields: dict[str, Any], policy: Policy, secret: bytes
) -> Customer:
    """A customer of these fields, not added yet; without a number where none is given.

    Raises Missing, NotValid.
    """
    fields.setdefault("currency", policy.default_currency)
    fields = _resolved(session, scope, fields, fields["currency"], policy, secret)
    customer = Customer(
        id=UUID(str(uuid7())),
        customer_number=fields.pop("customer_number", None) or "",
        operator_path=fields["operator"].operator_path,
        **fields,
    )
    customer.settle(now())
    return customer


def edit(
    session: Session, scope: Scope, actor: Actor, customer: Customer, fields: dict[str, Any], *,
    secret: bytes,
) -> Customer:  # fmt: skip
    """Change a living or a deleted customer; the log has before and after. Raises as `register`."""
    if customer.state == "alive":
        customer.refuse_edit(set(fields))
    policy = policies.read(session)
    changes = _resolved(session, scope, dict(fields), customer.currency, policy, secret)
    if "operator_id" in changes:
        operator = operator_of(session, scope, changes.pop("operator_id"))
        changes |= {"operator": operator, "operator_path": operator.operator_path}
    changes = {name: new for name, new in changes.items() if getattr(customer, name) != new}
    if not changes:
        return customer
    moment = now()
    before = _logged(customer, changes)
    with refused_as_taken(session):
        event = customer.change(changes, moment)
        if customer.state == "alive":
            check(session, policy, customer, set(changes))
        session.flush()
    action = "customer.edited" if customer.state == "alive" else "deleted_customer.edited"
    announce(session, actor, action, [Change(customer, event, before, _logged(customer, changes))])
    if customer.state == "alive" and MONEYS_RULES & changes.keys():
        accounting.followed(session, [customer])
    if customer.state == "alive" and "spending_limit" in changes:
        spending.follow(session, [customer.id])
    return customer


class refused_as_taken:
    """Two at the same moment: the unique index decides, and the loser is told as if it came later."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.point = session.begin_nested()

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: Any, _: Any) -> None:
        try:
            if kind is None:
                self.session.flush()
                self.point.commit()
                return
        except IntegrityError as clash:
            kind, error = type(clash), clash
        self.point.rollback()
        if isinstance(error, IntegrityError):
            raise taken(_field(str(error.orig))) from error
        raise error


def _field(message: str) -> str:
    named = {"email": "email", "number": "customer_number", "address": "static_address"}
    for name, field in named.items():
        if f"customer_{name}" in message or f"living_{name}" in message:
            return field
    return "username"


def operator_of(session: Session, scope: Scope, operator_id: UUID | None) -> Operator:
    if operator_id is None:
        raise NotValid("operator_id", "say whose customer it is", "missing")
    return operators.operator(session, scope, operator_id)


def _resolved(
    session: Session, scope: Scope, fields: dict[str, Any], currency: str, policy: Policy,
    secret: bytes,
) -> dict[str, Any]:  # fmt: skip
    """Ids become rows, a password its sealed form, a phone E.164, money an amount."""
    for name in ("credit_limit", "spending_limit"):
        if fields.get(name) is not None:
            fields[name] = _amount(name, fields[name], currency)
    if fields.get("phone") is not None:
        fields["phone"] = phone(fields["phone"], policy)
    if "password" in fields:
        clear = fields.pop("password")
        fields["password_sealed"] = None if clear is None else seal(clear, secret)
    if "package_id" in fields:
        package_id = fields.pop("package_id")
        fields["package"] = package_id and operators.package(session, scope, package_id)
    if "class_id" in fields:
        fields["customer_class"] = operators.customer_class(session, fields.pop("class_id"))
    return fields


def phone(value: str, policy: Policy) -> str:
    """E.164 by the site's region. Raises NotValid."""
    try:
        return identities.phone(value, policy.default_region)
    except ValueError as error:
        raise NotValid("phone", str(error)) from error


def _amount(name: str, money: dict[str, Any], currency: str) -> Decimal:
    if money["currency"] != currency:
        raise NotValid(name, f"the customer's currency is {currency}", "currency")
    amount: Decimal = money["amount"]
    return amount


LOGGED = (
    "customer_number", "name", "username", "email", "phone", "address", "kind", "service_type",
    "static_address", "balance_control", "currency", "credit_limit", "spending_limit",
    "auto_payment", "custom_fields", "operator_path",
)  # fmt: skip


def view(customer: Customer) -> dict[str, Any]:
    """What the log keeps of a new customer."""
    return _logged(customer, LOGGED) | {
        "package": customer.package.name if customer.package else None
    }


def _logged(customer: Customer, names: Iterable[str]) -> dict[str, Any]:
    return {name: _plain(name, getattr(customer, name)) for name in sorted(names)}


def _plain(name: str, value: Any) -> Any:
    if name in SECRET:
        return "[sealed]" if value else None
    if isinstance(value, datetime):
        return value.isoformat()
    return getattr(value, "name", value)
