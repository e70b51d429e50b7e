"""`/v1/dunning-policies`, `/v1/holidays`, promises to pay, and who was reminded of what."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from payments import dunning as use_cases
from payments.api.answering import rules, settings
from payments.persistence import dunning as stored
from payments.persistence.dunning import Policy
from payments.persistence.dunning_tables import promise_table, reminder
from payments.schemas import bodies
from payments.schemas.dunning import (
    AutoPaymentSchema,
    CalendarRequestSchema,
    CalendarSchema,
    PoliciesSchema,
    PolicyRequestSchema,
    PolicySchema,
    PromiseArguments,
    PromisePageSchema,
    PromiseRequestSchema,
    PromiseSchema,
    ReminderArguments,
    ReminderPageSchema,
)
from payments.schemas.requests import ReasonSchema
from shared import operations
from shared.http import (
    Blueprint,
    Transaction,
    database,
    page,
    permission,
    principal,
    require_match,
    transaction,
)
from shared.http.operating.answering import as_json
from shared.http.problems import not_found
from shared.http.transactions import etag

dunning = Blueprint("dunning", __name__, description="Reminders, promises, days without cut-off")
EVERYBODY = "default"


@dunning.get("/v1/dunning-policies")
@dunning.response(200, PoliciesSchema)
@permission("bills.read")
def list_policies() -> Any:
    """The policy for everybody, then those of classes that have their own."""
    with database().transaction(principal().scope) as session:
        found = stored.policies(session, settings().grace_days)
    return as_json({"items": [policy.__dict__ for policy in found]})


@dunning.get("/v1/dunning-policies/<string:name>")
@dunning.response(200, PolicySchema)
@permission("bills.read")
def get_policy(name: str) -> Any:
    """That of a class by its id, or `default`; one that was never written has version 0."""
    with database().transaction(principal().scope) as session:
        policy = stored.policy_for_writing(session, _class_id(name), settings().grace_days)
    return as_json(policy.__dict__, {"ETag": etag(policy.version)})


@dunning.put("/v1/dunning-policies/<string:name>")
@dunning.arguments(PolicyRequestSchema)
@dunning.response(200, PolicySchema)
@permission("dunning.write")
def put_policy(body: dict[str, Any], name: str) -> Any:
    """Set the policy of a class, or `default`: from now on, bills that are out included."""
    class_id = _class_id(name)
    with transaction() as tx:
        stored.lock_policies(tx.session)
        before = stored.policy_for_writing(tx.session, class_id, settings().grace_days)
        require_match(before.version)
        policy = Policy(
            class_id=class_id, version=before.version + 1,
            **{**body, "remind_days": tuple(sorted(body["remind_days"]))},
        )  # fmt: skip
        stored.put_policy(tx.session, policy)
        operations.record(
            tx.session, tx.actor, "dunning_policy.changed", "dunning_policy", class_id,
            operator_path=tx.actor.path or operations.SYSTEM_PATH, personal=False,
            before=_plain(before), after=_plain(policy),
        )  # fmt: skip
        return tx.answer(None, policy.__dict__, version=policy.version)


def _class_id(name: str) -> UUID | None:
    if name == EVERYBODY:
        return None
    try:
        return UUID(name)
    except ValueError as error:
        raise not_found("class") from error


def _plain(policy: Policy) -> dict[str, Any]:
    return {name: value for name, value in policy.__dict__.items() if name != "class_id"}


@dunning.get("/v1/holidays")
@dunning.response(200, CalendarSchema)
@permission("bills.read")
def get_calendar() -> Any:
    """The weekend and the holidays: days without cut-off."""
    with database().transaction(principal().scope) as session:
        row = stored.calendar(session)
    return as_json(row._asdict(), {"ETag": etag(row.version)})


@dunning.put("/v1/holidays")
@dunning.arguments(CalendarRequestSchema)
@dunning.response(200, CalendarSchema)
@permission("dunning.write")
def put_calendar(body: dict[str, Any]) -> Any:
    """Set the weekend and all holidays, in the ISP's time zone."""
    with transaction() as tx:
        require_match(stored.calendar(tx.session, lock=True).version)
        days = {holiday["day"]: holiday["name"] for holiday in body["holidays"]}
        row = use_cases.set_calendar(
            tx.session, body["weekend"], days, settings().time_zone, tx.actor
        )
        return tx.answer(None, row._asdict(), version=row.version)


