"""The export engine against a real PostgreSQL (seeds E20-E24, faults F37 and F38, input B21)."""

import csv
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import psycopg
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest
import sqlalchemy
from python_calamine import CalamineWorkbook

from shared import exports
from shared.exports import Column, Format
from shared.exports.csv_file import unguarded
from shared.exports.xlsx_file import write_xlsx

HOSTILE = [
    "=1+1",
    "+cmd|' /C calc'!A0",
    "-2+3",
    "@SUM(1+1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "＝1",
    "＋1",
    "－1",
    "＠SUM(1)",
    '"=1+1"',
    ";=1",
    '=HYPERLINK("http://127.0.0.1/","x")',
    "http://127.0.0.1/",
    "'=1",
    "'t Hooft",
    "00123",
    "12345678901234567890",
    "1e5",
    "TRUE",
    "2026-01-02",
    "😀 emoji 👨‍👩‍👧",
    "مرحبا بالعالم",
    "রহিম উদ্দিন",
    "  spaces  ",
    "a,b;c\td",
    "two\nlines\r\nand three",
    "back\\slash \\N \\.",
    "<b>&amp;</b> ]]>",
    "_x0041_ and _x0042_x0043_",
    "''",
    "",
]

COLUMNS = (
    Column("id", "No.", "integer", "id"),
    Column("name", "Customer name", "text", "name"),
    Column("phone", "Phone", "phone", "phone"),
    Column("amount", "Amount (BDT)", "money", "amount"),
    Column("paid_at", "Paid at", "timestamp", "paid_at"),
    Column("due_on", "Due on", "date", "due_on"),
    Column("active", "Active", "boolean", "active"),
)
QUERY = sqlalchemy.select(*exports.expressions(COLUMNS)).select_from(sqlalchemy.text("payment"))
ALL = QUERY.order_by(sqlalchemy.text("id"))


@pytest.fixture
def connection(postgres: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute("DROP SCHEMA IF EXISTS exports_test CASCADE; CREATE SCHEMA exports_test")
        connection.execute("SET search_path = exports_test")
        connection.execute(
            "CREATE TABLE payment (id bigint PRIMARY KEY, name text, phone text,"
            " amount numeric(14,2), paid_at timestamptz, due_on date, active boolean)"
        )
        yield connection
        connection.execute("DROP SCHEMA exports_test CASCADE")


def add(connection: psycopg.Connection[Any], names: list[str | None]) -> None:
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO payment VALUES (%s, %s, '+8801712345678', -12.50,"
            " '2026-01-02 23:30:15+00', '2026-02-28', true)",
            list(enumerate(names, 1)),
        )


def fill(connection: psycopg.Connection[Any], rows: int) -> None:
    connection.execute(
        "INSERT INTO payment SELECT g, 'Customer ' || g, '+880171' || g, g / 100.0,"
        " timestamptz '2026-01-01 00:00+00' + g * interval '1 minute', '2026-02-28', g %% 2 = 0"
        " FROM generate_series(1, %s) AS g",
        (rows,),
    )


def read_csv(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file, strict=True))


def read_xlsx(path: Path, sheet: int = 0) -> list[list[Any]]:
    return CalamineWorkbook.from_path(path).get_sheet_by_index(sheet).to_python()


def test_csv_gives_back_every_hostile_text_and_none_is_active_b21(
    connection: psycopg.Connection[Any], tmp_path: Path
) -> None:
    add(connection, list(HOSTILE))

    exports.write(connection, ALL, COLUMNS, tmp_path / "a.csv", "csv")

    header, *rows = read_csv(tmp_path / "a.csv")
    assert header == [column.title for column in COLUMNS]
    assert [unguarded(row[1]) for row in rows] == HOSTILE
    assert not [row[1] for row in rows if row[1][:1] in tuple("=+-@\t\r\n＝＋－＠")]
    assert rows[16][1] == "'t Hooft"
    assert {(row[2], row[3]) for row in rows} == {("+8801712345678", "-12.50")}


