"""Many customers at once: a job, with a verdict per row at /v1/jobs/{id}/rows."""

from __future__ import annotations

from typing import Any

from flask import Response

from customers import bulk as use
from customers import holds, searching
from customers.api.reading import with_branch
from customers.domain import NotValid
from customers.persistence import customers as rows
from customers.schemas.lives import (
    BulkActivateSchema,
    BulkDeleteSchema,
    BulkHoldSchema,
    BulkRestoreSchema,
)
from shared.http import Blueprint, Transaction, permission, principal, transaction
from shared.http.operating import JobSchema, accepted

bulk = Blueprint("bulk", __name__, description="Many customers at once")

# What is typed for all of a branch: the verb, and how many they are.
WORDS = {use.DELETE: "DELETE", use.RESTORE: "RESTORE", use.HOLD: "HOLD", use.ACTIVATE: "ACTIVATE"}


def _queue(tx: Transaction, kind: str, wish: dict[str, Any]) -> Response:
    ids, filters = wish.pop("ids", None), wish.pop("filter", {})
    everyone, typed = wish.pop("all", False), wish.pop("confirm", None)
    conditions = []
    if ids is None:
        scope = principal().scope
        filters = with_branch(tx.session, filters)
        if kind == use.RESTORE:
            conditions = searching.lying(scope, filters)
        else:
            held = rows.inherited_holds(tx.session)
            conditions = searching.living(scope, filters, held)
    path = principal().path or "1/"
    job = use.enqueue(tx.session, kind, tx.actor, path, wish, ids=ids, conditions=conditions)
    words = f"{WORDS[kind]} {job.total} CUSTOMERS"
    if everyone and not wish["dry_run"] and typed != words:
        raise NotValid("confirm", f"type {words}", "confirm")
    return accepted(tx, job)


@bulk.post("/v1/customers/delete")
@bulk.arguments(BulkDeleteSchema)
@bulk.response(202, JobSchema)
@permission("customers.delete")
def delete_many(wish: dict[str, Any]) -> Response:
    """Delete the chosen (C47, D2). Undo restores what has not changed since."""
    with transaction(key_required=True) as tx:
        return _queue(tx, use.DELETE, wish)


@bulk.post("/v1/customers/holds")
@bulk.arguments(BulkHoldSchema)
@bulk.response(202, JobSchema)
@permission("holds.write")
def hold_many(wish: dict[str, Any]) -> Response:
    """Hold the chosen."""
    with transaction(key_required=True) as tx:
        if wish["kind"] not in holds.SETTABLE:
            raise NotValid("kind", f"{wish['kind']} follows from the account", "system_hold")
        holds.end(tx.session, wish["kind"], wish["until"])
        return _queue(tx, use.HOLD, wish)


@bulk.post("/v1/customers/activate")
@bulk.arguments(BulkActivateSchema)
@bulk.response(202, JobSchema)
@permission("customers.activate")
def activate_many(wish: dict[str, Any]) -> Response:
    """Renew the chosen, with their own package or the given one."""
    with transaction(key_required=True) as tx:
        use.check_package(tx.session, principal().scope, wish)
        return _queue(tx, use.ACTIVATE, wish)


@bulk.post("/v1/deleted-customers/restore")
@bulk.arguments(BulkRestoreSchema)
@bulk.response(202, JobSchema)
@permission("customers.restore")
def restore_many(wish: dict[str, Any]) -> Response:
    """Restore the chosen (B22, D18); `resolutions` by id for those whose login or e-mail is taken."""
    with transaction(key_required=True) as tx:
        wish["resolutions"] = {str(one): given for one, given in wish["resolutions"].items()}
        return _queue(tx, use.RESTORE, wish)
