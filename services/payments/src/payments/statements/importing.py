"""A statement is taken in: its rows are kept, and a job makes lines of them, with a verdict for each.

A row that cannot be read fails alone. The same file, or one that overlaps it, adds nothing twice, so that
a file put right is simply sent again.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7

from payments.gateways.registry import NAMES
from payments.giving_back import told_by_file
from payments.persistence import statement_imports as stored
from payments.persistence import statement_lines
from payments.statements.dates import DateFormat
from payments.statements.looking_up import look_up_later
from payments.statements.reading import BadRow, Format, Row, StatementLine, line_of, rows_of
from shared import jobs, operations
from shared.jobs import Kind, Verdict, actor_of
from shared.operations import SYSTEM_PATH, Actor

KIND = "statements.import"


class Imported(Exception):
    """This very file was imported already."""

    def __init__(self, import_id: UUID) -> None:
        super().__init__(import_id)
        self.import_id = import_id


def begin(
    session: Session,
    content: bytes,
    format: Format,
    source: str,
    currency: str | None,
    actor: Actor,
    date_format: DateFormat = "YYYY-MM-DD",
) -> tuple[UUID, Any]:
    """Keep the rows and queue the job; the import's id and the job. Raises Unreadable, Imported.

    A file whose job was cancelled or failed may be sent again: it goes on where that stopped. So may
    one of which no row could be read, with another date format, say.
    """
    path = actor.path or SYSTEM_PATH
    digest = hashlib.sha256(content).hexdigest()
    known = stored.of_file(session, path, digest)
    if known is not None and not (known.job_state in ("cancelled", "failed") or _unread(known)):
        raise Imported(known.id)
    rows = rows_of(content, format)
    import_id: UUID = known.id if known is not None else uuid7()
    ids = [uuid7() for _ in rows]
    if known is None:
        stored.add(session, {
            "id": import_id, "operator_path": path, "source": source, "format": format,
            "sha256": digest, "lines": 0, "repeated": 0, "debits": 0, "created_by": actor.name,
        })  # fmt: skip
    else:
        stored.drop_rows(session, import_id)
    stored.add_rows(session, import_id, path, _numbered(rows, ids))
    job = jobs.enqueue(
        session, KIND, actor, operator_path=path, subjects=ids,
        params={"import_id": str(import_id), "source": known.source if known else source,
                "currency": currency, "date_format": date_format},
    )  # fmt: skip
    stored.set_job(session, import_id, job.id)
    operations.record(
        session, actor, "statement.requested", "statement_import", import_id, personal=False,
        operator_path=path,
        after={"source": source, "format": format, "sha256": digest, "rows": len(rows)},
    )  # fmt: skip
    return import_id, job


def _unread(known: Any) -> bool:
    return bool(known.failed > 0 and known.lines + known.repeated + known.debits == 0)


def _numbered(rows: Sequence[Row], ids: Sequence[UUID]) -> list[dict[str, Any]]:
    """Each with its number among the rows that are just like it."""
    seen: Counter[tuple[tuple[str, str], ...]] = Counter()
    found = []
    for row, row_id in zip(rows, ids, strict=True):
        alike = tuple(sorted(row.fields.items()))
        seen[alike] += 1
        found.append({"id": row_id, "line": row.line, "nth": seen[alike], "fields": row.fields})
    return found


def take(session: Session, job: Any, subjects: Sequence[UUID]) -> Mapping[UUID, Verdict]:
    """Make lines of the next rows, a verdict for each."""
    verdicts: dict[UUID, Verdict] = {}
    credits: dict[UUID, tuple[int, StatementLine]] = {}
    for row in stored.take_rows(session, subjects):
        try:
            # A job that was queued before there was a choice names none.
            day = job.params.get("date_format", "YYYY-MM-DD")
            line = line_of(Row(line=row.line, fields=row.fields), job.params["currency"], day)
        except BadRow as error:
            fault = {"field": error.field, "code": "invalid", "detail": str(error)}
            verdicts[row.id] = ("failed", {"line": row.line, "errors": [fault]})
            continue
        if line.amount > 0:
            credits[row.id] = (row.nth, line)
        else:
            verdicts[row.id] = ("skipped", {"line": row.line, "code": "debit"})
            _went_out(session, job, line)
    of = {"id": job.params["import_id"], "operator_path": job.operator_path,
          "source": job.params["source"]}  # fmt: skip
    given = [{**line.__dict__, "nth": nth} for nth, line in credits.values()]
    added = stored.add_lines(session, of, given)
    for row_id, (_, line) in credits.items():
        new: Verdict = ("done", {"line": line.line})
        old: Verdict = ("skipped", {"line": line.line, "code": "repeated"})
        verdicts[row_id] = new if line.line in added else old
    return verdicts


def _went_out(session: Session, job: Any, line: StatementLine) -> None:
    """Of a bank's debits nothing is known; a gateway's may be money that was given back there."""
    if job.params["source"] in NAMES and line.reference is not None and line.amount < 0:
        told_by_file(
            session, job.params["source"], line.reference, line.booked_on.isoformat(), -line.amount,
            job.operator_path, actor_of(job),
        )  # fmt: skip


def _finish(session: Session, job: Any) -> dict[str, Any]:
    """Match what can be matched; what a gateway alone knows of, it is asked about in another job."""
    import_id = UUID(job.params["import_id"])
    statement_lines.match_open(session, job.operator_path)
    done = stored.finish(session, import_id, job.id)
    counts = {name: getattr(done, name) for name in ("lines", "repeated", "debits", "failed")}
    actor = actor_of(job)
    operations.record(
        session, actor, "statement.imported", "statement_import", import_id, personal=False,
        operator_path=job.operator_path, after={"source": done.source, **counts},
    )  # fmt: skip
    asked = look_up_later(session, done, actor)
    return {"import_id": str(import_id), **counts, "look_up_job": asked and str(asked)}


def importing() -> Kind:
    return Kind(name=KIND, permission="imports.write", chunk=take, finish=_finish)
