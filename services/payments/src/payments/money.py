"""Exact amounts: ISO 4217 codes, their minor units, and what an amount in a request may look like.

Decimal only, from a JSON string: a JSON number may have been through a float (reliability B10).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import cache

# ISO 4217, the codes in circulation; those with other than two decimals are named apart.
# fmt: off
NO_DECIMALS = frozenset({
    "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND",
    "VUV", "XAF", "XOF", "XPF",
})
THREE_DECIMALS = frozenset({
    "BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND",
})
FOUR_DECIMALS = frozenset({"CLF", "UYW"})
TWO_DECIMALS = frozenset({
    "AED", "AFN", "ALL", "AMD", "ANG", "AOA", "ARS", "AUD", "AWG", "AZN", "BAM", "BBD", "BDT",
    "BGN", "BMD", "BND", "BOB", "BRL", "BSD", "BTN", "BWP", "BYN", "BZD", "CAD", "CDF", "CHF",
    "CNY", "COP", "CRC", "CUP", "CVE", "CZK", "DKK", "DOP", "DZD", "EGP", "ERN", "ETB", "EUR",
    "FJD", "FKP", "GBP", "GEL", "GHS", "GIP", "GMD", "GTQ", "GYD", "HKD", "HNL", "HTG", "HUF",
    "IDR", "ILS", "INR", "IRR", "JMD", "KES", "KGS", "KHR", "KPW", "KYD", "KZT", "LAK", "LBP",
    "LKR", "LRD", "LSL", "MAD", "MDL", "MGA", "MKD", "MMK", "MNT", "MOP", "MRU", "MUR", "MVR",
    "MWK", "MXN", "MYR", "MZN", "NAD", "NGN", "NIO", "NOK", "NPR", "NZD", "PAB", "PEN", "PGK",
    "PHP", "PKR", "PLN", "QAR", "RON", "RSD", "RUB", "SAR", "SBD", "SCR", "SDG", "SEK", "SGD",
    "SHP", "SLE", "SOS", "SRD", "SSP", "STN", "SVC", "SYP", "SZL", "THB", "TJS", "TMT", "TOP",
    "TRY", "TTD", "TWD", "TZS", "UAH", "USD", "UYU", "UZS", "VED", "VES", "WST", "XCD", "YER",
    "ZAR", "ZMW", "ZWG",
})
# fmt: on
CURRENCIES = NO_DECIMALS | TWO_DECIMALS | THREE_DECIMALS | FOUR_DECIMALS
# A thousand times the largest sum that a provider books in one payment: above it is a slip.
MOST = Decimal(10) ** 12
_PLAIN = re.compile(r"[0-9]{1,13}(?:\.[0-9]{1,6})?", re.ASCII)


class BadAmount(ValueError):
    """Not an amount that can be booked; the message says what to send instead."""


@dataclass(frozen=True)
class Money:
    amount: Decimal
    currency: str


def minor_units(currency: str) -> int:
    """How many decimals a currency has (ISO 4217). The database has the same function."""
    if currency in NO_DECIMALS:
        return 0
    if currency in THREE_DECIMALS:
        return 3
    return 4 if currency in FOUR_DECIMALS else 2


def exact(amount: Decimal, currency: str) -> Decimal:
    """The same amount with the decimals of its currency: `500` BDT is `500.00`."""
    return amount.quantize(_smallest(currency))


@cache
def _smallest(currency: str) -> Decimal:
    return Decimal(1).scaleb(-minor_units(currency))


def parse(amount: object, currency: object) -> Money:
    """Money from a request. Raises BadAmount for what is not a positive, exact, booked-size amount."""
    if not isinstance(currency, str) or currency not in CURRENCIES:
        raise BadAmount("currency: send an ISO 4217 code such as BDT")
    if not isinstance(amount, str):
        raise BadAmount('amount: send a string such as "500.00", never a number')
    if not _PLAIN.fullmatch(amount):
        raise BadAmount(
            'amount: send digits with a point, such as "500.00"; no sign, no separators'
        )
    value = Decimal(amount)
    digits = minor_units(currency)
    if value != round(value, digits):
        raise BadAmount(f"amount: {currency} has {digits} decimals")
    if value == 0:
        raise BadAmount("amount: send more than zero")
    if value > MOST:
        raise BadAmount("amount: at most 1000000000000")
    return Money(exact(value, currency), currency)


def positive(amount: Decimal, currency: str) -> bool:
    """Whether an amount of our own can be booked: more than zero, whole minor units."""
    return amount > 0 and amount == round(amount, minor_units(currency))
