"""Automatic payments: what is due is taken by the customer's stored method, once for each day it is due.

An attempt is a payment intent, written in the transaction that takes it off the method's calendar; from
there on it goes the way of every intent: gateway, claim, ledger, and the poller after every crash.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7

from payments.enrolling import vault_of
from payments.gateways.checkout import Opened
from payments.gateways.interface import Declined, Gateway, Unreachable
from payments.gateways.vault import Method
from payments.intents import Opening, order, reference
from payments.persistence import accounts, debits, methods
from payments.settings import PaymentsSettings
from shared import operations
from shared.database import Database
from shared.operations import SYSTEM

# One transaction of so many customers takes well below a second.
BATCH = 200
# An earlier attempt is known by then, or asked about again.
UNDER_WAY = timedelta(minutes=10)


def begin(session: Session, settings: PaymentsSettings) -> int:
    """Begin an attempt for customers of whom something is due; how many were looked at. Until 0."""
    customers = debits.customers_due(session, BATCH)
    if not customers:
        return 0
    accounts.lock(session, sorted(customers))
    attempts: list[dict[str, Any]] = []
    following: dict[UUID, datetime | None] = {}
    for row in debits.to_try(session, customers, UNDER_WAY):
        if not row.allowed:
            following[row.id] = None
        elif row.due > 0 and row.wait is not None:
            following[row.id] = row.wait
        else:
            following[row.id] = row.next_due
            attempts += [_attempt(row)] if row.due > 0 else []
    debits.begin(session, attempts, timedelta(minutes=settings.gateways.intent_minutes))
    debits.set_next(session, following)
    _log(session, attempts)
    return len(customers)


def _attempt(row: Any) -> dict[str, Any]:
    """One for each moment on the calendar, however often it is begun."""
    return {
        "id": uuid7(), "customer_id": row.customer_id, "operator_path": row.operator_path,
        "gateway": row.gateway, "amount": row.due, "currency": row.currency,
        "reference": reference(), "method_id": row.id,
        "request_key": f"auto {row.id} {row.next_charge_at.isoformat()}",
    }  # fmt: skip


def _log(session: Session, attempts: list[dict[str, Any]]) -> None:
    operations.record_many(
        session, SYSTEM, "auto_payment.begun", "customer",
        "SELECT customer_id AS subject, operator_path, CAST(NULL AS jsonb) AS before,"
        " jsonb_build_object('intent_id', id, 'method_id', method_id, 'amount', amount::text) AS after,"
        " CAST(NULL AS text) AS reason FROM payment_intent WHERE id = ANY(:intents)",
        {"intents": [one["id"] for one in attempts]},
    )  # fmt: skip


def carry_out(
    database: Database, gateway: Gateway, intent: Any, settings: PaymentsSettings
) -> Opening | None:
    """Take the money. Whoever tried before may have died before the answer, so that is asked first."""
    with database.transaction() as session:
        row = methods.find(session, intent.method_id)
        due = debits.due(session, intent.customer_id)
    if row is None or row.customer_id is None:
        return Opening(needless="the customer was erased")
    wanted, method = order(intent, settings), Method(payer=row.payer, token=row.token)
    vault = vault_of(gateway)
    try:
        earlier = vault.charged(wanted, method)
        if earlier is not None:
            return Opening(opened=Opened(session=earlier, redirect_url=None))
        if row.state != "active":
            return Opening(needless="the stored method was removed")
        if due < intent.amount:
            return Opening(needless="it was paid in another way meanwhile")
        if intent.expires_at <= datetime.now(UTC):
            return None
        return Opening(opened=vault.charge(wanted, method))
    except Declined as error:
        return Opening(refusal=str(error))
    except Unreachable as error:
        return Opening(silence=str(error)[:200])
