"""A file is taken in: its rows kept, the job queued."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import text
from sqlalchemy.orm import Session

from customers.importing.mapping import mapped
from customers.importing.taking import KIND
from customers.registering import UNIQUE
from shared import jobs, operations
from shared.database import uuid7
from shared.operations import SYSTEM_PATH, Actor
from shared.sealing import seal
from shared.settings import Settings
from shared.tabular import Format, read

KEPT_DAYS = 7


def begin(
    session: Session, settings: Settings, actor: Actor, content: bytes, format: Format, *,
    wanted: Mapping[str, str], dry_run: bool, operator_id: UUID | None,
) -> tuple[UUID, Any, dict[str, Any]]:  # fmt: skip
    """Keep the rows and queue the job: the import's id, the job, and how columns were understood.

    Raises tabular.Unreadable, NotValid.
    """
    headers, rows = read(content, format)
    mapping = mapped(headers, wanted)
    import_id = UUID(str(uuid7()))
    ignored = [header for header in headers if header and header not in mapping]
    understood = {"mapping": mapping, "ignored_columns": ignored, "rows": len(rows)}
    path = actor.path or SYSTEM_PATH
    fields = [(line, _fields(headers, row, mapping, settings.secret_key)) for line, row in rows]
    ids = [UUID(str(uuid7())) for _ in fields]
    # Whoever starts or retries it, the customers become those of whom sent it, if of nobody else.
    whose = operator_id or actor.id
    job = jobs.enqueue(
        session, KIND, actor, operator_path=path, subjects=ids,
        params={"import_id": str(import_id), "dry_run": dry_run,
                "operator_id": whose and str(whose), **understood},
    )  # fmt: skip
    kept = {"id": import_id, "job": job.id, "path": path, "operator": actor.id, "format": format,
            "mapping": orjson.dumps(mapping).decode(), "dry_run": dry_run, "rows": len(rows),
            "days": KEPT_DAYS}  # fmt: skip
    _keep(session, kept, ids, fields)
    operations.record(
        session, actor, "import.requested", "import", import_id, operator_path=path,
        after={"rows": len(rows), "format": format, "dry_run": dry_run}, personal=False,
    )  # fmt: skip
    return import_id, job, understood


def _keep(
    session: Session, kept: dict[str, Any], ids: Sequence[UUID],
    fields: Sequence[tuple[int, dict[str, str]]],
) -> None:  # fmt: skip
    session.execute(
        text(
            "INSERT INTO import (id, job_id, operator_path, operator_id, format, mapping, dry_run,"
            " rows, expires_at) VALUES (:id, :job, :path, :operator, :format,"
            " CAST(:mapping AS jsonb), :dry_run, :rows, now() + :days * interval '1 day')"
        ),
        kept,
    )  # fmt: skip
    session.execute(
        text(
            "INSERT INTO import_row (import_id, id, line, fields, twins) SELECT :import, r.* FROM"
            " unnest(CAST(:ids AS uuid[]), CAST(:lines AS int[]), CAST(:fields AS jsonb[]),"
            " CAST(:twins AS jsonb[])) AS r"
        ),
        {
            "import": kept["id"], "ids": ids, "lines": [line for line, _ in fields],
            "fields": [orjson.dumps(one).decode() for _, one in fields],
            "twins": [orjson.dumps(one).decode() for one in twins(fields)],
        },
    )  # fmt: skip


def twins(rows: Iterable[tuple[int, Mapping[str, str]]]) -> Iterator[list[dict[str, Any]]]:
    """For each row, what the first line before it has too: `field` and `line`. Such a row is refused, in a
    trial too."""
    seen: dict[tuple[str, str], int] = {}
    for line, fields in rows:
        found = []
        for name in UNIQUE:
            if name in fields:
                first = seen.setdefault((name, fields[name].lower()), line)
                if first != line:
                    found.append({"field": name, "line": first})
        yield found


def _fields(
    headers: Sequence[str], row: Sequence[str], mapping: Mapping[str, str], secret: bytes
) -> dict[str, str]:
    """An empty cell is no value."""
    found = {
        mapping[header]: cell
        for header, cell in zip(headers, row, strict=True)
        if header in mapping and cell
    }
    if "password" in found:
        found["password"] = seal(found["password"], secret)
    return found


def remove_expired(session: Session) -> int:
    """For a tick: the rows of files whose time is over."""
    gone = session.execute(text("DELETE FROM import WHERE expires_at < now()"))
    return int(gone.rowcount)  # type: ignore[attr-defined]
