"""Tax on bills: which part of an amount is the state's, rounded once for each item, and exact in sum."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Decimal

from payments.domain import Item
from payments.money import minor_units


@dataclass(frozen=True)
class TaxRule:
    """`included`: prices are told with the tax in them; otherwise it comes on top."""

    percent: Decimal = Decimal(0)
    included: bool = True
    name: str = "VAT"


def rounded(amount: Decimal, currency: str) -> Decimal:
    """To whole minor units, halves up, as tax offices want it."""
    return amount.quantize(Decimal(1).scaleb(-minor_units(currency)), ROUND_HALF_UP)


def taxed(item: Item, rule: TaxRule, currency: str, percent: Decimal | None = None) -> Item:
    """The item with its tax in it; `percent` where an item has a rate of its own."""
    rate = rule.percent if percent is None else percent
    if rule.included:
        tax = rounded(item.amount * rate / (100 + rate), currency)
        return replace(item, tax=tax, tax_percent=rate)
    tax = rounded(item.amount * rate / 100, currency)
    return replace(item, amount=item.amount + tax, tax=tax, tax_percent=rate)


def of_note(bill_tax: Decimal, bill_total: Decimal, notes: Iterable[tuple[Decimal, Decimal]],
            amount: Decimal, currency: str) -> Decimal:  # fmt: skip
    """The tax in a credit note of `amount`, after earlier notes of (amount, tax).

    In proportion to what all notes take off, so that those which take all of a bill take all of its tax.
    """
    off, taken = Decimal(0), Decimal(0)
    for noted, tax in notes:
        off, taken = off + noted, taken + tax
    due = rounded(bill_tax * (off + amount) / bill_total, currency)
    return min(max(due - taken, Decimal(0)), amount)
