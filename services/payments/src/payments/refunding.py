"""Money back through its gateway: the books first, then the gateway until it says yes or no.

A refund that the gateway refuses for good is taken back in the books, so that they say what is true.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from payments import domain, reversing
from payments.backoff import wait
from payments.domain import Refused
from payments.gateways.interface import Declined, Gateway, Refunded, RefundOrder, Unreachable
from payments.gateways.registry import Gateways
from payments.money import Money, exact
from payments.persistence import (
    accounts,
    bills,
    claims,
    facts,
    gateway_refunds,
    ledger,
    payments,
    returns,
)
from payments.persistence.ledger import Entry, Posting
from payments.publishing import close, payment_event
from payments.settings import PaymentsSettings
from shared import operations
from shared.database import Database
from shared.events import PaymentRefundFailed
from shared.operations import Actor

# Between two tries: a gateway that is away for a day is not a reason to keep a customer's money.
BACKOFF = (
    *(timedelta(seconds=s) for s in (5, 30)),
    *(timedelta(minutes=m) for m in (2, 10, 30)),
    timedelta(hours=1),
)


def refund(
    session: Session,
    gateways: Gateways,
    payment_id: UUID,
    wanted: Money | None,
    reason: str,
    actor: Actor,
    *,
    through_gateway: bool = True,
) -> None:
    """Give money back in the books, and through the gateway by which it came.

    With `through_gateway` false, and for money recorded by hand, an operator gives it back.
    Raises LookupError, NotConfigured, and Refused for more than is left, or for a gateway that gives
    nothing back by program.
    """
    amount = reversing.refund(session, payment_id, wanted, reason, actor)
    came = claims.of_payment(session, payment_id)
    if came is None or not through_gateway:
        return
    gateway = gateways[came.gateway]
    if not gateway.refunds:
        raise Refused(
            "no_refunds",
            f"{gateway.title} gives nothing back by program: give it back there or in cash, and"
            " send through_gateway: false",
        )
    gateway_refunds.insert(session, {
        "gateway": came.gateway, "transaction": came.transaction, "payment_id": payment_id,
        "customer_id": came.customer_id, "operator_path": came.operator_path, "amount": amount,
        "currency": came.currency, "reason": reason, "by": actor.name,
    })  # fmt: skip


def carry_out(database: Database, gateway: Gateway, row: Any, settings: PaymentsSettings) -> None:
    """Ask the gateway for a leased refund, by the refund's id as the key, and note what it says."""
    try:
        answer = gateway.refund(_order(row))
    except Unreachable as error:
        answer = Refunded(state="pending", error=f"not answered: {error}"[:200])
    except Declined as error:
        answer = Refunded(state="failed", error=str(error))
    with database.transaction() as session:
        conclude(session, row, answer, Actor(name=gateway.name), settings)


def _order(row: Any) -> RefundOrder:
    return RefundOrder(
        id=row.id,
        transaction=row.transaction,
        session=row.gateway_session,
        amount=exact(row.amount, row.currency),
        currency=row.currency,
        reason=row.reason or "refund",
        gateway_reference=row.gateway_reference,
    )


def conclude(
    session: Session, row: Any, answer: Refunded, actor: Actor, settings: PaymentsSettings
) -> None:
    locked: dict[UUID, Any] = {}
    if row.customer_id is not None:
        locked = accounts.lock(session, [row.customer_id])
    now = gateway_refunds.locked(session, row.id)
    if now is None or now.state != "refund_pending":
        return
    if answer.state == "pending":
        later = wait(BACKOFF, now.attempts)
        gateway_refunds.later(session, now.id, later, answer.gateway_reference, answer.error)
        return
    if answer.gateway_reference is not None and answer.state == "refunded":
        twin = returns.named(session, now.gateway, answer.gateway_reference, other_than=now.id)
        if twin is not None:
            # The gateway gave it back once, and the books have it already.
            answer = Refunded(state="failed", error="the gateway has given this much back before")
    digest = None
    if facts.erased(session, now.customer_id):
        digest = domain.erased_reference(now.transaction, settings.digest_key)
    gateway_refunds.conclude(
        session, now.id, answer.state, answer.gateway_reference, answer.error, digest
    )
    operations.record(
        session, actor, f"gateway_refund.{answer.state}", "customer", now.customer_id,
        operator_path=now.operator_path,
        after={"refund_id": str(now.id), "amount": str(now.amount), "currency": now.currency,
               "error": answer.error},
    )  # fmt: skip
    if answer.state == "failed" and now.payment_id is not None and locked:
        _take_back(session, now, locked, actor)


def take_back(session: Session, refund: Any, actor: Actor, error: str | None) -> None:
    """A refund that was booked as done has failed after all. The caller holds the account's lock."""
    gateway_refunds.conclude(session, refund.id, "failed", None, error, None)
    operations.record(
        session, actor, "gateway_refund.failed", "customer", refund.customer_id,
        operator_path=refund.operator_path,
        after={"refund_id": str(refund.id), "amount": str(refund.amount), "error": error},
    )  # fmt: skip
    if refund.customer_id is not None and refund.payment_id is not None:
        _take_back(session, refund, accounts.lock(session, [refund.customer_id]), actor)


def _take_back(session: Session, refund: Any, locked: dict[UUID, Any], actor: Actor) -> None:
    """The customer has the money here again: it was never given back."""
    row = payments.locked(session, refund.payment_id)
    if row is None:
        return
    at = bills.now(session)
    refunded = row.refunded - refund.amount
    payments.mark_refunded(session, row.id, refunded, domain.refund_state(row.amount, refunded))
    ledger.post(
        session,
        [
            Posting(
                kind="refund", customer_id=row.customer_id, payment_id=row.id,
                currency=row.currency, effective_at=at,
                entries=(
                    Entry("cash", refund.amount, row.operator_id, row.method),
                    Entry("credit", -refund.amount),
                ),
            )
        ],
        actor.id,
    )  # fmt: skip
    close(session, actor, locked, [payment_event(PaymentRefundFailed, row, refund.amount)], at,
          by_payment=True)  # fmt: skip
