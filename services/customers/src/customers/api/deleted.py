"""The deleted: listed, looked at, corrected, restored."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response

from customers import deletion, registering, restoring, searching, session_erasure, views
from customers.api.answers import answered, settings
from customers.api.reading import told, with_branch, with_matches
from customers.domain import Customer, IsErased, Missing
from customers.persistence import customers as rows
from customers.persistence import tables
from customers.schemas.customers import (
    RESTORE,
    DeletedArguments,
    DeletedChangesSchema,
    DeletedDetailSchema,
    DeletedSchema,
    RestoreSchema,
    page_found,
)
from shared.http import (
    Blueprint,
    database,
    page,
    permission,
    principal,
    require_match,
    transaction,
)

deleted = Blueprint("deleted customers", __name__, description="Deleted, kept, and restored")


@deleted.get("/v1/deleted-customers")
@deleted.arguments(DeletedArguments, location="query")
@deleted.response(200, page_found(DeletedSchema))
@permission("customers.read")
def list_deleted(arguments: dict[str, Any]) -> Response:
    """The deleted of the branch, the latest first (A1, A12 to A21).

    With `q` the answer says `approximate`: true when nobody fits and these nearly do.
    """
    scope = principal().scope
    arguments = with_matches(database(), "deleted", arguments)
    with database().reading(scope) as session:
        query = searching.deleted(scope, with_branch(session, arguments))
        found = page(
            session, query, arguments, key=tables.customer.c.id, default_sort="-deleted_at",
            sortable=searching.DELETED_SORTABLE,
        )  # fmt: skip
    return answered(told(found.body(views.listed_deleted), arguments), headers=found.headers())


@deleted.get("/v1/deleted-customers/<uuid:customer_id>")
@deleted.response(200, DeletedDetailSchema)
@permission("customers.read")
def get_deleted(customer_id: UUID) -> Response:
    """One deleted customer, with its profile and how it was when it was deleted."""
    scope = principal().scope
    with database().transaction(scope) as session:
        found = _lying(session, customer_id, lock=False)
        return answered(_detail(session, found), version=found.version)


def _lying(session: Any, customer_id: UUID, *, lock: bool) -> Customer:
    scope = principal().scope
    found = (
        rows.lock_one(session, scope, customer_id)
        if lock
        else rows.read_any(session, scope, customer_id)
    )
    if found.state == "erasing":
        raise IsErased
    if found.state != "deleted":
        raise Missing("deleted customer")
    return found


def _detail(session: Any, found: Customer) -> dict[str, Any]:
    return views.deleted(found) | {
        "snapshot": found.deletion_snapshot,
        "profile": views.one(session, found),
        "sessions_erase_after": found.sessions_erase_after,
        "sessions_erased": session_erasure.proof(session, found.id),
        "version": found.version,
    }


@deleted.patch("/v1/deleted-customers/<uuid:customer_id>")
@deleted.arguments(DeletedChangesSchema)
@deleted.response(200, DeletedDetailSchema)
@permission("customers.write")
def edit_deleted(changes: dict[str, Any], customer_id: UUID) -> Response:
    """Correct a deleted record as any other (D16, D19); the log has before and after."""
    with transaction() as tx:
        found = _lying(tx.session, customer_id, lock=True)
        require_match(found.version)
        fields = deletion.corrected(tx.session, found, changes)
        registering.edit(
            tx.session, principal().scope, tx.actor, found, fields, secret=settings().secret_key
        )
        return tx.answer(None, _detail(tx.session, found), subject=found.id, version=found.version)


@deleted.post("/v1/deleted-customers/<uuid:customer_id>/restore")
@deleted.arguments(RestoreSchema)
@deleted.response(200, RESTORE)
@permission("customers.restore")
def restore(resolutions: dict[str, Any], customer_id: UUID) -> Response:
    """Back among the living, inactive until a package is renewed (A27-A31, B10-B12).

    409 with what is in use by now and what is free; with `dry_run` the plan. Twice gives the same.
    """
    with transaction() as tx:
        found, plan = restoring.restore(
            tx.session, principal().scope, tx.actor, customer_id, resolutions
        )
        if found.state == "deleted":
            return tx.answer(None, _plan(plan), subject=found.id)
        body = views.one(tx.session, found) | {"integrity": found.restore_report}
        return tx.answer(None, body, subject=found.id, version=found.version)


def _plan(plan: restoring.Plan) -> dict[str, Any]:
    return {
        "dry_run": True,
        "customer_id": plan.customer_id,
        "possible": not plan.errors,
        "status_after": "inactive",
        "changes": plan.changes,
        "errors": plan.errors,
        "notes": plan.notes,
    }
