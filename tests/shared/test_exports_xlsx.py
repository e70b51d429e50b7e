"""XLSX cells and sheets, read back by another program (seed E21, input B21)."""

import zipfile
from datetime import datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import psycopg
import pytest
from python_calamine import CalamineWorkbook

from shared import exports
from shared.exports import Column
from shared.exports.xlsx_file import write_xlsx
from tests.shared.test_exports import ALL, COLUMNS, HOSTILE, add, connection, fill, read_xlsx

__all__ = ["connection"]  # the fixture


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
