"""Jobs of the toy service that rename things, and what came of them."""

from typing import Any
from uuid import UUID

from sqlalchemy import text

from shared import jobs
from shared.database import Database
from shared.jobs import Row
from shared.operations import SYSTEM


def fill(database: Database, many: int) -> None:
    with database.transaction() as session:
        session.execute(
            text(
                "INSERT INTO thing (id, name, operator_path)"
                " SELECT gen_random_uuid(), 'thing ' || g, '1/' FROM generate_series(1, :many) g"
            ),
            {"many": many},
        )


def enqueue(database: Database, kind: str = "rename", **more: Any) -> UUID:
    with database.transaction() as session:
        job = jobs.enqueue(
            session, kind, SYSTEM, operator_path="1/",
            params={"prefix": "new "} | more.pop("params", {}),
            **(more or {"select": ("SELECT id FROM thing ORDER BY name", {})}),
        )  # fmt: skip
    return UUID(str(job.id))


def read(database: Database, job_id: UUID) -> Row:
    with database.transaction() as session:
        return jobs.read(session, job_id)


def renamed(database: Database) -> int:
    with database.transaction() as session:
        return int(session.scalar(text("SELECT count(*) FROM thing WHERE name LIKE 'new %'")) or 0)


def rows(database: Database, job_id: UUID) -> dict[str, int]:
    with database.transaction() as session:
        found = session.execute(
            text("SELECT state, count(*) FROM job_row WHERE job_id = :id GROUP BY state"),
            {"id": job_id},
        )
        return {row[0]: row[1] for row in found}


def let_lease_run_out(database: Database) -> None:
    with database.transaction() as session:
        session.execute(text("UPDATE job SET lease_until = now() - interval '1 second'"))
