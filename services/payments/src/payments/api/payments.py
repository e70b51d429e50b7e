"""`/v1/payments`: the definitive record of money received (E1-E12)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from payments import refunding, reversing
from payments.api.answering import as_one, rules, settings
from payments.api.reaching import gateways
from payments.collection import Recorded
from payments.domain import PaymentDraft
from payments.gateways.registry import NotConfigured
from payments.money import Money
from payments.persistence import payments as stored
from payments.persistence.ageing import collected
from payments.persistence.counter import Cashier
from payments.persistence.matching import Matches, look_up
from payments.persistence.searching import (
    SORTABLE,
    is_of_several,
    listed,
    named,
    summed,
    totals,
    values_of,
)
from payments.persistence.tables import payment
from payments.recording import Objection, open_counter, record_each
from payments.schemas import bodies
from payments.schemas.answers import (
    PaymentPageSchema,
    PaymentSchema,
    RecordedSchema,
    TotalsSchema,
)
from payments.schemas.requests import (
    PaymentArguments,
    PaymentRequestSchema,
    PaymentsRequestSchema,
    ReasonSchema,
    RefundRequestSchema,
    TotalsArguments,
)
from shared.database import afresh
from shared.http import (
    Blueprint,
    Page,
    Transaction,
    database,
    page,
    permission,
    principal,
    transaction,
)
from shared.http.operating.answering import as_json
from shared.http.problems import invalid, invalid_parameter
from shared.tokens import Principal

payments = Blueprint("payments", __name__, description="Money received")


@contextmanager
def _reading(arguments: dict[str, Any]) -> Iterator[tuple[Session, Matches | None]]:
    """The caller's rows, and what `q` found: the service looks before it enters a branch (see look_up)."""
    scope, q = principal().scope, arguments.get("q")
    if q is None:
        with database().reading(scope) as session:
            yield session, None
        return
    with database().searching() as session:
        found = look_up(session, scope, q)
        if not found.nothing:
            database().enter(session, scope)
        yield session, found


def _page(session: Session, arguments: dict[str, Any], matches: Matches | None) -> Page:
    if matches is not None and matches.nothing:
        arguments, matches = arguments | {"among": 0}, None
    values = values_of(principal().scope, arguments)
    with afresh(session) if is_of_several(arguments) else nullcontext():
        return page(
            session, listed(values, matches), arguments, values=values if matches is None else None,
            sortable=SORTABLE, key=payment.c.id, default_sort="-recorded_at",
        )  # fmt: skip


def _walked(session: Session, arguments: dict[str, Any], matches: Matches) -> Page:
    """A page of a dense search in a branch: found by the service, read by the caller."""
    scope = principal().scope
    with database().searching() as service:
        found = _page(service, arguments, matches)
    rows = named(session, scope, [row.id for row in found.items])
    return replace(found, items=[rows[row.id] for row in found.items if row.id in rows])


@payments.get("/v1/payments")
@payments.arguments(PaymentArguments, location="query")
@payments.response(200, PaymentPageSchema)
@permission("payments.read")
def list_payments(arguments: dict[str, Any]) -> Any:
    """Every payment of the caller's branch, newest first."""
    with _reading(arguments) as (session, matches):
        if matches is not None and matches.dense and principal().scope.path is not None:
            found = _walked(session, arguments, matches)
        else:
            found = _page(session, arguments, matches)
    return as_json(found.body(bodies.payment), found.headers())


@payments.get("/v1/payments/totals")
@payments.arguments(TotalsArguments, location="query")
@payments.response(200, TotalsSchema)
@permission("payments.read")
def sum_payments(arguments: dict[str, Any]) -> Any:
    """What the same filter adds up to, by method; void payments left out."""
    rows = _collected(arguments) if arguments.get("q") is None else None
    if rows is None:
        rows = _summed(arguments)
    return as_json({"items": [bodies.total(row) for row in rows]})


def _collected(arguments: dict[str, Any]) -> Sequence[Any] | None:
    scope = principal().scope
    with database().reading(scope) as session:
        return collected(session, scope, arguments, ["method"], settings().time_zone)


def _summed(arguments: dict[str, Any]) -> Sequence[Any]:
    scope = principal().scope
    if arguments.get("q") is None:
        with database().transaction(scope) as session:
            rows = summed(session, totals(scope, arguments, None))
    else:
        with _reading(arguments) as (session, matches):
            rows = summed(session, totals(scope, arguments, matches))
    if rows is None:
        raise invalid_parameter(
            "q" if "q" in arguments else "from",
            "too many payments to add up at once; narrow the filter, or export it: the manifest"
            " has the number of rows and their sum",
            "too_many",
        )
    return rows


