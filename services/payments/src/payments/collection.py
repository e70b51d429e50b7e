"""Money received: recorded once, matched to the oldest bills, told to everybody (E1, E28-E33)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7

from payments import domain
from payments.domain import Erased, PaymentDraft, PossibleDuplicate, Refused, UnknownCustomer
from payments.money import positive
from payments.persistence import accounts, facts, ledger, numbering, payments
from payments.persistence.ledger import Entry, Posting
from payments.publishing import close, payment_event
from payments.settings import PaymentsSettings
from shared import operations
from shared.events import Event, PaymentRecorded
from shared.operations import Actor


def record(
    session: Session,
    drafts: Sequence[PaymentDraft],
    settings: PaymentsSettings,
    actor: Actor,
    *,
    override: str | None = None,
) -> list[UUID]:
    """Record payments, all or none; their ids.

    A deleted customer's money is taken like any other's. `override` is the reason why what looks
    like a duplicate is none; it goes to the log.
    Raises UnknownCustomer, Erased, and Refused: wrong currency, future date, a gateway's
    transaction that is recorded already.
    """
    locked = accounts.lock(session, sorted({draft.customer_id for draft in drafts}))
    known = facts.customers(session, sorted({draft.customer_id for draft in drafts}))
    for draft in drafts:
        _check(draft, locked, known)
    _refuse_erased_twins(session, drafts, settings.digest_key)
    rows = _rows(session, drafts, known, settings)
    try:
        with session.begin_nested():
            payments.insert(session, rows)
    except IntegrityError as error:
        raise _transaction_known(error) from error
    ledger.post(session, [_posting(row) for row in rows], actor.id)
    _log(session, actor, rows, override)
    events: list[Event] = [payment_event(PaymentRecorded, _Row(row)) for row in rows]
    close(session, actor, locked, events, drafts[0].recorded_at, by_payment=True)
    return [row["id"] for row in rows]


class _Row:
    """A row that is about to be, read like one that is."""

    def __init__(self, values: dict[str, Any]) -> None:
        self.__dict__.update(values)


def _check(draft: PaymentDraft, locked: dict[UUID, Any], known: dict[UUID, Any]) -> None:
    account, fact = locked.get(draft.customer_id), known.get(draft.customer_id)
    if fact is None:
        raise UnknownCustomer(draft.customer_id)
    if account is None or fact.erased_at is not None:
        raise Erased(draft.customer_id)
    if draft.currency != account.currency:
        raise Refused("currency", f"this customer's account is in {account.currency}")
    if not positive(draft.amount, draft.currency):
        raise Refused("amount", "send more than zero, in whole minor units")
    domain.check_paid_at(draft.paid_at, draft.recorded_at)


def _refuse_erased_twins(session: Session, drafts: Sequence[PaymentDraft], key: bytes) -> None:
    """A gateway's transaction of an erased customer is money once, too: its digest is still there."""
    digests = [
        domain.erased_reference(draft.transaction_reference, key)
        for draft in drafts
        if draft.method in domain.ONLINE and draft.transaction_reference is not None
    ]
    if digests and payments.with_digests(session, digests):
        raise _known()


def _known() -> Refused:
    return Refused(
        "duplicate_transaction",
        "this transaction of the gateway is recorded already: it is money once",
    )


def _rows(
    session: Session,
    drafts: Sequence[PaymentDraft],
    known: dict[UUID, Any],
    settings: PaymentsSettings,
) -> list[dict[str, Any]]:
    numbers = numbering.take(
        session, "receipt", settings.receipt_pattern,
        [(draft.receipt_owner, draft.recorded_at.year) for draft in drafts],
    )  # fmt: skip
    return [
        {
            "id": draft.id or uuid7(),
            "customer_id": draft.customer_id,
            "operator_path": known[draft.customer_id].operator_path,
            "amount": draft.amount,
            "currency": draft.currency,
            "method": draft.method,
            "gateway": draft.gateway,
            "transaction_reference": draft.transaction_reference,
            "note": draft.note,
            "recorded_at": draft.recorded_at,
            "paid_at": draft.paid_at,
            "settled_at": draft.settled_at,
            "operator_id": draft.operator_id,
            "operator_name": draft.operator_name,
            "receipt_number": number,
        }
        for draft, number in zip(drafts, numbers, strict=True)
    ]


def _transaction_known(error: IntegrityError) -> Exception:
    name = getattr(getattr(error.orig, "diag", None), "constraint_name", None)
    if name in ("payment_gateway_reference", "payment_online_reference"):
        return _known()
    return error


def _posting(row: dict[str, Any]) -> Posting:
    amount = row["amount"]
    return Posting(
        kind="payment",
        customer_id=row["customer_id"],
        payment_id=row["id"],
        currency=row["currency"],
        effective_at=row["paid_at"],
        entries=(
            Entry("cash", amount, row["operator_id"], row["method"]),
            Entry("credit", -amount),
        ),
    )


def _log(
    session: Session, actor: Actor, rows: Sequence[dict[str, Any]], override: str | None
) -> None:
    operations.record_many(
        session, actor, "payment.recorded", "customer",
        "SELECT p.customer_id AS subject, p.operator_path, CAST(NULL AS jsonb) AS before,"
        " jsonb_build_object('payment_id', p.id, 'receipt_number', p.receipt_number,"
        " 'amount', p.amount::text, 'currency', p.currency, 'method', p.method,"
        " 'transaction_reference', p.transaction_reference, 'note', p.note) AS after,"
        " CAST(:override AS text) AS reason FROM payment p WHERE p.id = ANY(:payments)",
        {"payments": [row["id"] for row in rows], "override": override},
    )  # fmt: skip


def warn_of_duplicate(session: Session, draft: PaymentDraft, settings: PaymentsSettings) -> None:
    """Raises PossibleDuplicate when the same money may have been recorded already, else as `record`.

    The account is locked first, so that two cashiers at the same moment see one another.
    """
    locked = accounts.lock(session, [draft.customer_id])
    _check(draft, locked, facts.customers(session, [draft.customer_id]))
    since = draft.recorded_at - timedelta(minutes=settings.duplicate_minutes)
    alike = payments.recent_like(session, draft.customer_id, draft.amount, since)
    if alike:
        raise PossibleDuplicate(
            f"the same amount of this customer was recorded within {settings.duplicate_minutes}"
            " minutes; send override_duplicate with a reason if this is other money",
            alike,
        )
    if draft.transaction_reference is None or draft.method in domain.ONLINE:
        return
    named = payments.with_reference(session, draft.method, draft.transaction_reference)
    if named:
        raise PossibleDuplicate(
            "a payment with this reference was recorded already;"
            " send override_duplicate with a reason if this is other money",
            named,
        )
