"""What a person looks at around an import: a file's columns, how it went, the rows that were refused."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Select, column, select, table, text
from sqlalchemy.orm import Session

from customers.domain import Missing
from customers.importing.mapping import suggested
from shared.database import Scope
from shared.tabular import GUARD, GUARDED, Format, read

# Enough to tell a phone from a number; nobody's list is read out in whole.
EXAMPLES = 3
# Never answered by any route: whoever corrects the row has it in the own file.
UNSHOWN = "password"
_IMPORT = ("id", "job_id", "created_at", "expires_at", "format", "mapping", "dry_run", "rows")
_JOB = ("actor", "state", "done", "failed")
import_table = table("import", *map(column, (*_IMPORT, "operator_path")))
_job_table = table("job", *map(column, ("id", *_JOB)))
SHOWN = (*_IMPORT, *_JOB)
_REFUSED = text(
    "SELECT r.line, r.fields, j.verdict FROM import_row r JOIN job_row j ON j.subject = r.id"
    " WHERE r.import_id = :id AND j.job_id = :job AND j.state = 'failed' AND r.customer_id IS NULL"
    " ORDER BY r.line"
)


def columns(content: bytes, format: Format) -> tuple[list[dict[str, Any]], int]:
    """Each column with the field that its header suggests and what stands in it; how many rows.

    Raises tabular.Unreadable.
    """
    headers, rows = read(content, format)
    fields = suggested(headers)
    found = [
        {"header": header, "field": fields[header] or None,
         "examples": [] if fields[header] == UNSHOWN else _examples(row[at] for _, row in rows)}
        for at, header in enumerate(headers) if header
    ]  # fmt: skip
    return found, len(rows)


def _examples(cells: Iterable[str]) -> list[str]:
    found: list[str] = []
    for cell in filter(None, cells):
        if cell not in found:
            found.append(cell)
        if len(found) == EXAMPLES:
            break
    return found


def listed(scope: Scope) -> Select[Any]:
    """The imports of a branch whose rows are still kept, each with how its job stands."""
    shown = [*(import_table.c[name] for name in _IMPORT), *(_job_table.c[name] for name in _JOB)]
    return (
        select(*shown)
        .select_from(import_table.join(_job_table, _job_table.c.id == import_table.c.job_id))
        .where(scope.covers(import_table.c.operator_path))
    )


def one(session: Session, scope: Scope, import_id: UUID) -> Any:
    """Raises Missing for one that is unknown, another branch's, or over for a week."""
    row = session.execute(listed(scope).where(import_table.c.id == import_id)).one_or_none()
    if row is None:
        raise Missing("import")
    return row


def refused_rows(session: Session, found: Any) -> tuple[str, int]:
    """The rows of `one` that were refused, as a CSV to correct and send again; how many.

    Headers are the fields' own names, so that they need no mapping. Passwords are left empty.
    """
    fields = list(dict.fromkeys(found.mapping.values()))
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow([*fields, "line", "what is wrong"])
    rows = session.execute(_REFUSED, {"id": found.id, "job": found.job_id}).all()
    for row in rows:
        writer.writerow([*(_cell(row.fields, name) for name in fields), row.line, _faults(row)])
    return file.getvalue(), len(rows)


def _cell(fields: Mapping[str, str], name: str) -> str:
    value = "" if name == UNSHOWN else fields.get(name, "")
    return f"{GUARD}{value}" if value.startswith(GUARDED) else value


def _faults(row: Any) -> str:
    errors: Sequence[Mapping[str, Any]] = (row.verdict or {}).get("errors") or ()
    return "; ".join(f"{error['field']}: {error['detail']}" for error in errors)
