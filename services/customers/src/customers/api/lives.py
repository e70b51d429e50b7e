"""What happens to a customer: activated, postponed, held, closed; its accounts and its history."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response
from sqlalchemy import select

from customers import accounts as account_use
from customers import activation, data_exports, explaining, holds, views
from customers import status_history as statuses
from customers.api import network
from customers.api.answers import answered, settings
from customers.domain import Customer, IsErased, NotAllowed
from customers.persistence import customers as rows
from customers.persistence import tables
from customers.schemas.customers import CustomerSchema
from customers.schemas.explaining import WhyOfflineSchema
from customers.schemas.lives import (
    AccountSchema,
    ActivateSchema,
    CloseSchema,
    IntegritySchema,
    LiftSuspensionSchema,
    NewAccountSchema,
    NewHoldSchema,
    StatusChangeSchema,
)
from shared.http import (
    Blueprint,
    PlainPageArguments,
    Transaction,
    database,
    page,
    permission,
    principal,
    transaction,
)
from shared.http.export_schemas import AcceptedExportSchema
from shared.http.operating import job_body
from shared.http.operating.answering import page_of
from shared.http.problems import not_found

lives = Blueprint("lives", __name__, description="What happens to a customer")
PLACE = "/v1/customers/<uuid:customer_id>"


def _locked(tx: Transaction, customer_id: UUID) -> Customer:
    return rows.lock_living(tx.session, principal().scope, customer_id)


def _shown(tx: Transaction, customer: Customer, status: int = 200) -> Response:
    body = views.one(tx.session, customer)
    return tx.answer(None, body, status, subject=customer.id, version=customer.version)


@lives.post(f"{PLACE}/activate")
@lives.arguments(ActivateSchema)
@lives.response(200, CustomerSchema)
@permission("customers.activate")
def activate(wish: dict[str, Any], customer_id: UUID) -> Response:
    """Assign a package and renew it (A29): until now, or the running end, plus its days."""
    with transaction() as tx:
        found = _locked(tx, customer_id)
        activation.activate(
            tx.session, principal().scope, tx.actor, found, wish["package_id"], renew=wish["renew"]
        )
        return _shown(tx, found)


@lives.post(f"{PLACE}/lift-suspension")
@lives.arguments(LiftSuspensionSchema)
@lives.response(200, CustomerSchema)
@permission("customers.activate")
def lift_suspension(promise: dict[str, Any], customer_id: UUID) -> Response:
    """Postpone a suspension until a date (C13, C14), at most the setting's days from now."""
    with transaction() as tx:
        found = _locked(tx, customer_id)
        activation.postpone(tx.session, tx.actor, found, promise["until"], promise["reason"])
        return _shown(tx, found)


@lives.post(f"{PLACE}/close")
@lives.arguments(CloseSchema)
@lives.response(200, CustomerSchema)
@permission("customers.write")
def close(wish: dict[str, Any], customer_id: UUID) -> Response:
    """Terminate for good (C3): afterwards it can be read, deleted and erased."""
    with transaction() as tx:
        found = _locked(tx, customer_id)
        activation.close(tx.session, tx.actor, [found], wish["reason"])
        return _shown(tx, found)


@lives.post(f"{PLACE}/finish-export")
@lives.arguments(CloseSchema)
@lives.response(200, CustomerSchema)
@permission("customers.write")
def finish_export(wish: dict[str, Any], customer_id: UUID) -> Response:
    """End an export that is in progress (C33): the customer is `exported` (C32), and stays for audit."""
    with transaction() as tx:
        found = _locked(tx, customer_id)
        activation.finish_export(tx.session, tx.actor, found, wish["reason"])
        return _shown(tx, found)


@lives.post(f"{PLACE}/holds")
@lives.arguments(NewHoldSchema)
@lives.response(201, CustomerSchema)
@permission("holds.write")
def place_hold(wish: dict[str, Any], customer_id: UUID) -> Response:
    """Hold a customer; 200 when it is held so already."""
    with transaction() as tx:
        found = _locked(tx, customer_id)
        placed = holds.place(
            tx.session, tx.actor, [found], wish["kind"], reason=wish["reason"], until=wish["until"]
        )
        return _shown(tx, found, 201 if placed else 200)


@lives.delete(f"{PLACE}/holds/<uuid:hold_id>")
@lives.response(200, CustomerSchema)
@permission("holds.write")
def lift_hold(customer_id: UUID, hold_id: UUID) -> Response:
    """Lift a hold. 409 for what only time or a payment lifts, 403 for one set from above."""
    with transaction() as tx:
        found = _locked(tx, customer_id)
        holds.lift(tx.session, principal().scope, tx.actor, found, hold_id)
        return _shown(tx, found)


