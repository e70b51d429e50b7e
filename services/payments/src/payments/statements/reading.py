"""A statement as lines: CSV and XLSX by their headers, CAMT.053 by ISO 20022."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Literal
from xml.etree.ElementTree import Element, ParseError  # noqa: S405 - types alone; defusedxml parses

from defusedxml import DefusedXmlException  # type: ignore[import-untyped]
from defusedxml.ElementTree import fromstring  # type: ignore[import-untyped]

from payments.money import CURRENCIES, MOST, minor_units
from shared import tabular
from shared.tabular import Unreadable

Format = Literal["csv", "xlsx", "camt053"]
# The names that banks and gateways of the region give their columns.
HEADERS = {
    "date": ("date", "booked_on", "booking date", "value date", "transaction date", "settlement date"),
    "amount": ("amount", "credit", "gross amount", "transaction amount", "paid amount"),
    "fee": ("fee", "charge", "commission", "mdr"),
    "currency": ("currency", "ccy"),
    "reference": ("reference", "transaction id", "transaction_id", "trxid", "trx id", "tran_id",
                  "bank_tran_id", "transaction reference", "id"),
    "description": ("description", "details", "narration", "particulars", "payer", "note"),
}  # fmt: skip
_AMOUNT = re.compile(r"(-?)([0-9]{1,3}(?:,[0-9]{2,3})+|[0-9]{1,13})(\.[0-9]{1,6})?", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class StatementLine:
    """Money that came in; `amount` is what the payer paid, the kept `fee` included."""

    line: int
    booked_on: date
    amount: Decimal
    fee: Decimal
    currency: str
    reference: str | None
    description: str | None


def read(content: bytes, format: Format, currency: str | None) -> tuple[list[StatementLine], int]:
    """The credits, and how many debits were left out. Raises Unreadable, which names the line.

    `currency` is that of lines that name none.
    """
    rows = _camt(content) if format == "camt053" else _table(content, format, currency)
    credits, debits = [], 0
    for row in rows:
        if row.amount < 0:
            debits += 1
        elif row.amount > 0:
            credits.append(row)
    if not credits and not debits:
        raise Unreadable("there is no line with an amount")
    return credits, debits


def _table(
    content: bytes, format: Literal["csv", "xlsx"], currency: str | None
) -> Iterator[StatementLine]:
    headers, rows = tabular.read(content, format)
    place = _places(headers)
    for number, row in rows:

        def cell(name: str, row: Sequence[str] = row) -> str:
            return row[place[name]] if name in place else ""

        if not cell("amount"):
            continue
        coin = (cell("currency") or currency or "").upper()
        fee = _amount(cell("fee") or "0", coin, number)
        gross = _amount(cell("amount"), coin, number)
        yield StatementLine(
            line=number, booked_on=_day(cell("date"), number), amount=gross, fee=abs(fee),
            currency=coin, reference=cell("reference")[:120] or None,
            description=cell("description")[:500] or None,
        )  # fmt: skip


def _places(headers: Sequence[str]) -> dict[str, int]:
    folded = [header.strip().lower() for header in headers]
    found = {
        name: folded.index(known)
        for name, names in HEADERS.items()
        for known in reversed(names)
        if known in folded
    }
    for name in ("date", "amount"):
        if name not in found:
            raise Unreadable(f"there is no column for the {name}: name it {HEADERS[name][0]!r}")
    return found


def _amount(text: str, currency: str, line: int) -> Decimal:
    if currency not in CURRENCIES:
        raise Unreadable(f"line {line}: which currency? Add a column, or send ?currency=BDT")
    found = _AMOUNT.fullmatch(text.replace(" ", ""))
    if found is None:
        raise Unreadable(f"line {line}: {text[:40]!r} is no amount such as 1,500.00")
    amount = Decimal("".join(part or "" for part in found.groups()).replace(",", ""))
    if amount != round(amount, minor_units(currency)) or abs(amount) > MOST:
        raise Unreadable(f"line {line}: {text[:40]!r} is no amount in {currency}")
    return amount


def _day(text: str, line: int) -> date:
    try:
        found = datetime.fromisoformat(text).date()
    except ValueError as error:
        raise Unreadable(f"line {line}: {text[:40]!r} is no date such as 2026-11-21") from error
    if not 1990 <= found.year <= 2200:
        raise Unreadable(f"line {line}: {text[:40]!r} is of another age")
    return found


def _camt(content: bytes) -> Iterator[StatementLine]:
    """ISO 20022 camt.053: each transaction of each entry, or the entry itself when it details none."""
    try:
        root = fromstring(content, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise Unreadable(f"not an XML statement: {type(error).__name__}") from error
    if _name(root) != "Document" or _first(root, "BkToCstmrStmt") is None:
        raise Unreadable("not a bank-to-customer statement (camt.053)")
    number = 0
    for entry in (element for element in root.iter() if _name(element) == "Ntry"):
        details = [element for element in entry.iter() if _name(element) == "TxDtls"]
        for part in details if len(details) > 1 else [entry]:
            number += 1
            yield _camt_line(entry, part, number)


def _camt_line(entry: Element, part: Element, number: int) -> StatementLine:
    amount = _first(part, "Amt")
    amount = amount if amount is not None else _first(entry, "Amt")
    if amount is None:
        raise Unreadable(f"entry {number} has no amount")
    sign = -1 if (_text(part, "CdtDbtInd") or _text(entry, "CdtDbtInd")) == "DBIT" else 1
    coin = amount.get("Ccy", "")
    day = _first(entry, "BookgDt")
    day = day if day is not None else _first(entry, "ValDt")
    booked = (_text(day, "Dt") or _text(day, "DtTm")) if day is not None else None
    said = " ".join(filter(None, (_text(part, "Ustrd"), _text(part, "Nm"))))
    reference = _text(part, "EndToEndId")
    if reference in (None, "NOTPROVIDED"):
        reference = _text(part, "TxId") or _text(part, "AcctSvcrRef") or _text(entry, "NtryRef")
    return StatementLine(
        line=number, booked_on=_day(booked or "", number), fee=Decimal(0), currency=coin,
        amount=sign * _amount((amount.text or "").strip(), coin, number),
        reference=reference[:120] if reference else None, description=said[:500] or None,
    )  # fmt: skip


def _name(element: Element) -> str:
    return element.tag.rpartition("}")[2]


def _first(element: Element, name: str) -> Element | None:
    return next((inner for inner in element.iter() if _name(inner) == name), None)


def _text(element: Element, name: str) -> str | None:
    found = _first(element, name)
    return found.text.strip() if found is not None and found.text else None
