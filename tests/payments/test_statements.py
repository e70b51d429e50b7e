"""Statements: read strictly, added once, matched three ways; what does not agree is shown by age."""

from __future__ import annotations

import io
import zipfile
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.statements.reading import read
from shared.tabular import Unreadable
from tests.payments.stage import NORTH, SOUTH, Stage

CSV = "text/csv"
CAMT = """<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt><Stmt>
<Ntry><Amt Ccy="BDT">500.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><BookgDt><Dt>2026-11-20</Dt></BookgDt>
 <NtryDtls><TxDtls><Refs><EndToEndId>BANK-1</EndToEndId></Refs>
 <RltdPties><Dbtr><Nm>Karim</Nm></Dbtr></RltdPties><RmtInf><Ustrd>bill of May</Ustrd></RmtInf>
 </TxDtls></NtryDtls></Ntry>
<Ntry><Amt Ccy="BDT">30.00</Amt><CdtDbtInd>DBIT</CdtDbtInd><BookgDt><Dt>2026-11-20</Dt></BookgDt></Ntry>
<Ntry><Amt Ccy="BDT">30.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><BookgDt><Dt>2026-11-21</Dt></BookgDt>
 <NtryDtls><TxDtls><Refs><TxId>A</TxId></Refs><Amt Ccy="BDT">10.00</Amt></TxDtls>
 <TxDtls><Refs><TxId>B</TxId></Refs><Amt Ccy="BDT">20.00</Amt></TxDtls></NtryDtls></Ntry>
</Stmt></BkToCstmrStmt></Document>"""


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json["errors"][0]["code"]


def send(
    stage: Stage, content: str | bytes, mime: str = CSV, path: str = "1/", **query: str
) -> Any:
    role: Any = "admin" if path == "1/" else "reseller"
    headers = {**stage.bearer(path, role), "Idempotency-Key": f"statement-{next(stage.keys):06d}"}
    data = content.encode() if isinstance(content, str) else content
    return stage.client.post(
        "/v1/statement-imports", data=data, content_type=mime, headers=headers, query_string=query
    )


def lines(stage: Stage, path: str = "1/", **query: str) -> list[Any]:
    role: Any = "admin" if path == "1/" else "reseller"
    found: Any = stage.get("/v1/statement-lines", path, role, **query).json
    return list(found["items"])


def table(*rows: str) -> str:
    return "\n".join(["date,amount,currency,reference,description,fee", *rows])


def test_a_line_with_the_reference_and_amount_of_a_payment_settles_it(stage: Stage) -> None:
    customer = stage.customer()
    paid = stage.paid(customer, "500.00", method="bank_transfer", transaction_reference="BANK-1")

    done = send(stage, table("2026-11-20,500.00,BDT,bank-1,rent,2.50"))

    assert done.status_code == 201, done.json
    assert (done.json["lines"], done.json["repeated"], done.json["debits"]) == (1, 0, 0)
    (line,) = lines(stage)
    assert (line["state"], line["payment_id"], line["exception"]) == ("matched", paid["id"], None)
    assert line["fee"]["amount"] == "2.50"
    settled: Any = stage.get(f"/v1/payments/{paid['id']}").json
    assert settled["settled_at"].startswith("2026-11-20")


def test_what_does_not_agree_says_why(stage: Stage) -> None:
    customer = stage.customer()
    stage.paid(customer, "500.00", method="bank_transfer", transaction_reference="DIFF")
    for _ in range(2):
        stage.paid(customer, "70.00", method="bank_transfer", transaction_reference="TWICE")
    stage.rows(
        "INSERT INTO gateway_transaction (gateway, transaction, amount, currency, source,"
        " received_at) VALUES ('bkash', 'LOST', 5, 'BDT', 'webhook', now()) RETURNING 1"
    )

    send(
        stage,
        table("2026-11-20,499.99,BDT,DIFF,,", "2026-11-20,70.00,BDT,TWICE,,",
              "2026-11-20,5.00,BDT,LOST,,", "2026-11-20,9.00,BDT,NEVER,,"),
        source="bkash",
    )  # fmt: skip

    found = {line["reference"]: line["exception"] for line in lines(stage, state="open")}
    assert found == {
        "DIFF": "amount_differs", "TWICE": "ambiguous", "LOST": "not_in_books", "NEVER": "unknown",
    }  # fmt: skip
    assert stage.rows("SELECT 1 FROM payment WHERE settled_at IS NOT NULL") == []


