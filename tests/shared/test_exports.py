"""The export engine against a real PostgreSQL (seeds E20-E24, faults F37 and F38, input B21)."""

import csv
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any

import psycopg
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest
import sqlalchemy
from python_calamine import CalamineWorkbook

from shared import exports
from shared.exports import Column, Format
from shared.exports.csv_file import ACTIVE, unguarded

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
    "｀wide but harmless",
    "Ünicode",
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


def test_every_active_character_is_told_from_letters_by_the_quick_test_b21() -> None:
    remainders = [ord(character) % ord("＋") for character in f"'{ACTIVE}"]

    assert max(remainders) < ord("A")


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
