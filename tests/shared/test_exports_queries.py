"""What may be exported: columns, statements and their values, names (seeds E20 and E23)."""

import enum
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import psycopg
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from shared import exports
from shared.exports import Column, ExportError, UnknownColumn
from shared.exports.csv_file import guarded, unguarded
from tests.shared.test_exports import read_csv


class Status(enum.Enum):
    PAID = "paid"
    VOID = "void"


metadata = sa.MetaData(schema="exports_queries")
receipt = sa.Table(
    "receipt",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("status", sa.Enum(Status)),
    sa.Column("amount", sa.Numeric(14, 2)),
    sa.Column("day", sa.Date),
    sa.Column("note", sa.Text),
)
CATALOGUE = (
    Column("id", "Id", "text", receipt.c.id),
    Column("status", "Status", "text", receipt.c.status),
    Column("amount", "Amount", "money", receipt.c.amount),
    Column("shouted", "Note", "text", "upper(note)"),
)
FIRST = UUID(int=1)


@pytest.fixture(scope="module")
def engine(postgres: str) -> Iterator[sa.Engine]:
    engine = sa.create_engine(postgres.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:
        connection.execute(sa.schema.CreateSchema("exports_queries"))
        metadata.create_all(connection)
        rows = [
            {
                "id": UUID(int=n),
                "status": status,
                "amount": n,
                "day": date(2026, 1, n),
                "note": "ok %",
            }
            for n, status in enumerate([Status.PAID, Status.VOID, Status.PAID], 1)
        ]
        connection.execute(receipt.insert(), rows)
    yield engine
    with engine.begin() as connection:
        connection.execute(sa.schema.DropSchema("exports_queries", cascade=True))
    engine.dispose()


def test_filters_of_every_type_reach_the_file_e20_e23(engine: sa.Engine, tmp_path: Path) -> None:
    columns = exports.chosen(CATALOGUE, ["shouted", "amount", "status"])
    query = (
        sa.select(*exports.expressions(columns))
        .where(receipt.c.status == Status.PAID)
        .where(receipt.c.id.in_([FIRST, UUID(int=2)]))
        .where(receipt.c.note.like("ok%"), receipt.c.note != "it's 100%s")
        .where(receipt.c.day.between(date(2026, 1, 1), date(2026, 1, 31)))
        .where(receipt.c.amount < Decimal("2.50"))
        .limit(10)
    )

    with engine.connect() as connection:
        manifest = exports.write(
            connection, query, columns, tmp_path / "a.csv", "csv", sum_column="amount"
        )

    assert read_csv(tmp_path / "a.csv") == [["Note", "Amount", "Status"], ["OK %", "1.00", "PAID"]]
    assert (manifest.rows, manifest.sum) == (1, Decimal("1.00"))


def test_a_union_and_plain_sql_with_values_are_exported_too(
    engine: sa.Engine, tmp_path: Path
) -> None:
    columns = (Column("id", "Id", "text", receipt.c.id),)
    one = sa.select(receipt.c.id).where(receipt.c.id == FIRST)
    union = sa.union_all(one, sa.select(receipt.c.id).where(receipt.c.id == UUID(int=2)))
    plain = "SELECT id FROM exports_queries.receipt WHERE id = ANY(%(ids)s) AND note LIKE '%%'"

    with engine.connect() as connection:
        both = exports.write(connection, union, columns, tmp_path / "a", "xlsx")
        first = exports.write(connection, (plain, {"ids": [FIRST]}), columns, tmp_path / "b", "csv")

    assert (both.rows, first.rows) == (2, 1)


def test_no_rows_is_a_file_with_titles(engine: sa.Engine, tmp_path: Path) -> None:
    query = sa.select(*exports.expressions(CATALOGUE)).where(sa.false())
    with engine.connect() as connection:
        for format in ("csv", "xlsx", "parquet"):
            manifest = exports.write(
                connection, query, CATALOGUE, tmp_path / "a", format, sum_column="amount"
            )
            assert (manifest.rows, manifest.sum) == (0, Decimal(0))


def test_columns_that_are_not_the_querys_are_refused(engine: sa.Engine, tmp_path: Path) -> None:
    query = sa.select(*exports.expressions(CATALOGUE))
    with engine.connect() as connection, pytest.raises(ExportError, match="the columns are"):
        exports.write(connection, query, CATALOGUE[::-1], tmp_path / "a", "csv")

    with engine.connect() as connection, pytest.raises(ExportError, match="sum_column 'note'"):
        exports.write(connection, query, CATALOGUE, tmp_path / "a", "csv", sum_column="note")


def test_an_unknown_time_zone_is_an_error_that_names_it(engine: sa.Engine, tmp_path: Path) -> None:
    query = sa.select(*exports.expressions(CATALOGUE))
    with engine.connect() as connection, pytest.raises(psycopg.Error, match="Dhaka/Asia"):
        exports.write(connection, query, CATALOGUE, tmp_path / "a", "csv", time_zone="Dhaka/Asia")


@pytest.mark.unit
def test_the_columns_shown_are_chosen_in_their_order_e23() -> None:
    assert exports.chosen(CATALOGUE) == CATALOGUE
    assert [c.name for c in exports.chosen(CATALOGUE, ["amount", "id", "id"])] == ["amount", "id"]
    with pytest.raises(UnknownColumn, match="no column 'password'; there are id, status"):
        exports.chosen(CATALOGUE, ["password"])
    with pytest.raises(UnknownColumn, match="at least one"):
        exports.chosen(CATALOGUE, [])


@pytest.mark.unit
@pytest.mark.parametrize("name", ['a"; DROP', "A", "", "1a", "a" * 64])
def test_a_column_name_cannot_carry_sql(name: str) -> None:
    with pytest.raises(ValueError, match="column name"):
        Column(name, "Title", "text", "x")


@pytest.mark.unit
def test_download_names_come_from_our_own_words_b22() -> None:
    assert exports.download_name("payments", FIRST, "xlsx") == f"payments-{FIRST}.xlsx"
    for kind in ("../../etc/passwd", "a b", "a\r\nb", "প"):
        with pytest.raises(ValueError, match="download name"):
            exports.download_name(kind, 1, "csv")


@pytest.mark.unit
@given(st.text())
def test_what_is_guarded_can_be_given_back(text: str) -> None:
    assert unguarded(guarded(text)) == text
    assert guarded(text)[:1] not in tuple("=+-@\t\r\n＝＋－＠")