def test_csv_is_what_rfc_4180_and_excel_expect(
    connection: psycopg.Connection[Any], tmp_path: Path
) -> None:
    add(connection, ["plain", None])

    exports.write(connection, ALL, COLUMNS, tmp_path / "a.csv", "csv", time_zone="Asia/Dhaka")

    lines = (tmp_path / "a.csv").read_bytes().split(b"\r\n")
    assert lines[0].startswith(b'\xef\xbb\xbf"No.","Customer name",')
    assert lines[1] == (
        b'"1","plain","+8801712345678","-12.50","2026-01-03 05:30:15+06","2026-02-28","true"'
    )
    assert lines[2].startswith(b'"2",,"+8801712345678"')
    assert lines[3:] == [b""]
    paid_at = datetime.fromisoformat(read_csv(tmp_path / "a.csv")[1][4])
    assert paid_at == datetime(2026, 1, 2, 23, 30, 15, tzinfo=UTC)


def test_a_phone_that_is_a_formula_is_guarded_and_a_phone_is_not_b21(
    connection: psycopg.Connection[Any], tmp_path: Path
) -> None:
    phones = [
        "+8801712345678",
        "+880 17 12 34",
        "01712345678",
        "+1+cmd|' /C calc'!A0",
        "+880-17",
        "=1",
    ]
    for number, phone in enumerate(phones):
        connection.execute("INSERT INTO payment (id, phone) VALUES (%s, %s)", (number, phone))

    exports.write(connection, ALL, COLUMNS, tmp_path / "a.csv", "csv")

    written = [row[2] for row in read_csv(tmp_path / "a.csv")[1:]]
    assert written == [*phones[:3], "'+1+cmd|' /C calc'!A0", "'+880-17", "'=1"]


def test_xlsx_holds_every_hostile_text_as_text_and_no_formula_b21(
    connection: psycopg.Connection[Any], tmp_path: Path
) -> None:
    add(connection, list(HOSTILE))

    exports.write(connection, ALL, COLUMNS, tmp_path / "a.xlsx", "xlsx")

    header, *rows = read_xlsx(tmp_path / "a.xlsx")
    assert header == [column.title for column in COLUMNS]
    assert [row[1] for row in rows] == HOSTILE
    assert {(row[2], row[3]) for row in rows} == {("+8801712345678", -12.5)}
    sheet = part(tmp_path / "a.xlsx", "xl/worksheets/sheet1.xml")
    assert not list(sheet.iter(f"{MAIN}f")) and not list(sheet.iter(f"{MAIN}hyperlink"))


MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def part(path: Path, name: str) -> ElementTree.Element:
    with zipfile.ZipFile(path) as book:
        assert book.testzip() is None
        return ElementTree.fromstring(book.read(name))  # noqa: S314  # written by the line above


def test_xlsx_writes_money_dates_and_times_as_numbers_with_formats(
    connection: psycopg.Connection[Any], tmp_path: Path
) -> None:
    add(connection, ["a"])

    exports.write(connection, ALL, COLUMNS, tmp_path / "a.xlsx", "xlsx", time_zone="Asia/Dhaka")

    row = read_xlsx(tmp_path / "a.xlsx")[1]
    assert row[:4] == [1.0, "a", "+8801712345678", -12.5]
    assert row[4].replace(microsecond=0) == datetime(2026, 1, 3, 5, 30, 15)  # noqa: DTZ001
    assert row[5:] == [datetime(2026, 2, 28).date(), True]  # noqa: DTZ001
    styles = part(tmp_path / "a.xlsx", "xl/styles.xml")
    codes = [item.get("formatCode") for item in styles.iter(f"{MAIN}numFmt")]
    assert codes == ["yyyy-mm-dd hh:mm:ss", "yyyy-mm-dd", "0", "#,##0.00"]


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        ("bell\x07 and \x1f", "bell and "),
        ("\ufffe\uffff", ""),
        ("x" * 32_767, "x" * 32_767),
        ("x" * 40_000, "x" * 32_766 + "…"),
        ("y" * 20_000 + "😀", "y" * 20_000 + "😀"),
    ],
)
def test_xlsx_drops_what_xml_forbids_and_marks_what_it_cuts_b21(
    connection: psycopg.Connection[Any], tmp_path: Path, stored: str, shown: str
) -> None:
    add(connection, [stored])

    exports.write(connection, ALL, COLUMNS, tmp_path / "a.xlsx", "xlsx")

    assert read_xlsx(tmp_path / "a.xlsx")[1][1] == shown