@dunning.post("/v1/customers/<uuid:customer_id>/promises")
@dunning.arguments(PromiseRequestSchema)
@dunning.response(201, PromiseSchema)
@permission("promises.write")
def make_promise(body: dict[str, Any], customer_id: UUID) -> Any:
    """The customer will pay by the end of that day: not overdue until then. Idempotency-Key required."""
    with transaction(key_required=True) as tx, rules():
        made = use_cases.promise(
            tx.session, customer_id, body["until"], body.get("amount"), body.get("note"),
            settings(), tx.actor,
        )  # fmt: skip
        return _answer(tx, made, 201)


@dunning.post("/v1/customers/<uuid:customer_id>/auto-payment-failures")
@dunning.arguments(ReasonSchema)
@dunning.response(201, AutoPaymentSchema)
@permission("payments.write")
def fail_auto_payment(body: dict[str, Any], customer_id: UUID) -> Any:
    """An automatic payment failed: the `retry_limit` of the customer's class freezes them until a payment.

    Idempotency-Key required.
    """
    with transaction(key_required=True) as tx, rules():
        failures, frozen = use_cases.fail_auto_payment(
            tx.session, customer_id, body["reason"], tx.actor
        )
        answer = {"customer_id": customer_id, "failures": failures, "payment_frozen": frozen}
        return tx.answer(None, answer, 201, subject=customer_id)


@dunning.post("/v1/promises/<uuid:promise_id>/withdraw")
@dunning.arguments(ReasonSchema)
@dunning.response(200, PromiseSchema)
@permission("promises.write")
def withdraw_promise(body: dict[str, Any], promise_id: UUID) -> Any:
    """The promise does not stand any more: what is late is overdue again."""
    with transaction() as tx, rules("promise"):
        use_cases.withdraw(tx.session, promise_id, body["reason"], tx.actor)
        return _answer(tx, promise_id)


def _answer(tx: Transaction, promise_id: UUID, status: int = 200) -> Any:
    row = stored.promise(tx.session, promise_id)
    return tx.answer(
        None, bodies.promise(row), status, subject=row.customer_id, version=row.version
    )


@dunning.get("/v1/promises")
@dunning.arguments(PromiseArguments, location="query")
@dunning.response(200, PromisePageSchema)
@permission("bills.read")
def list_promises(arguments: dict[str, Any]) -> Any:
    """Promises of the caller's branch, newest first."""
    scope = principal().scope
    with database().reading(scope) as session:
        found = page(
            session, stored.listed(scope, arguments), arguments, key=promise_table.c.id,
            sortable={"created_at": promise_table.c.created_at}, default_sort="-created_at",
        )  # fmt: skip
    return as_json(found.body(bodies.promise), found.headers())


@dunning.get("/v1/reminders")
@dunning.arguments(ReminderArguments, location="query")
@dunning.response(200, ReminderPageSchema)
@permission("bills.read")
def list_reminders(arguments: dict[str, Any]) -> Any:
    """What customers of the caller's branch were reminded of, newest first."""
    scope = principal().scope
    query = stored.reminders(scope, arguments)
    with database().reading(scope) as session:
        found = page(
            session, query, arguments, key=reminder.c.id,
            sortable={"at": reminder.c.at}, default_sort="-at",
        )  # fmt: skip
    return as_json(found.body(bodies.reminder), found.headers())
