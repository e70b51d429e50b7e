"""The list of customers; one is created, read, edited, deleted."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response

from customers import deletion, registering, searching, views
from customers.api.answers import answered, settings
from customers.api.reading import told, with_branch, with_matches
from customers.deletion import Order
from customers.persistence import customers as rows
from customers.persistence import tables
from customers.schemas.customers import (
    DELETION,
    CustomerArguments,
    CustomerChangesSchema,
    CustomerSchema,
    DeleteSchema,
    NewCustomerSchema,
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

customers = Blueprint("customers", __name__, description="Customers and leads")


@customers.get("/v1/customers")
@customers.arguments(CustomerArguments, location="query")
@customers.response(200, page_found(CustomerSchema))
@permission("customers.read")
def list_customers(arguments: dict[str, Any]) -> Response:
    """The living customers of the branch that match (C1).

    With `q` the answer says `approximate`: true when nobody fits and these nearly do.
    """
    scope = principal().scope
    arguments = with_matches(database(), "alive", arguments)
    with database().reading(scope) as session:
        filters = with_branch(session, arguments)
        held = rows.inherited_holds(session)
        query = searching.listed(scope, filters, held)
        found = page(
            session, query, arguments, key=tables.customer.c.id, default_sort="-created_at",
            sortable=searching.SORTABLE,
        )  # fmt: skip
        items = {item["id"]: item for item in views.page(session, found.items, held)}
    body = told(found.body(lambda row: items[row.id]), arguments)
    return answered(body, headers=found.headers())


@customers.post("/v1/customers")
@customers.arguments(NewCustomerSchema)
@customers.response(201, CustomerSchema)
@permission("customers.write")
def create_customer(fields: dict[str, Any]) -> Response:
    """A new customer or lead; it has no access before a package is activated."""
    with transaction() as tx:
        made = registering.register(
            tx.session, principal().scope, tx.actor, fields, secret=settings().secret_key
        )
        return tx.answer(
            None, views.one(tx.session, made), 201, subject=made.id, version=made.version,
            headers={"Location": f"/v1/customers/{made.id}"},
        )  # fmt: skip


@customers.get("/v1/customers/<uuid:customer_id>")
@customers.response(200, CustomerSchema)
@permission("customers.read")
def get_customer(customer_id: UUID) -> Response:
    """One customer. For a deleted one a 404 whose type ends in /deleted, with its place."""
    scope = principal().scope
    with database().transaction(scope) as session:
        found = rows.read(session, scope, customer_id)
        return answered(views.one(session, found), version=found.version)


@customers.patch("/v1/customers/<uuid:customer_id>")
@customers.arguments(CustomerChangesSchema)
@customers.response(200, CustomerSchema)
@permission("customers.write")
def edit_customer(changes: dict[str, Any], customer_id: UUID) -> Response:
    """Change the profile; `kind: customer` converts a lead."""
    with transaction() as tx:
        found = rows.lock_living(tx.session, principal().scope, customer_id)
        require_match(found.version)
        registering.edit(
            tx.session, principal().scope, tx.actor, found, changes, secret=settings().secret_key
        )
        return tx.answer(
            None, views.one(tx.session, found), subject=found.id, version=found.version
        )


@customers.post("/v1/customers/<uuid:customer_id>/delete")
@customers.arguments(DeleteSchema)
@customers.response(200, DELETION)
@permission("customers.delete")
def delete_customer(order: dict[str, Any], customer_id: UUID) -> Response:
    """Soft deletion (A2): hidden, and kept whole. Twice gives the same. 409 with what blocks it."""
    with transaction() as tx:
        found = deletion.delete(
            tx.session, principal().scope, tx.actor, customer_id, Order(**order)
        )
        body = views.deleted(found)
        if found.state == "alive":
            body |= {"dry_run": True, "reason": order["reason"], "note": order["note"]}
        return tx.answer(None, body, subject=found.id)