def test_xlsx_counts_an_emoji_as_two_as_excel_does(
    connection: psycopg.Connection[Any], tmp_path: Path
) -> None:
    add(connection, ["😀" * 20_000])

    exports.write(connection, ALL, COLUMNS, tmp_path / "a.xlsx", "xlsx")

    text = read_xlsx(tmp_path / "a.xlsx")[1][1]
    assert text.endswith("😀…") and len(text.encode("utf-16-le")) // 2 <= 32_767


def test_xlsx_writes_numbers_excel_would_change_as_text(
    connection: psycopg.Connection[Any], tmp_path: Path
) -> None:
    columns = [
        Column("id", "Id", "integer", "id"),
        Column("amount", "Amount", "money", "amount"),
        Column("day", "Day", "date", "day"),
        Column("at", "At", "timestamp", "at"),
    ]
    query = (
        "SELECT * FROM (VALUES (1234567890123456789, numeric 'NaN', date '1850-01-01',"
        " timestamptz 'infinity')) AS v (id, amount, day, at)"
    )

    exports.write(connection, (query, {}), columns, tmp_path / "a.xlsx", "xlsx")

    assert read_xlsx(tmp_path / "a.xlsx")[1] == [
        "1234567890123456789",
        "NaN",
        "1850-01-01",
        "infinity",
    ]


@pytest.mark.parametrize(
    ("rows", "sizes"), [(0, [0]), (999, [999]), (1000, [1000]), (2001, [1000, 1000, 1])]
)
def test_xlsx_goes_on_on_the_next_sheet(
    connection: psycopg.Connection[Any], tmp_path: Path, rows: int, sizes: list[int]
) -> None:
    fill(connection, rows)
    text = "SELECT * FROM payment ORDER BY id"

    with (tmp_path / "a.xlsx").open("w+b") as file, connection.transaction():
        written = write_xlsx(connection, text, COLUMNS, file, lambda done: None, 1000)

    book = CalamineWorkbook.from_path(tmp_path / "a.xlsx")
    sheets = [book.get_sheet_by_name(name).to_python()[1:] for name in book.sheet_names]
    assert written == rows
    assert [len(sheet) for sheet in sheets] == sizes
    assert [row[0] for sheet in sheets for row in sheet] == list(range(1, rows + 1))


def test_parquet_keeps_exact_money_and_zones(
    connection: psycopg.Connection[Any], tmp_path: Path
) -> None:
    add(connection, [*HOSTILE, None])

    exports.write(
        connection, ALL, COLUMNS, tmp_path / "a.parquet", "parquet", time_zone="Asia/Dhaka"
    )

    table = pq.read_table(tmp_path / "a.parquet")
    assert str(table.schema.field("amount").type) == "decimal128(38, 2)"
    assert str(table.schema.field("paid_at").type) == "timestamp[us, tz=Asia/Dhaka]"
    assert table.column("name").to_pylist() == [*HOSTILE, None]
    row = table.to_pylist()[0]
    assert row["amount"] == Decimal("-12.50")
    assert row["paid_at"] == datetime(2026, 1, 2, 23, 30, 15, tzinfo=UTC)


@pytest.mark.parametrize("format", ["csv", "xlsx", "parquet"])
def test_the_manifest_is_what_a_second_reading_finds_i5_i16(
    connection: psycopg.Connection[Any], tmp_path: Path, format: Format
) -> None:
    fill(connection, 12_345)
    path = tmp_path / exports.download_name("payments", 7, format)
    heard: list[int] = []

    manifest = exports.write(
        connection, ALL, COLUMNS, path, format, sum_column="amount", on_progress=heard.append
    )

    amounts: list[Decimal]
    if format == "csv":
        amounts = [Decimal(row[3]) for row in read_csv(path)[1:]]
    elif format == "xlsx":
        amounts = [Decimal(str(row[3])) for row in read_xlsx(path)[1:]]
    else:
        amounts = pq.read_table(path).column("amount").to_pylist()
    content = path.read_bytes()
    assert (manifest.rows, manifest.sum) == (len(amounts), sum(amounts))
    assert (manifest.sha256, manifest.bytes) == (sha256(content).hexdigest(), len(content))
    assert manifest.columns == tuple(column.name for column in COLUMNS)
    assert path.stat().st_mode & 0o777 == 0o600
    assert heard == sorted(heard) and heard[-1] == 12_345
    assert manifest.as_json()["sum"] == str(sum(amounts))
    assert list(tmp_path.iterdir()) == [path]
