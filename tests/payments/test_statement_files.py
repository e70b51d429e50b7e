"""Statement files: CSV, XLSX and CAMT.053 are read strictly, and what cannot be read says where."""

from __future__ import annotations

import io
import zipfile
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.statements.dates import DateFormat, day_of
from payments.statements.reading import BadRow, line_of, rows_of
from shared.tabular import Unreadable
from tests.payments.stage import Stage
from tests.payments.statements import CAMT, CSV, code, lines, send, table, take, verdicts


def test_a_camt_053_statement_is_read_by_its_entries(stage: Stage) -> None:
    stage.paid(stage.customer(), "500.00", method="bank_transfer", transaction_reference="BANK-1")

    done = take(stage, CAMT, "application/xml")

    assert (done["lines"], done["debits"], done["format"]) == (3, 1, "camt053")
    found = {line["reference"]: (line["amount"]["amount"], line["state"]) for line in lines(stage)}
    assert found == {
        "BANK-1": ("500.00", "matched"),
        "A": ("10.00", "open"),
        "B": ("20.00", "open"),
    }
    assert lines(stage)[0]["description"] == "bill of May Karim"


def test_an_xlsx_statement_is_read_as_people_see_it() -> None:
    rows = [["Date", "TrxID", "Amount", "Currency"], ["2026-11-20", "X1", "1,500.00", "BDT"]]
    cells = "".join(
        "<row>" + "".join(f'<c t="inlineStr"><is><t>{cell}</t></is></c>' for cell in row) + "</row>"
        for row in rows
    )
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in (
            ("[Content_Types].xml", '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/></Types>'),  # noqa: E501
            ("_rels/.rels", '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>'),  # noqa: E501
            ("xl/workbook.xml", '<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="S" sheetId="1" r:id="s"/></sheets></workbook>'),  # noqa: E501
            ("xl/_rels/workbook.xml.rels", '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="s" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>'),  # noqa: E501
            ("xl/worksheets/sheet1.xml", f'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>{cells}</sheetData></worksheet>'),  # noqa: E501
        ):  # fmt: skip
            archive.writestr(name, content)

    (row,) = rows_of(file.getvalue(), "xlsx")
    line = line_of(row, None)

    assert (line.amount, line.reference, line.booked_on) == (
        Decimal("1500.00"), "X1", date(2026, 11, 20),
    )  # fmt: skip


BOMB = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><Document>&b;</Document>'


