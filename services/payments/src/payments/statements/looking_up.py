"""Money in a gateway's settlement file that is not in our books: the gateway is asked, and it is credited.

A file is a hint like any other: only what the gateway itself confirms is credited (gateways 5.6).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, time
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from payments import payouts
from payments.gateways.registry import NAMES, Gateways, NotConfigured
from payments.payouts import PaidOut
from payments.persistence import statement_imports as stored
from payments.persistence import statement_lines
from payments.settings import PaymentsSettings
from shared import jobs
from shared.database import Database
from shared.jobs import Kind, Row
from shared.operations import Actor

KIND = "statements.look_up"


def look_up_later(session: Session, done: Any, actor: Actor) -> UUID | None:
    """Queue the question for what nobody here knows; the job, or None when there is nothing to ask."""
    if done.source not in NAMES or not stored.unexplained(session, done.id):
        return None
    job = jobs.enqueue(
        session, KIND, actor, operator_path=done.operator_path,
        params={"import_id": str(done.id), "source": done.source},
    )  # fmt: skip
    found: UUID = job.id
    return found


def looking_up(settings: PaymentsSettings) -> Kind:
    def whole(database: Database, job: Row, progress: Callable[[int], None]) -> dict[str, Any]:
        try:
            gateway = Gateways(settings.gateways, database, settings.secret_key)[
                job.params["source"]
            ]
        except NotConfigured as error:
            return {"asked": 0, "found": 0, "detail": str(error)}
        with database.transaction() as session:
            lines = stored.unexplained(session, UUID(job.params["import_id"]))
        found = 0
        for number, line in enumerate(lines, start=1):
            day = datetime.combine(line.booked_on, time(), UTC)
            paid_out = PaidOut(transaction=line.reference, settled_at=day)
            found += payouts.find(database, gateway, paid_out, settings) is not None
            progress(number)
        with database.transaction() as session:
            statement_lines.match_open(session, job.operator_path)
        return {"asked": len(lines), "found": found}

    return Kind(name=KIND, permission="imports.write", whole=whole)