@lives.post(f"{PLACE}/data-export")
@lives.response(202, AcceptedExportSchema)
@permission("exports.write")
def ask_for_data(customer_id: UUID) -> Response:
    """All that every service holds on this person, deleted or not, as a ZIP; Idempotency-Key required.

    Fetched at /v1/exports/{export_id}/file by who asked, for a day.
    """
    scope = principal().scope
    if not principal().may("customers.read"):
        raise NotAllowed(
            "Who exports a person's data may read them: this needs customers.read too."
        )
    with transaction(key_required=True) as tx:
        found = rows.read_any(tx.session, scope, customer_id)
        if found.state == "erasing":
            raise IsErased
        export_id, job = data_exports.request(tx.session, settings(), tx.actor, found)
        return tx.answer(
            None, {**job_body(job), "export_id": export_id}, 202,
            headers={"Location": f"/v1/jobs/{job.id}"},
        )  # fmt: skip


@lives.get(f"{PLACE}/integrity")
@lives.response(200, IntegritySchema)
@permission("customers.read")
def get_integrity(customer_id: UUID) -> Response:
    """The check after the last restore (B17-B20); what payments says of the books joins it later."""
    scope = principal().scope
    with database().transaction(scope) as session:
        found = rows.read(session, scope, customer_id)
    if found.restore_report is None:
        raise not_found("restore")
    return answered(found.restore_report)


@lives.get(f"{PLACE}/status-history")
@lives.arguments(PlainPageArguments, location="query")
@lives.response(200, page_of(StatusChangeSchema))
@permission("customers.read")
def status_history(arguments: dict[str, Any], customer_id: UUID) -> Response:
    """The statuses as shown over time, the latest first; holds on operators above among them."""
    scope = principal().scope
    query = statuses.lines(customer_id, scope)
    line = query.selected_columns
    with database().reading(scope) as session:
        rows.read(session, scope, customer_id)
    # The customer is the caller's to see; what operators above held, and another one's past, too.
    with database().reading() as session:
        found = page(
            session, query, arguments, key=line.id, default_sort="-since",
            sortable={"since": line.since},
        )  # fmt: skip
    names = ("status", "reason", "since", "actor")
    return answered(
        found.body(lambda row: {name: getattr(row, name) for name in names}),
        headers=found.headers(),
    )


@lives.get(f"{PLACE}/why-offline")
@lives.response(200, WhyOfflineSchema)
@permission("customers.read")
def why_offline(customer_id: UUID) -> Response:
    """Every reason of the books, the strongest first, then what the network knows, each with what to
    do. When radius-sync does not answer, `network` says so and the books' reasons stand alone."""
    scope = principal().scope
    with database().transaction(scope) as session:
        found = rows.read(session, scope, customer_id)
        username, books = found.username, explaining.why_offline(session, found)
    return answered(explaining.joined(books, network.why_offline(username, customer_id)))


@lives.get(f"{PLACE}/accounts")
@lives.arguments(PlainPageArguments, location="query")
@lives.response(200, page_of(AccountSchema))
@permission("customers.read")
def list_accounts(arguments: dict[str, Any], customer_id: UUID) -> Response:
    """The service lines of the customer (C46)."""
    scope, a = principal().scope, tables.account.c
    query = select(tables.account).where(a.customer_id == customer_id)
    with database().transaction(scope) as session:
        rows.read(session, scope, customer_id)
        found = page(
            session, query, arguments, key=a.id, default_sort="created_at",
            sortable={"created_at": a.created_at, "name": a.name},
        )  # fmt: skip
    return answered(found.body(account_use.view), headers=found.headers())


@lives.post(f"{PLACE}/accounts")
@lives.arguments(NewAccountSchema)
@lives.response(201, AccountSchema)
@permission("customers.write")
def add_account(fields: dict[str, Any], customer_id: UUID) -> Response:
    """Open another service line."""
    with transaction() as tx:
        found = _locked(tx, customer_id)
        made = account_use.add(tx.session, tx.actor, found, **fields)
        return tx.answer(None, account_use.view(made), 201, subject=found.id)


@lives.delete(f"{PLACE}/accounts/<uuid:account_id>")
@lives.response(200, AccountSchema)
@permission("customers.write")
def close_account(customer_id: UUID, account_id: UUID) -> Response:
    """Close a service line; its row stays. Closing it twice changes nothing."""
    with transaction() as tx:
        found = _locked(tx, customer_id)
        closed = account_use.close(tx.session, tx.actor, found, account_id)
        return tx.answer(None, account_use.view(closed), subject=found.id)
