"""An export that is killed, cancelled or out of space, or whose data moves (faults F37 and F38)."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from shared import exports
from shared.exports import Column, ExportError, Format
from tests.shared.test_exports import read_csv

COLUMNS = (
    Column("id", "No.", "integer", "id"),
    Column("note", "Note", "text", "note"),
    Column("amount", "Amount", "money", "amount"),
)
QUERY = "SELECT id, note, amount FROM exports_faults ORDER BY id"
FORMATS = ["csv", "xlsx", "parquet"]

EXPORT_AND_STOP = """
import sys
from pathlib import Path
import psycopg
from shared import exports
from tests.shared.test_exports_faults import COLUMNS, QUERY

def stop_half_way(rows):
    if rows >= 20_000:
        print("half way", flush=True)
        sys.stdin.read()

with psycopg.connect(sys.argv[1]) as connection:
    exports.write(
        connection, (QUERY, {}), COLUMNS, Path(sys.argv[2]), sys.argv[3], on_progress=stop_half_way
    )
"""

EXPORT_WITHOUT_SPACE = """
import resource, signal, sys
from pathlib import Path
import psycopg
from shared import exports
from tests.shared.test_exports_faults import COLUMNS, QUERY

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
with psycopg.connect(sys.argv[1]) as connection:
    try:
        exports.write(connection, (QUERY, {}), COLUMNS, Path(sys.argv[2]), sys.argv[3])
    except OSError as error:
        print(connection.info.transaction_status.name)
"""


@pytest.fixture(scope="module")
def connection(postgres: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(
            "DROP TABLE IF EXISTS exports_faults;"
            "CREATE TABLE exports_faults AS SELECT g::bigint AS id, md5(g::text) AS note,"
            " 1.25::numeric(14,2) AS amount FROM generate_series(1, 40_000) AS g"
        )
        yield connection
        connection.execute("DROP TABLE exports_faults")


def start(script: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", script, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )


@pytest.mark.parametrize("format", FORMATS)
def test_a_killed_export_leaves_nothing_under_its_name_f37(
    connection: psycopg.Connection[Any], postgres: str, tmp_path: Path, format: Format
) -> None:
    path = tmp_path / f"a.{format}"
    with start(EXPORT_AND_STOP, postgres, str(path), format) as process:
        assert process.stdout and process.stdout.readline() == "half way\n"
        process.kill()

    assert not path.exists()
    [partial] = tmp_path.iterdir()
    assert partial.name.startswith(exports.PARTIAL)
    assert partial.stat().st_mode & 0o777 == 0o600
    assert exports.remove_stale(tmp_path, timedelta(hours=1)) == 0
    assert exports.remove_stale(tmp_path, timedelta(0)) == 1
    manifest = exports.write(connection, (QUERY, {}), COLUMNS, path, format)
    assert manifest.rows == 40_000
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("format", FORMATS)
def test_no_space_means_an_error_and_no_file_f37(
    connection: psycopg.Connection[Any], postgres: str, tmp_path: Path, format: Format
) -> None:
    with start(EXPORT_WITHOUT_SPACE, postgres, str(tmp_path / "a"), format) as process:
        out, _ = process.communicate()

    assert out == "IDLE\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("format", FORMATS)
def test_an_abandoned_export_leaves_no_file_and_a_usable_connection(
    connection: psycopg.Connection[Any], tmp_path: Path, format: Format
) -> None:
    class Cancelled(Exception):
        pass

    def cancel(rows: int) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        exports.write(connection, (QUERY, {}), COLUMNS, tmp_path / "a", format, on_progress=cancel)

    assert list(tmp_path.iterdir()) == []
    assert connection.execute("SHOW transaction_read_only").fetchone() == ("off",)


@pytest.mark.parametrize("format", FORMATS)
def test_rows_and_sum_are_one_snapshot_while_a_writer_runs_f38(
    connection: psycopg.Connection[Any], postgres: str, tmp_path: Path, format: Format
) -> None:
    changed = threading.Event()

    def change(rows: int) -> None:
        if not changed.is_set():
            with psycopg.connect(postgres) as writer:
                writer.execute("UPDATE exports_faults SET amount = amount + 1")
                writer.execute("INSERT INTO exports_faults VALUES (0, 'new', 1000)")
            changed.set()

    before = connection.execute("SELECT count(*), sum(amount) FROM exports_faults").fetchone()
    manifest = exports.write(
        connection,
        (QUERY, {}),
        COLUMNS,
        tmp_path / "a",
        format,
        on_progress=change,
        sum_column="amount",
    )

    assert changed.is_set()
    assert (manifest.rows, manifest.sum) == before
    if format == "csv":
        amounts = {row[2] for row in read_csv(tmp_path / "a")[1:]}
        assert len(amounts) == 1
    connection.execute("DELETE FROM exports_faults WHERE id = 0")


def test_a_read_committed_transaction_is_refused(
    connection: psycopg.Connection[Any], tmp_path: Path
) -> None:
    with connection.transaction(), pytest.raises(ExportError, match="read committed"):
        exports.write(connection, (QUERY, {}), COLUMNS, tmp_path / "a", "csv")

    assert list(tmp_path.iterdir()) == []


def test_the_callers_own_snapshot_is_used(
    connection: psycopg.Connection[Any], tmp_path: Path
) -> None:
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        one = exports.write(connection, (QUERY, {}), COLUMNS, tmp_path / "a", "csv")
        two = exports.write(connection, (QUERY, {}), COLUMNS, tmp_path / "b", "csv")

    assert (one.snapshot, one.sha256) == (two.snapshot, two.sha256)


@pytest.mark.unit
def test_remove_stale_leaves_other_files_alone(tmp_path: Path) -> None:
    old, young, finished = (tmp_path / name for name in (".export-1", ".export-2", "payments.csv"))
    for path in (old, young, finished):
        path.touch()
    os.utime(old, (0, 0))
    os.utime(finished, (0, 0))

    assert exports.remove_stale(tmp_path) == 1
    assert sorted(tmp_path.iterdir()) == [young, finished]
