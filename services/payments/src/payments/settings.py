"""What the payments service reads from its environment."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from environs import Env, EnvError

from shared import settings as shared_settings
from shared.settings import BadSetting, Settings

if TYPE_CHECKING:
    from payments.gateways.configuration import GatewaySettings
    from payments.taxing import TaxRule

SERVICE = "payments"
DATABASE = "payments"
MIGRATIONS = Path(__file__).with_name("migrations")


def _no_gateways() -> GatewaySettings:
    from payments.gateways.configuration import GatewaySettings

    return GatewaySettings()


def _no_tax() -> TaxRule:
    from payments.taxing import TaxRule

    return TaxRule()


@dataclass(frozen=True, kw_only=True)
class PaymentsSettings(Settings):
    """`due_days` is for postpaid bills; a prepaid bill is due when its period begins.

    The patterns know {operator}, {year} and {number}; operators may have their own.
    """

    # A week is what providers here print on a bill.
    due_days: int = 7
    # Three days past due: a weekend and a bank's transfer day (C13).
    grace_days: int = 3
    # A double click, a second cashier, a page sent again: all happen within minutes.
    duplicate_minutes: int = 10
    # A week to pay before the period ends; 0 announces nothing.
    proforma_days: int = 7
    # What bills charge for the state; 0 is no tax.
    tax: TaxRule = field(default_factory=_no_tax)
    receipt_pattern: str = "R-{operator}-{year}-{number:06d}"
    bill_pattern: str = "B-{operator}-{year}-{number:06d}"
    proforma_pattern: str = "PF-{operator}-{year}-{number:06d}"
    credit_pattern: str = "CN-{operator}-{year}-{number:06d}"
    gateways: GatewaySettings = field(default_factory=_no_gateways)

    def year_of(self, at: datetime) -> int:
        """The year in a number that is given at that moment: the ISP's own, as its books close."""
        return at.astimezone(ZoneInfo(self.time_zone)).year


def read() -> PaymentsSettings:
    """Raises BadSetting, which names the variable and what to put there."""
    from payments.gateways import configuration

    env = Env()
    common = shared_settings.read(SERVICE, database=DATABASE)
    try:
        return PaymentsSettings(
            **common,
            due_days=env.int("BILL_DUE_DAYS", 7),
            grace_days=env.int("OVERDUE_GRACE_DAYS", 3),
            duplicate_minutes=env.int("DUPLICATE_MINUTES", 10),
            proforma_days=env.int("PROFORMA_DAYS", 7),
            tax=_tax(env),
            receipt_pattern=_pattern(env, "RECEIPT_PATTERN", "R-{operator}-{year}-{number:06d}"),
            bill_pattern=_pattern(env, "BILL_PATTERN", "B-{operator}-{year}-{number:06d}"),
            proforma_pattern=_pattern(env, "PROFORMA_PATTERN", "PF-{operator}-{year}-{number:06d}"),
            credit_pattern=_pattern(env, "CREDIT_PATTERN", "CN-{operator}-{year}-{number:06d}"),
            gateways=configuration.read(env, common["urls"]["payments"]),
        )
    except EnvError as error:
        raise BadSetting(f"Setting not understood: {error}") from error


def _tax(env: Env) -> TaxRule:
    from payments.taxing import TaxRule

    percent = env.decimal("TAX_PERCENT", Decimal(0))
    if not 0 <= percent < 100:
        raise BadSetting(f"TAX_PERCENT is a rate such as 5 or 7.5, not {percent}")
    return TaxRule(percent, env.bool("TAX_INCLUDED", True), env.str("TAX_NAME", "VAT"))


def _pattern(env: Env, name: str, default: str) -> str:
    from payments.series import BadPattern, check

    pattern = env.str(name, default)
    try:
        check(pattern)
    except BadPattern as error:
        raise BadSetting(f"{name} {error}") from error
    return pattern


@cache
def current() -> PaymentsSettings:
    """The settings of this process, for what is called without any: handlers of events."""
    return read()