@pytest.mark.parametrize(
    ("content", "mime", "said"),
    [
        ("", CSV, "empty"),
        ("date,amount\n", CSV, "no row"),
        ("day,sum\n1,2", CSV, "no column for the date"),
        ("date,amount\n2026-11-20,", CSV, "no line with an amount"),
        (b"\xff\xfe", CSV, "UTF-8"),
        (b"PK\x03\x04", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "XLSX"),
        (BOMB, "application/xml", "not an XML statement"),
        (BOMB.encode("utf-16"), "application/xml", "not an XML statement"),
        ("<Document/>", "text/xml", "camt.053"),
        ("<Document><BkToCstmrStmt><Ntry/></BkToCstmrStmt></Document>", "text/xml", "no amount"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_says_where(
    stage: Stage, content: str | bytes, mime: str, said: str
) -> None:
    answer = send(stage, content, mime)
    assert code(answer) == (422, "unreadable")
    assert said in answer.json["detail"]
    assert stage.rows("SELECT 1 FROM statement_import") == []


@pytest.mark.parametrize(
    ("content", "mime", "field", "said"),
    [
        (table("2026-11-20,5.00,XXX,A,,"), CSV, "currency", "which currency"),
        (table("20/11/2026,5.00,BDT,A,,"), CSV, "date", "no date"),
        (table("2026-11-20,5.001,BDT,A,,"), CSV, "amount", "no amount in BDT"),
        (table("2026-11-20,five,BDT,A,,"), CSV, "amount", "no amount"),
        (table("2026-11-20,5,BDT,A,,free"), CSV, "fee", "no amount"),
        (table("1026-11-20,5,BDT,A,,"), CSV, "date", "another age"),
        (CAMT.replace('Ccy="BDT">500', 'Ccy="XXX">500'), "text/xml", "currency", "which currency"),
        (CAMT.replace("2026-11-20", "soon", 1), "text/xml", "date", "no date"),
    ],
)  # fmt: skip
def test_a_row_that_cannot_be_read_says_which_field(
    stage: Stage, content: str, mime: str, field: str, said: str
) -> None:
    done = take(stage, content, mime)
    state, verdict = verdicts(stage, done["id"])[0]
    (fault,) = verdict["errors"]
    assert (state, fault["field"], done["failed"]) == ("failed", field, 1)
    assert said in fault["detail"]


@pytest.mark.parametrize(
    ("text", "format", "day"),
    [
        ("21/11/2026", "DD/MM/YYYY", date(2026, 11, 21)),
        ("03/04/2026", "DD/MM/YYYY", date(2026, 4, 3)),
        ("03/04/2026", "MM/DD/YYYY", date(2026, 3, 4)),
        ("21.11.26 14:05:33", "DD/MM/YYYY", date(2026, 11, 21)),
        ("21-Nov-2026", "DD/MM/YYYY", date(2026, 11, 21)),
        ("Sept 1, 2026", "MM/DD/YYYY", date(2026, 9, 1)),
        ("২১/১১/২০২৬", "DD/MM/YYYY", date(2026, 11, 21)),
        ("2026-11-21", "DD/MM/YYYY", date(2026, 11, 21)),
        ("2026-11-21T10:00:00", "YYYY-MM-DD", date(2026, 11, 21)),
    ],
)
def test_days_are_read_as_the_sender_says_they_are_written(
    text: str, format: DateFormat, day: date
) -> None:
    assert day_of(text, format) == day


@pytest.mark.parametrize(
    ("text", "format"),
    [
        ("21/11/2026", "YYYY-MM-DD"), ("21/11/2026", "MM/DD/YYYY"), ("31/02/2026", "DD/MM/YYYY"),
        ("21/11", "DD/MM/YYYY"), ("21/11/026", "DD/MM/YYYY"), ("2026/11/21", "DD/MM/YYYY"),
        ("21-No-2026", "DD/MM/YYYY"), ("-1/11/2026", "DD/MM/YYYY"), ("", "DD/MM/YYYY"),
        ("²1/11/2026", "DD/MM/YYYY"), ("soon", "MM/DD/YYYY"),
    ],
)  # fmt: skip
def test_what_is_no_day_of_that_format_is_refused(text: str, format: DateFormat) -> None:
    with pytest.raises(ValueError):
        day_of(text, format)


def test_a_file_with_days_of_the_bank_is_sent_again_with_their_format(stage: Stage) -> None:
    content = table("21/11/2026,5.00,BDT,A,,", "22/11/2026,6.00,BDT,B,,")
    first = take(stage, content)
    (_, verdict), _ = verdicts(stage, first["id"])
    assert "DD/MM/YYYY" in verdict["errors"][0]["detail"]
    assert (first["failed"], first["lines"]) == (2, 0)

    again = take(stage, content, date_format="DD/MM/YYYY")

    assert (again["id"], again["failed"], again["lines"]) == (first["id"], 0, 2)
    assert [line["booked_on"] for line in lines(stage)] == ["2026-11-21", "2026-11-22"]
    assert code(send(stage, content, date_format="DD/MM/YYYY")) == (409, "imported")
    assert send(stage, content, date_format="D/M").status_code == 422


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_whatever_bytes_come_they_are_read_or_refused(content: bytes) -> None:
    for format in ("csv", "xlsx", "camt053"):
        try:
            rows = rows_of(content, format)
        except Unreadable:
            continue
        for row in rows:
            try:
                line = line_of(row, "BDT")
            except BadRow:
                continue
            assert line.fee >= 0
