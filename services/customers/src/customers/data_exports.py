"""The data-subject export (GDPR articles 15 and 20): all that every service holds on one person, as a ZIP.

A job asks each service for its part, and the file is whole or not there: a service that is away, or an
answer that broke off, fails the job with its name. The file lies where exports lie, for as long, and an
erasure of the person removes it.
"""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Any
from uuid import UUID

import orjson
import requests
from sqlalchemy import text
from sqlalchemy.orm import Session

from customers.domain import Customer
from customers.webhooks.fanning import SOURCES, authorization
from shared import jobs, operations, subject_data
from shared.database import Database, uuid7
from shared.exporting import folder_of, name_of
from shared.exporting.removing import remove
from shared.exports.files import placed
from shared.operations import Actor
from shared.settings import Settings

KIND, RESOURCE = "customers.data_export", "data_subject"
Rows = Iterable[tuple[str, dict[str, Any]]]
REMOVED = "removed before it was ready: its time was over or the customer was erased"


def request(
    session: Session, settings: Settings, actor: Actor, customer: Customer
) -> tuple[UUID, Any]:
    """Queue the file; its id and its job."""
    export_id = UUID(str(uuid7()))
    job = jobs.enqueue(
        session, KIND, actor, operator_path=actor.path or operations.SYSTEM_PATH,
        params={"export_id": str(export_id)},
    )  # fmt: skip
    session.execute(
        text(
            "INSERT INTO export (id, job_id, resource, format, operator_path, operator_id, params,"
            " expires_at) VALUES (:id, :job, :resource, 'zip', :path, :operator,"
            " jsonb_build_object('customer_id', CAST(:customer AS text)), :expires)"
        ),
        {
            "id": export_id, "job": job.id, "resource": RESOURCE, "path": job.operator_path,
            "operator": actor.id, "customer": str(customer.id),
            "expires": datetime.now(UTC) + timedelta(hours=settings.export_hours),
        },
    )  # fmt: skip
    operations.record(
        session, actor, "customer.data_export_requested", "customer", customer.id,
        operator_path=customer.operator_path, after={"export_id": str(export_id)},
    )  # fmt: skip
    return export_id, job


def data_export_kind(settings: Settings) -> jobs.Kind:
    def whole(database: Database, job: Any, _: Callable[[int], None]) -> dict[str, Any]:
        export = _begin(database, UUID(job.params["export_id"]))
        path = folder_of(settings) / name_of(export)
        rows = _write(database, settings, UUID(export.params["customer_id"]), path)
        if not _finish(database, export, path, rows):
            remove(settings, [export])
            raise RuntimeError(REMOVED)
        return {"export_id": str(export.id), "rows": rows}

    return jobs.Kind(name=KIND, permission="exports.write", whole=whole)


def _begin(database: Database, export_id: UUID) -> Any:
    with database.transaction() as session:
        found = session.execute(
            text("SELECT * FROM export WHERE id = :id AND removed_at IS NULL"), {"id": export_id}
        ).one_or_none()
    if found is None:
        raise RuntimeError(REMOVED)
    return found


def _write(database: Database, settings: Settings, customer_id: UUID, path: Path) -> int:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    counts: dict[str, dict[str, int]] = {}
    with placed(path) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for service in SOURCES:
            own = service == settings.service
            parts = _own(database, customer_id) if own else _foreign(settings, service, customer_id)
            with archive.open(f"{service}.json", "w") as part:
                counts[service] = _put(part, parts)
        manifest = {
            "customer_id": str(customer_id),
            "made_at": datetime.now(UTC).isoformat(),
            "rows": counts,
        }
        archive.writestr("manifest.json", orjson.dumps(manifest, option=orjson.OPT_INDENT_2))
    return sum(sum(tables.values()) for tables in counts.values())


def _put(part: IO[bytes], rows: Rows) -> dict[str, int]:
    """`{"TABLE": [row, …], …}`, written as it comes; how many of each."""
    counts: dict[str, int] = {}
    part.write(b"{")
    for table, row in rows:
        if table not in counts:
            part.write((b"\n]," if counts else b"") + b"\n" + orjson.dumps(table) + b": [")
        part.write((b",\n " if table in counts else b"\n ") + orjson.dumps(row))
        counts[table] = counts.get(table, 0) + 1
    part.write(b"\n]\n}\n" if counts else b"}\n")
    return counts


def _own(database: Database, customer_id: UUID) -> Iterator[tuple[str, dict[str, Any]]]:
    with database.transaction() as session:
        yield from subject_data.held(session, customer_id)


def _foreign(
    settings: Settings, service: str, customer_id: UUID
) -> Iterator[tuple[str, dict[str, Any]]]:
    place = f"{settings.urls[service]}/v1/data-subjects/{customer_id}"
    try:
        with requests.get(
            place, headers=authorization(settings), timeout=(2, 60), stream=True
        ) as answer:
            if answer.status_code == 404:
                return  # nothing is held there
            answer.raise_for_status()
            for line in answer.iter_lines():
                told = orjson.loads(line)
                if "end" in told:
                    return
                yield told["table"], told["row"]
    except requests.RequestException as error:
        raise RuntimeError(
            f"{service} does not answer ({type(error).__name__}): ask again"
        ) from error
    raise RuntimeError(f"the answer of {service} broke off: ask again")


def _finish(database: Database, export: Any, path: Path, rows: int) -> bool:
    """Publish the file; False when the customer was erased meanwhile."""
    content = path.read_bytes()
    manifest: dict[str, Any] = {
        "rows": rows, "sum": None, "sha256": hashlib.sha256(content).hexdigest(),
        "bytes": len(content), "format": "zip", "columns": [],
        "written_at": datetime.now(UTC).isoformat(), "snapshot": "",
    }  # fmt: skip
    with database.transaction() as session:
        done = session.execute(
            text(
                "UPDATE export SET path = :name, manifest = CAST(:manifest AS jsonb)"
                " WHERE id = :id AND removed_at IS NULL AND NOT EXISTS (SELECT FROM customer"
                "  WHERE id = CAST(params ->> 'customer_id' AS uuid) AND state = 'erasing')"
            ),
            {"name": path.name, "manifest": orjson.dumps(manifest).decode(), "id": export.id},
        )
    return bool(done.rowcount)  # type: ignore[attr-defined]


def forget(session: Session, settings: Settings, ids: Sequence[UUID]) -> int:
    """For an erasure, in its transaction: the files of these people go, made or still to be made."""
    gone = session.execute(
        text(
            "UPDATE export SET removed_at = now(), path = NULL WHERE removed_at IS NULL"
            " AND params ? 'customer_id' AND params ->> 'customer_id' = ANY(:ids) RETURNING *"
        ),
        {"ids": [str(one) for one in ids]},
    ).all()
    remove(settings, gone)
    return len(gone)
