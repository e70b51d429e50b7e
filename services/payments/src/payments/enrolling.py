"""Stored methods: a customer leaves a card or wallet with a gateway, for automatic payments (C29).

As with intents there is a row first, then the gateway; what crashes in between is found by the poller.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7

from payments.backoff import wait
from payments.domain import Erased, Refused, UnknownCustomer
from payments.gateways.interface import Declined, Gateway, Unreachable
from payments.gateways.vault import Enrolled, Enrolment, Method, Vault
from payments.intents import APART, AWAY, BACKOFF, SOON, Opening, reference
from payments.persistence import accounts, bills, facts, methods
from payments.publishing import close
from payments.settings import PaymentsSettings
from shared import operations
from shared.database import Database
from shared.operations import SYSTEM, Actor


@dataclass(frozen=True, kw_only=True)
class Wanted:
    customer_id: UUID
    return_url: str | None
    request_key: str


def vault_of(gateway: Gateway) -> Vault:
    """Raises Refused for a gateway that keeps no methods."""
    if gateway.vault is None:
        raise Refused(
            "no_vault", f"{gateway.title} keeps no methods of payers; take another gateway"
        )
    return gateway.vault


def create(
    session: Session, gateway: Gateway, wanted: Wanted, settings: PaymentsSettings, actor: Actor
) -> Any:
    """The method of this request: a new one, or the one that it has already.

    Raises UnknownCustomer, Erased, Declined for a currency that the gateway can't take, Refused.
    """
    vault_of(gateway)
    known = facts.customers(session, [wanted.customer_id]).get(wanted.customer_id)
    if known is None:
        raise UnknownCustomer(wanted.customer_id)
    account = accounts.lock(session, [wanted.customer_id]).get(wanted.customer_id)
    if account is None or known.erased_at is not None:
        raise Erased(wanted.customer_id)
    gateway.check(bills.owed(session, wanted.customer_id), account.currency)
    row = {
        "id": uuid7(),
        "customer_id": wanted.customer_id,
        "operator_path": known.operator_path,
        "gateway": gateway.name,
        "reference": reference(),
        "return_url": wanted.return_url,
        "request_key": wanted.request_key,
        "created_by": actor.name,
    }
    made = methods.insert(session, row, timedelta(minutes=settings.gateways.intent_minutes))
    if made is None:
        return _again(methods.of_request(session, wanted.request_key), row)
    _log(session, actor, made, "created", after={"gateway": gateway.name})
    return made


def _again(found: Any, row: Mapping[str, Any]) -> Any:
    same = ("customer_id", "gateway", "return_url")
    if found is None or any(getattr(found, name) != row[name] for name in same):
        raise Refused("reused", "this Idempotency-Key was used for another request; take a new one")
    return found


def call_enrol(gateway: Gateway, row: Any, currency: str, settings: PaymentsSettings) -> Opening:
    """Outside any transaction."""
    public = settings.gateways.public_url or settings.urls["payments"]
    enrolment = Enrolment(
        id=row.id, reference=row.reference, currency=currency, expires_at=row.expires_at,
        return_url=f"{public}/v1/payment-methods/{row.id}/return",
    )  # fmt: skip
    try:
        return Opening(opened=vault_of(gateway).enrol(enrolment))
    except Declined as error:
        return Opening(refusal=str(error))
    except Unreachable as error:
        return Opening(silence=str(error)[:200])


def note_opening(session: Session, row: Any, opening: Opening) -> None:
    """Keep what came of it. After silence the poller opens it, or finds that nobody could agree."""
    if opening.opened is not None:
        page = opening.opened
        methods.opened(session, row.id, page.session, page.redirect_url, payer=page.payer)
        methods.ask_again(session, row.id, BACKOFF[0])
    elif opening.refusal is not None:
        _failed(session, row, opening.refusal)
    else:
        methods.ask_again(session, row.id, SOON, opening.silence)


def remove(session: Session, method_id: UUID, actor: Actor, reason: str | None = None) -> None:
    """Nothing is charged by it from here on, and the gateway forgets it. Raises LookupError, Refused."""
    found = methods.find(session, method_id)
    if found is None or found.customer_id is None:
        raise LookupError(method_id)
    accounts.lock(session, [found.customer_id])
    if not methods.remove(session, found.customer_id, method_id):
        raise Refused("already_removed", "this method is not stored (any more)")
    _log(session, actor, found, "removed", before={"state": found.state, "label": found.label},
         reason=reason)  # fmt: skip


# ---------------------------------------------------------------- asking the gateway
def came_back(
    database: Database, gateway: Gateway, method_id: UUID, settings: PaymentsSettings
) -> None:
    """The payer is back on our page: ask the gateway at once, whatever the page was told."""
    with database.transaction() as session:
        row = methods.lease_one(session, method_id, APART)
    if row is not None:
        check(database, gateway, row, settings)


def check(database: Database, gateway: Gateway, row: Any, settings: PaymentsSettings) -> None:
    """Ask how the payer decided, or tell the gateway to forget; what can't be done now is done later."""
    try:
        if row.state not in methods.OPEN:
            _forget(database, gateway, row)
        elif row.state == "created" and row.expires_at > datetime.now(UTC):
            with database.transaction() as session:
                account = accounts.lock(session, [row.customer_id])[row.customer_id]
            opening = call_enrol(gateway, row, account.currency, settings)
            with database.transaction() as session:
                note_opening(session, row, opening)
        elif row.gateway_session is None:
            with database.transaction() as session:
                _failed(session, row, "the gateway opened no page in time")
        else:
            _decided(database, gateway, row, vault_of(gateway).enrolled(row.gateway_session))
    except (Unreachable, Declined) as error:
        with database.transaction() as session:
            later = wait(BACKOFF, row.checks, AWAY)
            methods.ask_again(session, row.id, later, f"not answered: {error}"[:200])


