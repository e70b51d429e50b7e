"""`/v1/recharge-cards`: batches made as a job, cards issued, blocked and void, and redeemed once."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from flask import send_file
from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7

from payments.api.answering import rules, settings
from payments.cards import changing, making
from payments.cards.sealed_file import new_lock
from payments.persistence import cards as stored
from payments.persistence import facts
from payments.persistence.tables import card_batch, recharge_card
from payments.schemas import card_bodies
from payments.schemas.cards import (
    AcceptedBatchSchema,
    BatchArguments,
    BatchPageSchema,
    BatchRequestSchema,
    BatchSchema,
    CardArguments,
    CardChangeSchema,
    CardPageSchema,
    CardReasonSchema,
    CardSchema,
    FetchedSchema,
)
from shared import jobs, operations
from shared.http import Blueprint, Problem, database, page, permission, principal, transaction
from shared.http.operating import JobSchema, accepted, job_body
from shared.http.operating.answering import as_json
from shared.http.problems import invalid, not_found

cards = Blueprint("recharge_cards", __name__, description="Recharge cards")


@cards.post("/v1/recharge-cards")
@cards.arguments(BatchRequestSchema)
@cards.response(202, AcceptedBatchSchema)
@permission("recharge_cards.write")
def make_cards(body: dict[str, Any]) -> Any:
    """Make a batch. Its PINs go to a file sealed for `passphrase`, and nowhere else."""
    if body["expires_at"] <= datetime.now(UTC):
        raise invalid("expires_at", "must lie in the future")
    salt, public_key = new_lock(body["passphrase"])
    with transaction(key_required=True) as tx:
        operator_id, path = _owner(tx.session, body.get("operator_id"))
        commission = body["commission"].amount if "commission" in body else 0
        batch = {
            "id": uuid7(), "operator_path": path, "operator_id": operator_id,
            "size": body["count"], "value": body["value"].amount,
            "currency": body["value"].currency, "commission": commission,
            "expires_at": body["expires_at"], "created_by": tx.actor.name, "salt": salt,
            "public_key": public_key,
        }  # fmt: skip
        stored.add_batch(tx.session, batch)
        job = jobs.enqueue(
            tx.session, making.KIND, tx.actor, operator_path=path,
            params={"batch_id": str(batch["id"])},
        )  # fmt: skip
        stored.set_job(tx.session, batch["id"], job.id)
        job = jobs.read(tx.session, job.id)
        operations.record(
            tx.session, tx.actor, "recharge_cards.ordered", "card_batch", batch["id"],
            operator_path=path, personal=False,
            after={name: str(batch[name]) for name in
                   ("operator_id", "size", "value", "currency", "commission", "expires_at")},
        )  # fmt: skip
        answer = {**job_body(job), "batch_id": batch["id"]}
        return tx.answer(None, answer, 202, headers={"Location": f"/v1/jobs/{job.id}"})


def _owner(session: Session, operator_id: UUID | None) -> tuple[UUID, str]:
    caller = principal()
    if operator_id is None or operator_id == caller.id:
        assert caller.id is not None
        assert caller.path is not None
        return caller.id, caller.path
    path = facts.operator_path(session, operator_id)
    if path is None or not caller.scope.holds(path):
        raise not_found("operator")
    return operator_id, path


@cards.get("/v1/recharge-cards/batches")
@cards.arguments(BatchArguments, location="query")
@cards.response(200, BatchPageSchema)
@permission("recharge_cards.read")
def list_batches(arguments: dict[str, Any]) -> Any:
    """Batches of the caller's branch, newest first."""
    scope = principal().scope
    with database().reading(scope) as session:
        found = page(
            session, stored.batches(scope), arguments, key=card_batch.c.id,
            sortable={"created_at": card_batch.c.created_at}, default_sort="-created_at",
        )  # fmt: skip
    return as_json(found.body(card_bodies.batch), found.headers())


@cards.get("/v1/recharge-cards/batches/<uuid:batch_id>")
@cards.response(200, BatchSchema)
@permission("recharge_cards.read")
def get_batch(batch_id: UUID) -> Any:
    """One batch, and how many of its cards are in which state."""
    with database().transaction(principal().scope) as session:
        batch = stored.batch(session, batch_id)
        if batch is None:
            raise not_found("batch")
        counts = stored.counts(session, batch)
    return as_json({**card_bodies.batch(batch), "cards": counts})