def test_a_file_and_its_lines_are_taken_once(stage: Stage) -> None:
    first = table("2026-11-20,5.00,BDT,A,,", "2026-11-20,6.00,BDT,B,,")
    assert send(stage, first).status_code == 201
    assert code(send(stage, first)) == (409, "imported")

    overlapping = send(stage, table("2026-11-20,6.00,BDT,B,,", "2026-11-20,7.00,BDT,C,,"))

    assert overlapping.json["repeated"] == 1
    assert len(lines(stage)) == 3


def test_lines_are_matched_by_hand_and_ignored_once(stage: Stage) -> None:
    customer = stage.customer()
    paid = stage.paid(customer, "500.00", method="bank_transfer")
    void = stage.paid(customer, "1.00", method="bank_transfer")
    stage.post(f"/v1/payments/{void['id']}/void", {"reason": "a slip"})
    send(stage, table("2026-11-20,500.00,BDT,,Karim,", "2026-11-21,500.00,BDT,X,,",
                      "2026-11-22,3.00,BDT,Y,interest,"))  # fmt: skip
    first, second, interest = (f"/v1/statement-lines/{line['id']}" for line in lines(stage))

    assert code(stage.post(f"{first}/match", {"payment_id": void["id"]})) == (
        409,
        "not_this_payment",
    )
    assert stage.post(f"{first}/match", {"payment_id": first[-36:]}).status_code == 404
    done: Any = stage.post(f"{first}/match", {"payment_id": paid["id"]})
    assert (done.status_code, done.json["state"], done.json["decided_by"]) == (
        200,
        "matched",
        "admin",
    )
    assert code(stage.post(f"{second}/match", {"payment_id": paid["id"]})) == (
        409,
        "payment_matched",
    )
    assert code(stage.post(f"{first}/ignore", {"reason": "a slip"})) == (409, "line_decided")
    ignored: Any = stage.post(f"{interest}/ignore", {"reason": "the bank's interest"})
    assert ignored.json["state"] == "ignored"
    assert [line["id"] for line in lines(stage, state="open")] == [second[-36:]]


def test_the_report_shows_both_sides_by_age(stage: Stage) -> None:
    customer = stage.customer()
    old = (datetime.now(UTC) - timedelta(days=40)).isoformat()
    stage.paid(customer, "500.00", method="bank_transfer", paid_at=old)
    stage.paid(customer, "20.00", method="cash")
    ten = (date.today() - timedelta(days=10)).isoformat()  # noqa: DTZ011 - a day of the calendar
    send(stage, table(f"{ten},9.00,BDT,NEVER,,"))

    found: Any = stage.get("/v1/reports/reconciliation").json

    assert [(a["method"], a["age_days"], a["payments"]) for a in found["unsettled_payments"]] == [
        ("bank_transfer", "31-90", 1)
    ]
    assert [
        (a["exception"], a["age_days"], a["amount"]["amount"]) for a in found["open_lines"]
    ] == [("unknown", "8-30", "9.00")]


def test_a_camt_053_statement_is_read_by_its_entries(stage: Stage) -> None:
    stage.paid(stage.customer(), "500.00", method="bank_transfer", transaction_reference="BANK-1")

    done = send(stage, CAMT, "application/xml")

    assert done.status_code == 201, done.json
    assert (done.json["lines"], done.json["debits"], done.json["format"]) == (3, 1, "camt053")
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

    (line,), debits = read(file.getvalue(), "xlsx", None)

    assert (line.amount, line.reference, line.booked_on, debits) == (
        Decimal("1500.00"), "X1", date(2026, 11, 20), 0,
    )  # fmt: skip