def _decided(database: Database, gateway: Gateway, row: Any, found: Enrolled) -> None:
    if found.state == "active" and found.method is not None:
        with database.transaction() as session:
            kept = _activate(session, row, found.method)
        if not kept:
            vault_of(gateway).forget(found.method)
        return
    with database.transaction() as session:
        if found.state == "failed":
            _failed(session, row, found.failure)
        elif row.expires_at <= datetime.now(UTC):
            _failed(session, row, "the payer let the page expire")
        else:
            methods.ask_again(session, row.id, wait(BACKOFF, row.checks))


def _activate(session: Session, row: Any, method: Method) -> bool:
    """One method at a time: the former is forgotten, and what was frozen is tried again (C29).

    False when the row went meanwhile, with its customer.
    """
    before = accounts.lock(session, [row.customer_id]) if row.customer_id else {}
    now = methods.locked(session, row.id)
    if now is None or now.state not in methods.OPEN:
        known = now is not None and now.state == "active"
        return known or methods.too_late(session, row.id, method.payer, method.token)
    methods.remove(session, row.customer_id)
    methods.activate(session, row.id, method.payer, method.token, method.label)
    _log(session, SYSTEM, row, "stored", after={"gateway": row.gateway, "label": method.label})
    if before[row.customer_id].auto_payment_failures:
        accounts.thaw(session, [row.customer_id])
        close(session, SYSTEM, before, [], bills.now(session))
    return True


def _failed(session: Session, row: Any, failure: str | None) -> None:
    now = methods.locked(session, row.id)
    if now is not None and now.state in methods.OPEN:
        methods.fail(session, row.id, failure)
        _log(session, SYSTEM, row, "failed", after={"failure": failure})


def _forget(database: Database, gateway: Gateway, row: Any) -> None:
    with database.transaction() as session:
        if methods.charge_under_way(session, row.id):
            methods.ask_again(session, row.id, BACKOFF[2], "a charge by it is under way")
            return
    if row.payer is not None or row.token is not None:
        method = Method(payer=row.payer, token=row.token)
        vault_of(gateway).forget(method)
    with database.transaction() as session:
        methods.forgotten(session, row.id)


def _log(
    session: Session, actor: Actor, row: Any, what: str, *,
    before: dict[str, Any] | None = None, after: dict[str, Any] | None = None,
    reason: str | None = None,
) -> None:  # fmt: skip
    operations.record(
        session, actor, f"payment_method.{what}", "customer", row.customer_id,
        operator_path=row.operator_path, reason=reason,
        before={"method_id": str(row.id), **before} if before is not None else None,
        after={"method_id": str(row.id), **after} if after is not None else None,
    )  # fmt: skip