@cards.get("/v1/recharge-cards/batches/<uuid:batch_id>/file")
@cards.response(200, {"type": "string", "format": "binary"}, content_type="*/*")
@permission("recharge_cards.write")
def fetch_pins(batch_id: UUID) -> Any:
    """The sealed file of PINs, until who fetched it confirms it, the batch is issued or its time is over;
    then 410 for good. `Repr-Digest` (RFC 9530) tells whether all of it came."""
    with transaction() as tx:
        batch = stored.batch(tx.session, batch_id)
        if batch is None:
            raise not_found("batch")
        if batch.made_at is None:
            raise _not_ready(batch)
        path = making.file_of(settings(), batch_id).resolve()
        if card_bodies.file_is_gone(batch) or not path.exists():
            raise Problem(
                410, "export-gone", "The file is gone",
                "It was fetched and confirmed, the batch was issued, or the file's time is over. Who"
                " has it not voids the batch and makes another one.",
            )  # fmt: skip
        operations.record(
            tx.session, tx.actor, "recharge_cards.fetched", "card_batch", batch_id,
            operator_path=batch.operator_path, personal=False,
        )  # fmt: skip
        response = send_file(
            path, mimetype="application/octet-stream", as_attachment=True,
            download_name=path.name, etag=batch.sha256, max_age=0,
        )  # fmt: skip
        response.headers["Cache-Control"] = "no-store"
        digest = base64.b64encode(bytes.fromhex(batch.sha256)).decode()
        response.headers["Repr-Digest"] = f"sha-256=:{digest}:"
        tx.answer(None, {})
        return response


@cards.post("/v1/recharge-cards/batches/<uuid:batch_id>/file/confirm")
@cards.arguments(FetchedSchema)
@cards.response(200, BatchSchema)
@permission("recharge_cards.write")
def confirm_pins(body: dict[str, Any], batch_id: UUID) -> Any:
    """The whole file arrived, so it goes here: PINs are shown once. 409 when something else arrived."""
    with transaction() as tx, rules("batch"):
        try:
            changing.confirm_fetched(tx.session, batch_id, body["sha256"], settings(), tx.actor)
        except changing.NotMade as error:
            raise _not_ready(stored.batch(tx.session, batch_id)) from error
        batch = stored.batch(tx.session, batch_id)
        counts = stored.counts(tx.session, batch)
        return tx.answer(
            None, {**card_bodies.batch(batch), "cards": counts}, version=batch.version
        )  # fmt: skip


def _not_ready(batch: Any) -> Problem:
    return Problem(
        409, "not-ready", "Not ready", f"Its cards are being made: see /v1/jobs/{batch.job_id}.",
        headers={"Retry-After": "2"},
    )  # fmt: skip


@cards.get("/v1/recharge-cards")
@cards.arguments(CardArguments, location="query")
@cards.response(200, CardPageSchema)
@permission("recharge_cards.read")
def list_cards(arguments: dict[str, Any]) -> Any:
    """Cards of the caller's branch, in the order of their serials."""
    scope = principal().scope
    with database().transaction(scope) as session:
        series = None
        if "batch_id" in arguments:
            batch = stored.batch(session, arguments["batch_id"])
            if batch is None:
                raise not_found("batch")
            series = card_bodies.serials(batch)
        found = page(
            session, stored.listed(scope, arguments, series), arguments,
            key=recharge_card.c.serial, sortable={"serial": recharge_card.c.serial},
            default_sort="serial",
        )  # fmt: skip
    return as_json(found.body(card_bodies.card), found.headers())


@cards.get("/v1/recharge-cards/<string:serial>")
@cards.response(200, CardSchema)
@permission("recharge_cards.read")
def get_card(serial: str) -> Any:
    """One card by its serial."""
    if not (serial.isascii() and serial.isdecimal()):
        raise not_found("card")
    scope = principal().scope
    with database().transaction(scope) as session:
        row = session.execute(stored.listed(scope, {"serial": serial}, None)).one_or_none()
    if row is None:
        raise not_found("card")
    return as_json(card_bodies.card(row))


def _order(body: dict[str, Any], action: str) -> Any:
    with transaction(key_required=True) as tx, rules("batch"):
        try:
            job = changing.order(
                tx.session, body["batch_id"], action, body.get("first_serial"),
                body.get("last_serial"), body.get("reason"), tx.actor,
            )  # fmt: skip
        except changing.NotMade as error:
            raise _not_ready(stored.batch(tx.session, body["batch_id"])) from error
        return accepted(tx, job)


@cards.post("/v1/recharge-cards/issue")
@cards.arguments(CardChangeSchema)
@cards.response(202, JobSchema)
@permission("recharge_cards.write")
def issue_cards(body: dict[str, Any]) -> Any:
    """They can be redeemed from now on. The file of PINs goes: who issues cards has them in hand."""
    return _order(body, "issue")


@cards.post("/v1/recharge-cards/void")
@cards.arguments(CardReasonSchema)
@cards.response(202, JobSchema)
@permission("recharge_cards.write")
def void_cards(body: dict[str, Any]) -> Any:
    """For good: cards that were not used yet never will be."""
    return _order(body, "void")


@cards.post("/v1/recharge-cards/block")
@cards.arguments(CardReasonSchema)
@cards.response(202, JobSchema)
@permission("recharge_cards.write")
def block_cards(body: dict[str, Any]) -> Any:
    """Until they are unblocked: stolen, perhaps."""
    return _order(body, "block")


@cards.post("/v1/recharge-cards/unblock")
@cards.arguments(CardReasonSchema)
@cards.response(202, JobSchema)
@permission("recharge_cards.write")
def unblock_cards(body: dict[str, Any]) -> Any:
    """Blocked cards are issued again."""
    return _order(body, "unblock")
