"""Exports of 200,000 payments against the bare means of writing the same rows.

`csv-export`'s floor is `COPY` of the same query to a file with psycopg, and nothing else: no
guard, no digest, no fsync; neither side adds up (a `sum_column` reads the rows again in the server,
25 ms here). `xlsx-export`'s is rustpy-xlsxwriter, the fastest XLSX library
found, alone on the same rows from a server cursor. `csv-2m` and `xlsx-2m` are the same of two million
rows, on as many sheets. `export-memory` is the highest resident memory of a process that exports them,
with its floor a budget of 100 MB.
"""

import subprocess
import sys
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
from psycopg.rows import dict_row
from rustpy_xlsxwriter import write_worksheets

from shared import exports
from shared.exports import Column, Format
from tests.bench import Measure, interleaved, measure
from tests.support.servers import start_postgres

NAMES = ("csv-export", "xlsx-export", "csv-2m", "xlsx-2m", "export-memory")
FEW = frozenset({"csv-export", "xlsx-export"})

ROWS = 200_000
MANY_ROWS = 2_000_000
SHEET = 1_000_000
RUNS, MANY_RUNS = 15, 5

COLUMNS = (
    Column("id", "Payment no.", "integer", "id"),
    Column("customer", "Customer", "text", "customer"),
    Column("username", "Username", "text", "username"),
    Column("phone", "Phone", "phone", "phone"),
    Column("method", "Method", "text", "method"),
    Column("receipt", "Receipt", "text", "receipt"),
    Column("note", "Note", "text", "note"),
    Column("amount", "Amount (BDT)", "money", "amount"),
    Column("paid_at", "Paid at", "timestamp", "paid_at"),
)
QUERY = f"SELECT {', '.join(column.name for column in COLUMNS)} FROM payment ORDER BY id"

PAYMENTS = """
DROP TABLE IF EXISTS payment;
CREATE TABLE payment AS SELECT
    g::bigint AS id,
    'Customer ' || g || (ARRAY['', ' & Sons', ' রহিম', ' <Ltd>', '', '', ''])[1 + g % 7] AS customer,
    'user' || g AS username,
    '+88017' || lpad(g::text, 8, '0') AS phone,
    (ARRAY['bKash', 'Nagad', 'Cash', 'Card'])[1 + g % 4] AS method,
    'INV-' || lpad(g::text, 10, '0') AS receipt,
    CASE WHEN g % 50 = 0 THEN '=HYPERLINK("x")' ELSE 'month ' || g % 12 END AS note,
    ((g % 100000 - 500) / 100.0)::numeric(14, 2) AS amount,
    timestamptz '2025-01-01 00:00+00' + g * interval '37 s' AS paid_at
FROM generate_series(1, {rows}) AS g;
ALTER TABLE payment ADD PRIMARY KEY (id);
VACUUM ANALYZE payment;
"""

# Fresh process: the highest memory a process ever had cannot be taken back.
EXPORT_AND_WEIGH = """
import sys
from pathlib import Path
import psycopg
from tests.bench.exports import export

export(sys.argv[1], Path(sys.argv[2]), sys.argv[3])
status = Path("/proc/self/status").read_text()
print(next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")))
"""


def measures(names: tuple[str, ...]) -> list[Measure]:
    """Start a PostgreSQL, fill it, measure."""
    with TemporaryDirectory() as folder:
        server = start_postgres(Path(folder) / "postgresql")
        try:
            return measures_of(server.url, Path(folder), names)
        finally:
            server.stop()


def measures_of(postgres_url: str, folder: Path, names: tuple[str, ...] = NAMES) -> list[Measure]:
    """The same on a server that runs already; files go to `folder`."""
    results: list[Measure] = []
    if FEW & set(names):
        _fill(postgres_url, ROWS)
    if "csv-export" in names:
        results.append(_csv(postgres_url, folder, "csv-export", ROWS, RUNS))
    if "xlsx-export" in names:
        results.append(_xlsx(postgres_url, folder, "xlsx-export", ROWS, RUNS))
    if set(names) - FEW:
        _fill(postgres_url, MANY_ROWS)
    if "csv-2m" in names:
        results.append(_csv(postgres_url, folder, "csv-2m", MANY_ROWS, MANY_RUNS))
    if "xlsx-2m" in names:
        results.append(_xlsx(postgres_url, folder, "xlsx-2m", MANY_ROWS, MANY_RUNS))
    if "export-memory" in names:
        results += [_memory(postgres_url, folder, format) for format in ("csv", "xlsx", "parquet")]
    return results


def export(postgres_url: str, path: Path, format: Format) -> None:
    """What a worker does: snapshot, guard, digest and fsync included."""
    with psycopg.connect(postgres_url) as connection:
        exports.write(connection, (QUERY, {}), COLUMNS, path, format)


def _csv(url: str, folder: Path, name: str, rows: int, runs: int) -> Measure:
    seconds = interleaved(
        runs,
        {
            "floor": lambda: _bare_copy(url, folder / "floor.csv"),
            "ours": lambda: export(url, folder / "ours.csv", "csv"),
        },
    )
    note = f"{rows:,} rows; floor: COPY to a file with psycopg"
    return measure(name, seconds["ours"], seconds["floor"], 0.8, note=note)


def _xlsx(url: str, folder: Path, name: str, rows: int, runs: int) -> Measure:
    seconds = interleaved(
        runs,
        {
            "floor": lambda: _bare_library(url, folder / "floor.xlsx", rows),
            "ours": lambda: export(url, folder / "ours.xlsx", "xlsx"),
        },
    )
    note = f"{rows:,} rows; floor: rustpy-xlsxwriter on a server cursor"
    return measure(name, seconds["ours"], seconds["floor"], 1.0, note=note)


def _memory(url: str, folder: Path, format: Format) -> Measure:
    output = subprocess.check_output(
        [sys.executable, "-c", EXPORT_AND_WEIGH, url, str(folder / "many"), format], text=True
    )
    note = f"highest resident memory, {MANY_ROWS:,} rows; floor: the budget"
    # pyarrow alone takes 66 MB when it is imported.
    budget = 200 if format == "parquet" else 100
    return measure(f"export-memory-{format}", int(output) / 1024, budget, 1.0, unit="MB", note=note)


def _bare_copy(url: str, path: Path) -> None:
    with (
        psycopg.connect(url) as connection,
        connection.cursor() as cursor,
        path.open("wb") as file,
        cursor.copy(f"COPY ({QUERY}) TO STDOUT (FORMAT csv, HEADER, FORCE_QUOTE *)") as copy,
    ):
        for block in copy:
            file.write(block)


def _bare_library(url: str, path: Path, rows: int) -> None:
    with (
        psycopg.connect(url) as connection,
        connection.cursor("rows", row_factory=dict_row) as cursor,
    ):
        cursor.itersize = 5_000
        cursor.execute(QUERY)
        # Every sheet is named beforehand; none takes more than Excel's 1,048,576 rows.
        sheets = -(-rows // SHEET)
        write_worksheets([(f"Sheet{n}", islice(cursor, SHEET)) for n in range(sheets)], str(path))


def _fill(url: str, rows: int) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in PAYMENTS.format(rows=rows).split(";\n"):
            if statement:
                connection.execute(statement.encode())
