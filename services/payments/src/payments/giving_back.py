"""Money that left at the gateway's own pages: refunds given there, and payments that payers dispute.

A webhook or the clock says when to ask; only what the gateway itself answers counts. Each of its refunds
is booked once, whoever tells of it how often; what does not fit the books goes to a person.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from payments import domain, refunding, reversing
from payments.gateways.interface import Clue, Gateway, GivenBack, Refunded
from payments.money import Money
from payments.persistence import accounts, claims, gateway_refunds, payments, returns
from payments.settings import PaymentsSettings
from payments.settling import names
from shared import operations
from shared.database import Database
from shared.operations import Actor


def look(database: Database, gateway: Gateway, row: Any, settings: PaymentsSettings) -> None:
    """Ask about a leased transaction. Raises Unreachable, Declined: then it is asked again."""
    clue = Clue(transaction=row.transaction, session=row.gateway_session, reference=row.reference)
    told = gateway.given_back(clue)
    with database.transaction() as session:
        note(session, gateway, row.transaction, told, settings)
        returns.looked(session, gateway.name, row.transaction)


def note(
    session: Session,
    gateway: Gateway,
    transaction: str,
    told: Sequence[GivenBack],
    settings: PaymentsSettings,
) -> Any:
    """Bring the books in line with what the gateway tells of a transaction.

    The claim of the transaction, or None when nobody here knows it.
    """
    known = claims.claimed(session, gateway.name, names(transaction, settings))
    if known is None:
        return None
    if known.customer_id is not None:
        accounts.lock(session, [known.customer_id])
    for one in told:
        if not _ours(session, gateway, one, settings):
            _note(session, gateway, known, one)
    return known


def _ours(session: Session, gateway: Gateway, one: GivenBack, settings: PaymentsSettings) -> bool:
    """One that we asked for ourselves is concluded, if nobody has told of its end yet."""
    row = gateway_refunds.locked(session, one.refund_id) if one.refund_id is not None else None
    if row is None or row.gateway != gateway.name:
        return False
    if row.state == "refunded" and one.state == "failed":
        refunding.take_back(session, row, Actor(name=gateway.name), one.detail)
    elif one.state in ("refunded", "failed"):
        answer = Refunded(state=one.state, gateway_reference=one.reference, error=one.detail)
        refunding.conclude(session, row, answer, Actor(name=gateway.name), settings)
    return True


def _note(session: Session, gateway: Gateway, known: Any, one: GivenBack) -> None:
    stored = returns.named(session, gateway.name, one.reference)
    review = returns.review_of(session, gateway.name, one.reference)
    waiting = review is not None and review.state == "open"
    if one.state == "failed":
        if stored is not None and stored.state == "refunded":
            refunding.take_back(session, stored, Actor(name=gateway.name), one.detail)
        if waiting:
            _decide(session, gateway, review, "rejected", "the money stayed with us")
    elif stored is not None or known.payment_id is None:
        if stored is None and one.state == "refunded":
            _of_nobody(session, gateway, known, one)
    elif one.state in ("disputed", "unclear"):
        cause = "disputed" if one.state == "disputed" else "refunded_elsewhere"
        _ask(session, gateway, known, one, cause)
    elif one.state == "refunded":
        _book(session, gateway, known, one)
        if waiting:
            _decide(session, gateway, review, "approved", "the money went back")


def _book(session: Session, gateway: Gateway, known: Any, one: GivenBack) -> None:
    """A refund entry when it fits; one that an operator has booked by hand is the same money."""
    if returns.under_way(session, known.payment_id, one.amount):
        return
    row = payments.locked(session, known.payment_id)
    by_hand = row.refunded - returns.through_gateway(session, row.id)
    fits = one.currency == row.currency and row.status != "voided"
    if fits and by_hand >= one.amount:
        _add(session, gateway.name, known, one.reference, one.amount, gateway.name)
    elif fits and by_hand == 0 and one.amount <= row.amount - row.refunded:
        _give_back(
            session, known, one.reference, one.amount, "at the gateway", Actor(name=gateway.name)
        )
    else:
        _ask(session, gateway, known, one, "refunded_elsewhere")


def _give_back(
    session: Session, known: Any, reference: str, amount: Decimal, why: str, actor: Actor
) -> None:
    money = Money(amount, known.currency)
    reversing.refund(session, known.payment_id, money, why, actor)
    _add(session, known.gateway, known, reference, amount, actor.name)


def _add(
    session: Session, gateway: str, known: Any, reference: str, amount: Decimal, by: str
) -> None:
    returns.add_done(session, {
        "gateway": gateway, "transaction": known.transaction, "payment_id": known.payment_id,
        "customer_id": known.customer_id, "operator_path": known.operator_path, "amount": amount,
        "currency": known.currency, "reference": reference, "by": by,
    })  # fmt: skip


def _of_nobody(session: Session, gateway: Gateway, known: Any, one: GivenBack) -> None:
    """Money that waits for a person and was never credited: what went back needs no decision."""
    review = returns.review_of(session, gateway.name, known.transaction)
    if review is None:
        return
    returns.add_done(session, {
        "gateway": gateway.name, "transaction": known.transaction, "review_id": review.id,
        "customer_id": known.customer_id, "operator_path": known.operator_path,
        "amount": one.amount, "currency": one.currency, "reference": one.reference,
        "by": gateway.name,
    })  # fmt: skip
    if review.state == "open" and one.amount == review.amount:
        _decide(session, gateway, review, "rejected", "given back at the gateway")


def _ask(session: Session, gateway: Gateway, known: Any, one: GivenBack, cause: str) -> None:
    ask(session, gateway.name, known, one.reference, one.amount, cause, Actor(name=gateway.name))


def ask(
    session: Session, gateway: str, known: Any, reference: str, amount: Decimal, cause: str,
    actor: Actor,
) -> None:  # fmt: skip
    """A review of money that left, once for each `reference`."""
    opened = returns.open_review(session, {
        "gateway": gateway, "transaction": reference, "intent_id": known.intent_id,
        "customer_id": known.customer_id, "operator_path": known.operator_path, "amount": amount,
        "currency": known.currency, "expected_amount": known.amount, "cause": cause,
        "payment_id": known.payment_id,
    })  # fmt: skip
    if opened is not None:
        operations.record(
            session, actor, "payment_review.opened", "customer", known.customer_id,
            operator_path=known.operator_path,
            after={"review_id": str(opened), "cause": cause, "amount": str(amount),
                   "currency": known.currency, "payment_id": str(known.payment_id)},
        )  # fmt: skip


def _decide(session: Session, gateway: Gateway, review: Any, state: str, reason: str) -> None:
    claims.decide(session, review.id, state, gateway.name, reason)
    operations.record(
        session, Actor(name=gateway.name), f"payment_review.{state}", "customer",
        review.customer_id, operator_path=review.operator_path, reason=reason,
        before={"review_id": str(review.id), "cause": review.cause}, after={"state": state},
    )  # fmt: skip


def approve(session: Session, review: Any, reason: str, actor: Actor) -> None:
    """A person says that the money of a review is gone: book it. Raises Refused."""
    if review.payment_id is None:
        raise domain.Refused("refused", "nothing of this payment is in the books any more")
    known = claims.of_payment(session, review.payment_id)
    if known is None:
        raise LookupError(review.id)
    _give_back(session, known, review.transaction, review.amount, reason, actor)


def told_by_file(
    session: Session, gateway: str, transaction: str, day: str, amount: Decimal, branch: str,
    actor: Actor,
) -> None:  # fmt: skip
    """A settlement file shows money going out: ask the gateway now, and a person where it can't say.

    Nothing outside the importer's `branch` is touched.
    """
    known = claims.claimed(session, gateway, [transaction])
    if known is None or known.payment_id is None or not known.operator_path.startswith(branch):
        return
    returns.look_now(session, gateway, known.transaction)
    if gateway in SILENT and returns.refunded(session, known.payment_id) < amount:
        ask(
            session, gateway, known, f"{transaction} out {day}", amount, "refunded_elsewhere", actor
        )


# Of refunds begun at their own pages these tell by no call and no webhook.
SILENT = frozenset({"nagad", "sslcommerz"})
RETURNS: frozenset[str] = frozenset({"disputed", "refunded_elsewhere"})