BOMB = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><Document>&b;</Document>'


@pytest.mark.parametrize(
    ("content", "mime", "said"),
    [
        ("", CSV, "empty"),
        ("date,amount\n", CSV, "no row"),
        ("day,sum\n1,2", CSV, "no column for the date"),
        (table("2026-11-20,5.00,XXX,A,,"), CSV, "which currency"),
        (table("20/11/2026,5.00,BDT,A,,"), CSV, "no date"),
        (table("2026-11-20,5.001,BDT,A,,"), CSV, "no amount in BDT"),
        (table("2026-11-20,five,BDT,A,,"), CSV, "no amount"),
        (table("1026-11-20,5,BDT,A,,"), CSV, "another age"),
        (b"\xff\xfe", CSV, "UTF-8"),
        (b"PK\x03\x04", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "XLSX"),
        (BOMB, "application/xml", "not an XML statement"),
        (BOMB.encode("utf-16"), "application/xml", "not an XML statement"),
        ("<Document/>", "text/xml", "camt.053"),
        ("<Document><BkToCstmrStmt><Ntry/></BkToCstmrStmt></Document>", "text/xml", "no amount"),
        (CAMT.replace("BDT", "XXX"), "text/xml", "which currency"),
        (CAMT.replace("2026-11-20", "soon"), "text/xml", "no date"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_says_where(
    stage: Stage, content: str | bytes, mime: str, said: str
) -> None:
    answer = send(stage, content, mime)
    assert code(answer) == (422, "unreadable")
    assert said in answer.json["detail"]
    assert stage.rows("SELECT 1 FROM statement_import") == []


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_whatever_bytes_come_they_are_read_or_refused(content: bytes) -> None:
    for format in ("csv", "xlsx", "camt053"):
        try:
            found, debits = read(content, format, "BDT")
        except Unreadable:
            continue
        assert all(line.amount > 0 for line in found)
        assert debits >= 0


def test_statements_are_of_a_branch_and_match_its_payments_alone(stage: Stage) -> None:
    customer = stage.customer()
    stage.paid(customer, "500.00", method="bank_transfer", transaction_reference="BANK-1")
    send(stage, table("2026-11-20,500.00,BDT,BANK-1,,"), path=SOUTH)

    (line,) = lines(stage, SOUTH)
    assert (line["state"], line["exception"]) == ("open", "unknown")
    assert lines(stage, NORTH) == []
    answer = stage.post(
        f"/v1/statement-lines/{line['id']}/ignore", {"reason": "x" * 9}, NORTH, "reseller"
    )
    assert answer.status_code == 404
    assert send(stage, "x", "image/png").status_code == 415
    assert send(stage, "x", source="moon").status_code == 422


@pytest.mark.parametrize("mode", ["pseudonymise", "everything"])
def test_an_erased_customer_is_in_no_line(stage: Stage, mode: str) -> None:
    customer = stage.customer("Karim Ahmed")
    stage.paid(customer, "500.00", method="bank_transfer", transaction_reference="BOOK-4711")
    send(stage, table("2026-11-20,500.00,BDT,BOOK-4711,from Karim Ahmed,",
                      "2026-11-20,5.00,BDT,Z,sent by KARIM AHMED again,",
                      "2026-11-20,6.00,BDT,Y,somebody else,"))  # fmt: skip

    stage.erase(customer, mode)

    left = stage.rows("SELECT reference, description FROM statement_line ORDER BY line")
    assert [row.description for row in left] == [None, None, "somebody else"]
    assert "BOOK-4711" not in str(left)
    (told,) = stage.rows("SELECT data FROM outbox WHERE type = 'erasure.receipt'")
    assert told.data["rows"]["statement_line"] >= 2
