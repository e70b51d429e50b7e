"""A statement as lines: CSV and XLSX by their headers, CAMT.053 by ISO 20022."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal
from xml.etree.ElementTree import Element, ParseError  # noqa: S405 - types alone; defusedxml parses

from defusedxml import DefusedXmlException  # type: ignore[import-untyped]
from defusedxml.ElementTree import fromstring  # type: ignore[import-untyped]

from payments.money import CURRENCIES, MOST, minor_units
from payments.statements.dates import FORMATS, DateFormat, day_of
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
_EXAMPLES: dict[DateFormat, str] = {
    "YYYY-MM-DD": "2026-11-21", "DD/MM/YYYY": "21/11/2026", "MM/DD/YYYY": "11/21/2026",
}  # fmt: skip
_AMOUNT = re.compile(r"(-?)([0-9]{1,3}(?:,[0-9]{2,3})+|[0-9]{1,13})(\.[0-9]{1,6})?", re.ASCII)


class BadRow(ValueError):
    """One row is not what it should be; the text says what to send, and never what stood there."""

    def __init__(self, field: str, detail: str) -> None:
        super().__init__(detail)
        self.field = field


@dataclass(frozen=True, kw_only=True)
class Row:
    """A row as it was sent: texts under the names of HEADERS; what is empty is left out."""

    line: int
    fields: Mapping[str, str]


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


def rows_of(content: bytes, format: Format) -> list[Row]:
    """The rows that have an amount. Raises Unreadable for a file that is no statement."""
    found = _camt(content) if format == "camt053" else _table(content, format)
    rows = [row for row in found if "amount" in row.fields]
    if not rows:
        raise Unreadable("there is no line with an amount")
    return rows


def line_of(
    row: Row, currency: str | None, date_format: DateFormat = "YYYY-MM-DD"
) -> StatementLine:
    """What a row says; debits are negative. `currency` is that of rows that name none. Raises BadRow."""
    fields = row.fields
    coin = fields.get("currency", currency or "").upper()
    if coin not in CURRENCIES:
        raise BadRow("currency", "which currency? Add a column, or send ?currency=BDT")
    return StatementLine(
        line=row.line, booked_on=_day(fields.get("date", ""), date_format), currency=coin,
        amount=_amount(fields["amount"], coin, "amount"),
        fee=abs(_amount(fields.get("fee", "0"), coin, "fee")),
        reference=fields.get("reference", "")[:120] or None,
        description=fields.get("description", "")[:500] or None,
    )  # fmt: skip


def _table(content: bytes, format: Literal["csv", "xlsx"]) -> Iterator[Row]:
    headers, rows = tabular.read(content, format)
    place = _places(headers)
    for number, cells in rows:
        yield Row(line=number, fields={name: cells[n] for name, n in place.items() if cells[n]})


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


def _amount(text: str, currency: str, field: str) -> Decimal:
    found = _AMOUNT.fullmatch(text.replace(" ", ""))
    if found is None:
        raise BadRow(field, "no amount such as 1,500.00")
    amount = Decimal("".join(part or "" for part in found.groups()).replace(",", ""))
    if amount != round(amount, minor_units(currency)) or abs(amount) > MOST:
        raise BadRow(field, f"no amount in {currency}")
    return amount


def _day(text: str, format: DateFormat) -> date:
    try:
        found = day_of(text, format)
    except ValueError as error:
        other = "" if format != FORMATS[0] else "; for 21/11/2026 send ?date_format=DD/MM/YYYY"
        raise BadRow("date", f"no date such as {_EXAMPLES[format]}{other}") from error
    if not 1990 <= found.year <= 2200:
        raise BadRow("date", "of another age")
    return found


def _camt(content: bytes) -> Iterator[Row]:
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
            yield _camt_row(entry, part, number)


def _camt_row(entry: Element, part: Element, number: int) -> Row:
    amount = _first(part, "Amt")
    amount = amount if amount is not None else _first(entry, "Amt")
    if amount is None:
        raise Unreadable(f"entry {number} has no amount")
    debit = (_text(part, "CdtDbtInd") or _text(entry, "CdtDbtInd")) == "DBIT"
    day = _first(entry, "BookgDt")
    day = day if day is not None else _first(entry, "ValDt")
    reference = _text(part, "EndToEndId")
    if reference in (None, "NOTPROVIDED"):
        reference = _text(part, "TxId") or _text(part, "AcctSvcrRef") or _text(entry, "NtryRef")
    fields = {
        "amount": ("-" if debit else "") + (amount.text or "").strip(),
        "currency": amount.get("Ccy", "none"),
        "date": (_text(day, "Dt") or _text(day, "DtTm")) if day is not None else None,
        "reference": reference,
        "description": " ".join(filter(None, (_text(part, "Ustrd"), _text(part, "Nm")))),
    }
    return Row(line=number, fields={name: value for name, value in fields.items() if value})


def _name(element: Element) -> str:
    return element.tag.rpartition("}")[2]


def _first(element: Element, name: str) -> Element | None:
    return next((inner for inner in element.iter() if _name(inner) == name), None)


def _text(element: Element, name: str) -> str | None:
    found = _first(element, name)
    return found.text.strip() if found is not None and found.text else None
