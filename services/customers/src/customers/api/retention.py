"""How long the deleted are kept (A41), what the purge would take, and legal holds."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from flask import Response
from sqlalchemy.orm import Session

from customers import legal_holds, retention_preview
from customers import retention as use
from customers.api.answers import answered
from customers.schemas.retention import (
    LegalHoldSchema,
    NewLegalHoldSchema,
    PoliciesFoundSchema,
    PoliciesSchema,
    PreviewArguments,
    PreviewSchema,
)
from shared.http import Blueprint, database, permission, principal, require_match, transaction

COUNTED = ("would_erase", "would_erase_sessions")
retention = Blueprint("retention", __name__, description="How long the deleted are kept")


def _found(session: Session) -> dict[str, Any]:
    return {"items": use.read(session), **use.heartbeat(session)}


@retention.get("/v1/retention-policies")
@retention.response(200, PoliciesFoundSchema)
@permission("retention.read")
def get_policies() -> Response:
    """Per reason and data class how long, and when the purge last ran."""
    with database().transaction(principal().scope) as session:
        return answered(_found(session), version=use.version(session))


@retention.put("/v1/retention-policies")
@retention.arguments(PoliciesSchema)
@retention.response(200, PoliciesFoundSchema)
@permission("retention.write")
def put_policies(body: dict[str, Any]) -> Response:
    """Set the policies of the reasons named; a job counts anew for those deleted already."""
    with transaction() as tx:
        use.lock(tx.session)
        require_match(use.version(tx.session))
        job = use.change(tx.session, tx.actor, body["items"])
        found = _found(tx.session) | {"job_id": job and job.id}
        return tx.answer(None, found, version=use.version(tx.session))


@retention.get("/v1/retention-policies/preview")
@retention.arguments(PreviewArguments, location="query")
@retention.response(200, PreviewSchema)
@permission("retention.read")
def preview_policies(arguments: dict[str, Any]) -> Response:
    """Whom, and whose sessions, the purge would erase until a day, by reason and operator; nothing is
    changed."""
    until = arguments.get("until") or datetime.now(UTC)
    scope = principal().scope
    asked = (scope, until, arguments.get("reason"), _days(arguments))
    with database().transaction(scope) as session:
        items = retention_preview.preview(session, *asked)
        billing = retention_preview.billing(session, *asked)
    totals = {name: sum(item[name] for item in items) for name in COUNTED}
    totals["would_erase_billing"] = billing
    return answered({"until": until, **totals, "items": items})


def _days(arguments: dict[str, Any]) -> dict[str, int | None]:
    """Of each data class that was asked about; None: never."""
    never: dict[str, int | None] = {"retain_days": None} if "never" in arguments else {}
    return never | {name: arguments[name] for name in use.DAYS if name in arguments}


@retention.post("/v1/customers/<uuid:customer_id>/legal-hold")
@retention.arguments(NewLegalHoldSchema)
@retention.response(200, LegalHoldSchema)
@permission("legal_holds.write")
def place_legal_hold(wish: dict[str, Any], customer_id: UUID) -> Response:
    """Keep a living or a deleted customer from every erasure until the case is over."""
    with transaction() as tx:
        held = legal_holds.place(
            tx.session, principal().scope, tx.actor, customer_id, wish["case"], wish["until"]
        )
        return tx.answer(None, legal_holds.view(held), subject=customer_id, version=held.version)


@retention.delete("/v1/customers/<uuid:customer_id>/legal-hold")
@retention.response(200, LegalHoldSchema)
@permission("legal_holds.write")
def lift_legal_hold(customer_id: UUID) -> Response:
    """The case is over."""
    with transaction() as tx:
        freed = legal_holds.lift(tx.session, principal().scope, tx.actor, customer_id)
        return tx.answer(None, legal_holds.view(freed), subject=customer_id, version=freed.version)