@payments.post("/v1/payments")
@payments.arguments(PaymentRequestSchema)
@payments.response(201, PaymentSchema)
@permission("payments.write")
def record_payment(body: dict[str, Any]) -> Any:
    """Record money received by hand (E28-E33); Idempotency-Key required.

    What looks like a payment recorded already is a 409 `possible_duplicate`, unless
    `override_duplicate` gives a reason. Money of a deleted customer is taken too.
    """
    with transaction(key_required=True) as tx, rules():
        (done,) = _record(tx, [body])
        if isinstance(done, Exception):
            raise done
        return tx.answer(
            None, bodies.payment(done), 201, subject=body["customer_id"],
            version=done.version, headers={"Location": f"/v1/payments/{done.id}"},
        )  # fmt: skip


@payments.post("/v1/payments/record")
@payments.arguments(PaymentsRequestSchema)
@payments.response(200, RecordedSchema)
@permission("payments.write")
def record_payments(body: dict[str, Any]) -> Any:
    """Record many payments as one would one by one; Idempotency-Key required.

    Each of `items` has the place of its payment in the request, and the payment that was recorded or
    the error that stands against it; one that is refused keeps none of the others back.
    """
    with transaction(key_required=True) as tx:
        done = _record(tx, body["payments"])
        items = [
            {"index": place, "error": bodies.objection(one)}
            if isinstance(one, Exception)
            else {"index": place, "payment": bodies.payment(one)}
            for place, one in enumerate(done)
        ]
        failed = sum(isinstance(one, Exception) for one in done)
        return tx.answer(None, {"recorded": len(done) - failed, "failed": failed, "items": items})


def _record(tx: Transaction, wanted: Sequence[dict[str, Any]]) -> list[Recorded | Objection]:
    caller = principal()
    slips = [
        {"customer_id": body["customer_id"], "amount": body["amount"].amount,
         "method": body["method"], "reference": body.get("transaction_reference")}
        for body in wanted
    ]  # fmt: skip
    counter = open_counter(tx.session, slips, caller.id, caller.name, settings())
    drafts = [_draft(body, caller, counter.cashier) for body in wanted]
    return record_each(tx.session, drafts, counter, settings(), tx.actor)


def _draft(body: dict[str, Any], caller: Principal, cashier: Cashier) -> PaymentDraft:
    given: Money = body["amount"]
    return PaymentDraft(
        customer_id=body["customer_id"],
        amount=given.amount,
        currency=given.currency,
        method=body["method"],
        paid_at=body.get("paid_at") or cashier.now,
        recorded_at=cashier.now,
        operator_id=caller.id,
        operator_name=cashier.name,
        receipt_owner=caller.name,
        transaction_reference=body.get("transaction_reference"),
        note=body.get("note") or None,
        override=body.get("override_duplicate", {}).get("reason"),
    )


def _answer(tx: Transaction, payment_id: UUID) -> Any:
    row = stored.detail(tx.session, payment_id)
    body = bodies.payment(row)
    return tx.answer(None, body, subject=row.customer_id, version=row.version)


@payments.get("/v1/payments/<uuid:payment_id>")
@payments.response(200, PaymentSchema)
@permission("payments.read")
def get_payment(payment_id: UUID) -> Any:
    """One payment and the bills that it paid."""
    with database().reading(principal().scope) as session:
        row = stored.detail(session, payment_id)
    return as_one(row, "payment", bodies.payment)


@payments.post("/v1/payments/<uuid:payment_id>/void")
@payments.arguments(ReasonSchema)
@payments.response(200, PaymentSchema)
@permission("payments.void")
def void_payment(body: dict[str, Any], payment_id: UUID) -> Any:
    """The payment never was: bills that it paid are open again. Idempotency-Key required."""
    with transaction(key_required=True) as tx, rules("payment"):
        reversing.void(tx.session, payment_id, body["reason"], tx.actor)
        return _answer(tx, payment_id)


@payments.post("/v1/payments/<uuid:payment_id>/refund")
@payments.arguments(RefundRequestSchema)
@payments.response(200, PaymentSchema)
@permission("payments.refund")
def refund_payment(body: dict[str, Any], payment_id: UUID) -> Any:
    """Give money back, all that is left or a part; through the gateway by which it came, unless
    `through_gateway` is false. Idempotency-Key required."""
    with transaction(key_required=True) as tx, rules("payment"):
        given: Money | None = body.get("amount")
        try:
            refunding.refund(
                tx.session, gateways(), payment_id, given, body["reason"], tx.actor,
                through_gateway=body["through_gateway"],
            )  # fmt: skip
        except NotConfigured as error:
            raise invalid("through_gateway", str(error), "not_configured") from error
        return _answer(tx, payment_id)
