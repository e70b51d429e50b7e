"""Imports of statements: the file's rows while they wait, the lines that they become."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Integer, Select, Table, Text, insert, select, text
from sqlalchemy.orm import Session

from payments.persistence.tables import ID, PATH, WHEN, metadata
from payments.persistence.tables import _column as column
from shared.database import Scope

statement_import = Table(
    "statement_import",
    metadata,
    column("id", ID, primary_key=True),
    column("job_id", ID, nullable=True),
    column("operator_path", PATH),
    column("source", Text),
    column("format", Text),
    column("sha256", Text),
    column("lines", Integer),
    column("repeated", Integer),
    column("debits", Integer),
    column("failed", Integer),
    column("created_at", WHEN),
    column("created_by", Text),
    column("finished_at", WHEN, nullable=True),
)


def of_file(session: Session, path: str, sha256: str) -> Any:
    """The import of this very file, with `job_state`; None when there is none."""
    return session.execute(
        text(
            "SELECT i.*, j.state AS job_state FROM statement_import i"
            " LEFT JOIN job j ON j.id = i.job_id"
            " WHERE i.operator_path = :path AND i.sha256 = :sha256 FOR UPDATE OF i"
        ),
        {"path": path, "sha256": sha256},
    ).one_or_none()


def add(session: Session, row: Mapping[str, Any]) -> None:
    session.execute(insert(statement_import), [dict(row)])


def add_rows(
    session: Session, import_id: UUID, path: str, rows: Sequence[Mapping[str, Any]]
) -> None:
    """Rows of a file: id, line, nth, fields."""
    session.execute(
        text(
            "INSERT INTO statement_row (id, import_id, operator_path, line, nth, fields)"
            " SELECT g.id, :import, :path, g.line, g.nth, g.fields FROM jsonb_to_recordset("
            " CAST(:rows AS jsonb)) AS g(id uuid, line int, nth int, fields jsonb)"
        ),
        {"import": import_id, "path": path, "rows": orjson.dumps(rows, default=str).decode()},
    )


def set_job(session: Session, import_id: UUID, job_id: UUID) -> None:
    session.execute(
        text("UPDATE statement_import SET job_id = :job WHERE id = :id"),
        {"id": import_id, "job": job_id},
    )


def take_rows(session: Session, ids: Sequence[UUID]) -> list[Any]:
    """These rows in the order of the file; they are gone when the transaction ends well."""
    rows = session.execute(
        text("DELETE FROM statement_row WHERE id = ANY(:ids) RETURNING id, line, nth, fields"),
        {"ids": list(ids)},
    )
    return sorted(rows, key=lambda row: int(row.line))


def drop_rows(session: Session, import_id: UUID) -> None:
    """What an import that was given up had not worked on yet."""
    session.execute(
        text("DELETE FROM statement_row WHERE import_id = :import"), {"import": import_id}
    )


def drop_left(session: Session) -> int:
    """Rows whose job has ended without them: they may name people; how many."""
    gone = session.execute(
        text(
            "DELETE FROM statement_row r USING statement_import i JOIN job j ON j.id = i.job_id"
            " WHERE i.id = r.import_id AND j.state IN ('failed', 'cancelled')"
        )
    )
    return int(gone.rowcount)  # type: ignore[attr-defined]


# A line with a reference is in the books once. Of those without one that are all alike, a file's second
# one is new when earlier files had only one.
_ADD = text(
    "INSERT INTO statement_line (import_id, operator_path, source, line, booked_on, amount, fee,"
    " currency, reference, description) SELECT :import, :path, :source, g.line, g.booked_on,"
    " g.amount, g.fee, g.currency, g.reference, g.description"
    " FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS g(line int, nth int, booked_on date,"
    " amount numeric, fee numeric, currency text, reference text, description text)"
    " WHERE g.reference IS NOT NULL OR g.nth > (SELECT count(*) FROM statement_line s"
    " WHERE s.operator_path = :path AND s.source = :source AND s.booked_on = g.booked_on"
    " AND s.amount = g.amount AND s.currency = g.currency AND s.reference IS NULL"
    " AND s.description IS NOT DISTINCT FROM g.description AND s.import_id <> :import)"
    " ON CONFLICT DO NOTHING RETURNING line"
)


def add_lines(session: Session, of: Mapping[str, Any], lines: Sequence[Any]) -> set[int]:
    """Those that no file had yet; which lines."""
    given = {
        "import": of["id"], "path": of["operator_path"], "source": of["source"],
        "rows": orjson.dumps(lines, default=str).decode(),
    }  # fmt: skip
    return set(session.scalars(_ADD, given))


_FINISH = text(
    "UPDATE statement_import i SET lines = c.lines, repeated = c.repeated, debits = c.debits,"
    " failed = c.failed, finished_at = now() FROM (SELECT"
    " count(*) FILTER (WHERE state = 'done' OR verdict->>'code' = 'repeated') AS lines,"
    " count(*) FILTER (WHERE verdict->>'code' = 'repeated') AS repeated,"
    " count(*) FILTER (WHERE verdict->>'code' = 'debit') AS debits,"
    " count(*) FILTER (WHERE state = 'failed') AS failed FROM job_row WHERE job_id = :job) c"
    " WHERE i.id = :id RETURNING i.*"
)


def finish(session: Session, import_id: UUID, job_id: UUID) -> Any:
    """Count what became of the rows, as the job's verdicts say; the import."""
    return session.execute(_FINISH, {"id": import_id, "job": job_id}).one()


def unexplained(session: Session, import_id: UUID) -> list[Any]:
    """Lines of this import whose reference nobody here knows."""
    return list(
        session.execute(
            text(
                "SELECT id, reference, booked_on FROM statement_line WHERE import_id = :import"
                " AND state = 'open' AND exception = 'unknown' AND reference IS NOT NULL"
                " ORDER BY line"
            ),
            {"import": import_id},
        )
    )


def listed(scope: Scope) -> Select[Any]:
    return select(statement_import).where(scope.covers(statement_import.c.operator_path))


def detail(session: Session, scope: Scope, import_id: UUID) -> Any:
    """None outside the caller's branch."""
    return session.execute(listed(scope).where(statement_import.c.id == import_id)).one_or_none()
