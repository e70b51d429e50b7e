"""Delete Permanently (A32 to A38), Cleanup old customers (D8 to D14): asked for, followed, proved."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response
from sqlalchemy.sql import ColumnElement

from customers import certificates, erasure, erasure_searches, searching
from customers.api.answers import answered
from customers.api.reading import with_branch
from customers.erasure import Order
from customers.persistence import erasures as rows
from customers.persistence import tables
from customers.schemas.erasures import (
    AcceptSchema,
    CertificateSchema,
    EraseManySchema,
    EraseSchema,
    ErasureArguments,
    ErasureSchema,
    SubjectArguments,
    SubjectSchema,
)
from shared.http import (
    Blueprint,
    Problem,
    Transaction,
    database,
    page,
    permission,
    principal,
    transaction,
)
from shared.http.operating.answering import page_of

erasures = Blueprint("erasures", __name__, description="Erased for good, with proof")
# `everything` takes the money's history along (A35, A36): a permission of its own (decision 1).
EVERYTHING = "erasures.everything"


def body(row: Any) -> dict[str, Any]:
    hidden = ("operator_path", "requested_by_id", "requested_at")
    shown = {name: getattr(row, name) for name in rows.FIELDS.split() if name not in hidden}
    return shown | {"created_at": row.requested_at}


def _order(wish: dict[str, Any]) -> Order:
    if wish["mode"] == "everything" and not principal().may(EVERYTHING):
        raise Problem(
            403, "forbidden", "Not allowed", f"Mode everything needs the permission {EVERYTHING}.",
            permission=EVERYTHING,
        )  # fmt: skip
    return Order(confirm=wish["confirm"], mode=wish["mode"], legal_basis=wish["legal_basis"])


def _accepted(tx: Transaction, begun: Any) -> Response:
    place = {"Location": f"/v1/erasures/{begun.id}"}
    return tx.answer(None, body(begun), 202, headers=place)


@erasures.post("/v1/deleted-customers/<uuid:customer_id>/erase")
@erasures.arguments(EraseSchema)
@erasures.response(202, ErasureSchema)
@permission("erasures.write")
def erase_one(wish: dict[str, Any], customer_id: UUID) -> Response:
    """Erase one deleted customer; type its number to confirm. It cannot be undone (A34)."""
    order = _order(wish)
    with transaction(key_required=True) as tx:
        scope = principal().scope
        return _accepted(tx, erasure.erase_one(tx.session, scope, tx.actor, customer_id, order))


@erasures.post("/v1/deleted-customers/erase")
@erasures.arguments(EraseManySchema)
@erasures.response(202, ErasureSchema)
@permission("erasures.write")
def erase_many(wish: dict[str, Any]) -> Response:
    """Erase a selection, what a filter finds, or all deleted customers of the branch (D8, D13)."""
    order = _order(wish)
    with transaction(key_required=True) as tx:
        scope = principal().scope
        chosen: list[ColumnElement[bool]]
        if "ids" in wish:
            chosen = [tables.customer.c.id.in_(wish["ids"])]
        else:
            filters = with_branch(tx.session, wish.get("filter", {}))
            chosen = searching.lying(scope, filters)
        return _accepted(tx, erasure.erase_many(tx.session, scope, tx.actor, chosen, order))


@erasures.get("/v1/erasures")
@erasures.arguments(ErasureArguments, location="query")
@erasures.response(200, page_of(ErasureSchema))
@permission("erasures.read")
def list_erasures(arguments: dict[str, Any]) -> Response:
    """The newest first."""
    scope = principal().scope
    asked = rows.erasure.c.requested_at
    with database().transaction(scope) as session:
        found = page(
            session, rows.listed(scope, arguments.get("state")), arguments, key=rows.erasure.c.id,
            default_sort="-created_at", sortable={"created_at": asked},
        )  # fmt: skip
    return answered(found.body(body), headers=found.headers())


@erasures.get("/v1/erasures/<uuid:erasure_id>")
@erasures.response(200, ErasureSchema)
@permission("erasures.read")
def get_erasure(erasure_id: UUID) -> Response:
    """How far it is, and which service has answered."""
    with database().transaction(principal().scope) as session:
        found = rows.read(session, principal().scope, erasure_id)
        searches = erasure_searches.awaited(session, erasure_id)
        return answered(
            body(found) | {"receipts": rows.receipts(session, found), "searches": searches}
        )


@erasures.get("/v1/erasures/<uuid:erasure_id>/subjects")
@erasures.arguments(SubjectArguments, location="query")
@erasures.response(200, page_of(SubjectSchema))
@permission("erasures.read")
def list_subjects(arguments: dict[str, Any], erasure_id: UUID) -> Response:
    """The verdict for each id of the frozen list."""
    subject = rows.subject.c
    with database().transaction(principal().scope) as session:
        rows.read(session, principal().scope, erasure_id)
        found = page(
            session, rows.subjects(erasure_id, arguments.get("state")), arguments,
            key=subject.customer_id, default_sort="customer_id",
            sortable={"customer_id": subject.customer_id},
        )  # fmt: skip
    names = (
        "customer_id", "state", "detail", "finished_at", "billing_asked_at", "billing_erased_at",
        "billing_rows", "billing_digest",
    )  # fmt: skip
    shown = found.body(lambda row: {name: getattr(row, name) for name in names})
    return answered(shown, headers=found.headers())


@erasures.post("/v1/erasures/<uuid:erasure_id>/<any(approve, cancel):what>")
@erasures.response(200, ErasureSchema)
@permission("erasures.write")
def move_erasure(erasure_id: UUID, what: Any) -> Response:
    """A second person approves; anybody who may erase takes it back while it has not begun."""
    with transaction() as tx:
        act = erasure.approve if what == "approve" else erasure.cancel
        moved = act(tx.session, principal().scope, tx.actor, erasure_id)
        return tx.answer(None, body(moved))


@erasures.post("/v1/erasures/<uuid:erasure_id>/accept")
@erasures.arguments(AcceptSchema)
@erasures.response(200, ErasureSchema)
@permission("erasures.write")
def accept_leftovers(wish: dict[str, Any], erasure_id: UUID) -> Response:
    """Certify with what the search found, where it is not the person's or cannot be removed."""
    with transaction() as tx:
        scope = principal().scope
        taken = erasure.accept(tx.session, scope, tx.actor, erasure_id, wish["reason"])
        return tx.answer(None, body(taken))


@erasures.get("/v1/erasures/<uuid:erasure_id>/certificate")
@erasures.response(200, CertificateSchema)
@permission("erasures.read")
def get_certificate(erasure_id: UUID) -> Response:
    """The signed proof; the key is at /.well-known/jwks.json."""
    with database().transaction(principal().scope) as session:
        found = certificates.read(session, principal().scope, erasure_id)
    names = ("document", "signature", "kid", "at")
    return answered({name: getattr(found, name) for name in names})
