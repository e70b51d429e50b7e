"""An import undone (D2): the customers that it made are deleted, and can be restored like any others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from customers import deletion
from customers.deletion import Order
from customers.domain import Customer
from customers.persistence import customers
from shared.database import Scope
from shared.jobs import Kind, Verdict, actor_of, undone_by

KIND = "customers.import_undo"
# Nobody purges these by themselves: whoever undid the wrong import undoes that.
ORDER = Order(reason="operator_error")
_MADE = text(
    "SELECT subject, CAST(verdict ->> 'customer_id' AS uuid) AS customer_id,"
    " CAST(verdict ->> 'version' AS bigint) AS version FROM job_row"
    " WHERE job_id = :undone AND subject = ANY(:subjects) AND state = 'done'"
)


def take_back(session: Session, job: Any, subjects: Sequence[UUID]) -> Mapping[UUID, Verdict]:
    """Delete whom the rows `subjects` made; who was changed since, or got money, is left and reported."""
    made = session.execute(_MADE, {"undone": undone_by(job), "subjects": list(subjects)}).all()
    scope = Scope(job.operator_path or None)
    found = customers.lock(session, scope, [row.customer_id for row in made])
    verdicts: dict[UUID, Verdict] = {}
    going: dict[UUID, Customer] = {}
    for row in made:
        one = found.get(row.customer_id)
        kept = _kept(one, row.version)
        if one is None or kept is not None:
            verdicts[row.subject] = ("skipped", kept or {"code": "gone"})
        else:
            going[row.subject] = one
    blocked = deletion.delete_many(session, actor_of(job), list(going.values()), ORDER)
    for subject, one in going.items():
        told = {"customer_id": str(one.id)}
        verdicts[subject] = (
            ("failed", {**told, "code": "blocked", "errors": blocked[one.id]})
            if one.id in blocked
            else ("done", told)
        )
    return verdicts


def _kept(one: Customer | None, version: int) -> dict[str, Any] | None:
    """Why nothing is done with the customer."""
    if one is None or one.state == "erasing":
        return {"code": "gone", "detail": "erased, or no longer in your branch"}
    told = {"customer_id": str(one.id)}
    if one.state != "alive":
        return {**told, "code": one.state, "detail": f"is {one.state}"}
    if one.version != version or one.balance or one.available_funds:
        return {**told, "code": "changed", "detail": "changed since"}
    return None


UNDO = Kind(name=KIND, permission="customers.delete", chunk=take_back)
