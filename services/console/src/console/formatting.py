"""How values look on a page: money, times, statuses, names of methods and reasons."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

from flask import Flask
from markupsafe import Markup

from console import advice

NOTHING = "–"


@dataclass(frozen=True)
class Status:
    """`icon` names a drawing in icons.html; active customers have none (C2)."""

    label: str
    icon: str = ""
    tone: str = "calm"
    note: str = ""


STATUSES = {
    "active": Status("Active"),
    "lead": Status("Lead", "person"),
    "inactive": Status("Inactive", "moon", note="Doesn't use services"),
    "blocked": Status("Blocked", "barred", "bad"),
    "reseller_blocked": Status("Blocked with its reseller", "barred", "bad"),
    "closed": Status("Closed", "cross"),
    "exported": Status("Exported", "arrow"),
    "export_in_progress": Status("Export in progress", "arrow", "warn", "Billing paused"),
    "provisionally_terminated": Status("Provisionally terminated", "hourglass", "bad"),
    "suspended": Status("Suspended", "pause", "warn"),
    "reseller_suspended": Status("Suspended with its reseller", "pause", "warn"),
    "suspension_lifted": Status("Suspension lifted", "clock", "warn"),
    "service_limited": Status("Service limited", "gauge", "warn"),
    "credit_exceeded": Status("Credit exceeded", "coin", "warn"),
    "no_available_funds": Status("No available funds", "coin", "warn"),
    "spending_limit_reached": Status("Spending limit reached", "coin", "warn"),
    "payment_frozen": Status("Payment frozen", "snow", "warn"),
    "vacation": Status("Vacation", "sun"),
}
METHODS = {
    "cash": "Cash",
    "bkash": "bKash",
    "nagad": "Nagad",
    "sslcommerz": "SSL Commerz",
    "stripe": "Stripe",
    "recharge_card": "Recharge Card",
    "bank_transfer": "Bank transfer",
    "other": "Other",
}
SERVICES = (("pppoe", "PPPoE"), ("hotspot", "Hotspot"), ("static", "Static"), ("other", "Other"))
# A7–A11.
REASONS = {
    "closed_account": "Closed account",
    "migrated_away": "Migrated away",
    "wrong_entry": "Wrong entry",
    "test_account": "Test account",
    "operator_error": "Operator error",
}
HOLDS = {
    "admin": "Blocked by the administrator",
    "fraud": "Fraud",
    "vacation": "Vacation",
    "overdue": "Overdue bill",
    "credit": "Credit exceeded",
    "funds": "No available funds",
    "spending": "Spending limit",
    "fair_use": "Fair use",
    "reseller": "Reseller",
    "payment_frozen": "Payment frozen",
    "export": "Export",
    "terminated": "Provisionally terminated",
}
JOBS = {
    "customers.delete": "Delete customers",
    "customers.restore": "Restore customers",
    "customers.hold": "Set holds",
    "customers.lift": "Lift holds",
    "customers.activate": "Activate customers",
    "customers.import": "Import customers",
    "customers.import_undo": "Undo an import",
    "customers.retell": "Apply a customer class",
    "customers.reclock": "Apply a retention policy",
    "recharge_cards.make": "Make recharge cards",
    "recharge_cards.change": "Change recharge cards",
    "statements.import": "Import a statement",
    "statements.look_up": "Match statement lines",
}
_NAMES = METHODS | REASONS | JOBS | {"pppoe": "PPPoE"}


def install(app: Flask, zone: ZoneInfo) -> None:
    app.jinja_env.globals |= {"advice": advice}
    app.jinja_env.filters |= {
        "money": money,
        "words": words,
        "status": lambda name: STATUSES.get(str(name), Status(words(name), "dot", "warn")),
        "time": lambda value: time_element(value, zone),
        "yes_no": lambda value: "Yes" if value else "No",
        "hold": lambda name: HOLDS.get(str(name), words(name)),
    }


def money(value: Any, currency: str = "") -> str:
    """`{"amount": "1500.00", "currency": "BDT"}` as `1,500.00 BDT`; exact, never through a float."""
    if isinstance(value, dict):
        value, currency = value.get("amount"), str(value.get("currency") or currency)
    if value is None or value == "":
        return NOTHING
    try:
        text = f"{Decimal(str(value)):,f}"
    except InvalidOperation:
        text = str(value)
    return f"{text} {currency}".strip()


def words(name: Any) -> str:
    """`recharge_card` as `Recharge Card`, or in words what has no name of its own."""
    if name is None or name == "":
        return NOTHING
    text = str(name)
    return _NAMES.get(text, text.replace("_", " ").capitalize())


def choices(*names: str) -> tuple[tuple[str, str], ...]:
    """What a field or a filter offers: each name with its words."""
    return tuple((name, words(name)) for name in names)


def moment(value: Any, zone: ZoneInfo) -> datetime | None:
    """An RFC 3339 time in the ISP's zone; None when it is none."""
    try:
        return datetime.fromisoformat(str(value)).astimezone(zone)
    except ValueError:
        return None


def time_element(value: Any, zone: ZoneInfo) -> Markup | str:
    """For people in the ISP's zone, for machines as it came."""
    if not value:
        return NOTHING
    there = moment(value, zone)
    if there is None:
        return str(value)
    shown = there.strftime("%d %b %Y, %H:%M")
    exact = there.strftime("%d %b %Y, %H:%M:%S %Z")
    element = Markup('<time datetime="{}" title="{}">{}</time>')
    return element.format(there.isoformat(), exact, shown)
