"""Money received: recorded once, matched to the oldest bills, told to everybody (E1, E28-E33)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7

from payments import domain
from payments.domain import Erased, PaymentDraft, Refused, UnknownCustomer
from payments.money import positive
from payments.persistence import counter, numbering, payments
from payments.publishing import close, payment_event
from payments.settings import PaymentsSettings
from shared import operations
from shared.events import Event, PaymentRecorded
from shared.operations import Actor


@dataclass(frozen=True)
class Books:
    """What is known of some customers; their accounts are locked until commit."""

    locked: Mapping[UUID, Any]
    known: Mapping[UUID, Any]

    @classmethod
    def of(cls, rows: Iterable[Any]) -> Books:
        known = {row.id: row for row in rows if row.id is not None}
        return cls({id: row for id, row in known.items() if row.account is not None}, known)

    def check(self, draft: PaymentDraft) -> None:
        """Raises UnknownCustomer, Erased, and Refused: wrong currency, bad amount, future date."""
        account, fact = self.locked.get(draft.customer_id), self.known.get(draft.customer_id)
        if fact is None:
            raise UnknownCustomer(draft.customer_id)
        if account is None or fact.erased_at is not None:
            raise Erased(draft.customer_id)
        if draft.currency != account.currency:
            raise Refused("currency", f"this customer's account is in {account.currency}")
        if not positive(draft.amount, draft.currency):
            raise Refused("amount", "send more than zero, in whole minor units")
        domain.check_paid_at(draft.paid_at, draft.recorded_at)


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
    payers = sorted({draft.customer_id for draft in drafts})
    books = Books.of(counter.opened(session, payers))
    for draft in drafts:
        books.check(draft)
    if erased_twins(session, drafts, settings.digest_key):
        raise known_transaction()
    done = write(session, drafts, books, settings, actor, override=override)
    return [payment.id for payment in done]


def write(
    session: Session,
    drafts: Sequence[PaymentDraft],
    books: Books,
    settings: PaymentsSettings,
    actor: Actor,
    *,
    override: str | None = None,
) -> list[Recorded]:
    """Payments that were checked: write, match, log and tell. Raises Refused as `record` does."""
    rows = _rows(session, drafts, books.known, settings)
    touched = {draft.customer_id: books.locked[draft.customer_id] for draft in drafts}
    done = [Recorded(row, books.known[row["customer_id"]]) for row in rows]
    events: list[Event] = [payment_event(PaymentRecorded, payment) for payment in done]
    with _money_once(session, drafts):
        paid = close(
            session, actor, touched, events, drafts[0].recorded_at, by_payment=True, received=rows
        )
    _log(session, actor, rows, override)
    for bill in sorted(paid, key=lambda bill: (bill.due_at, bill.id)):
        for payment in done:
            payment.allocate(bill)
    return done


@contextmanager
def _money_once(session: Session, drafts: Sequence[PaymentDraft]) -> Iterator[None]:
    """A gateway's transaction that is in the books already is refused, and the transaction goes on."""
    if not any(draft.method in domain.ONLINE for draft in drafts):
        yield
        return
    try:
        with session.begin_nested():
            yield
    except IntegrityError as error:
        raise _transaction_known(error) from error


class Recorded:
    """A payment as it was just written, in the form in which `payments.detail` reads it."""

    def __init__(self, row: Mapping[str, Any], customer: Any) -> None:
        self.__dict__.update(row)
        self.id: UUID = row["id"]
        self.customer_name, self.username = customer.name, customer.username
        # As the database tells it, whatever zone it was sent in.
        self.paid_at: datetime = row["paid_at"].astimezone(UTC)
        self.status, self.version = "recorded", 1
        self.refunded, self.voided_at = Decimal(0), None
        self.allocations: list[dict[str, Any]] = []

    def allocate(self, bill: Any) -> None:
        """Note what this payment pays of a bill that the matching has touched."""
        amount = (bill.by or {}).get(str(self.id))
        if amount is not None:
            one = {"bill_id": bill.id, "bill_number": bill.number, "amount": amount}
            self.allocations.append(one)


def erased_twins(session: Session, drafts: Sequence[PaymentDraft], key: bytes) -> set[int]:
    """Places of gateways' transactions of erased customers: they are money once, too, and their
    digests are still there."""
    digests = {
        domain.erased_reference(draft.transaction_reference, key): place
        for place, draft in enumerate(drafts)
        if draft.method in domain.ONLINE and draft.transaction_reference is not None
    }
    if not digests:
        return set()
    return {digests[found] for found in payments.with_digests(session, list(digests))}


def known_transaction() -> Refused:
    return Refused(
        "duplicate_transaction",
        "this transaction of the gateway is recorded already: it is money once",
    )


def _rows(
    session: Session,
    drafts: Sequence[PaymentDraft],
    known: Mapping[UUID, Any],
    settings: PaymentsSettings,
) -> list[dict[str, Any]]:
    numbers = numbering.take(
        session, "receipt", settings.receipt_pattern,
        [(draft.receipt_owner, settings.year_of(draft.recorded_at)) for draft in drafts],
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
            "override": draft.override,
        }
        for draft, number in zip(drafts, numbers, strict=True)
    ]


def _transaction_known(error: IntegrityError) -> Exception:
    name = getattr(getattr(error.orig, "diag", None), "constraint_name", None)
    if name in ("payment_gateway_reference", "payment_online_reference"):
        return known_transaction()
    return error


def _log(
    session: Session, actor: Actor, rows: Sequence[dict[str, Any]], override: str | None
) -> None:
    given = [{**row, "override": row["override"] or override} for row in rows]
    operations.record_many(
        session, actor, "payment.recorded", "customer",
        "SELECT g.customer_id AS subject, g.operator_path, CAST(NULL AS jsonb) AS before,"
        " jsonb_build_object('payment_id', g.id, 'receipt_number', g.receipt_number,"
        " 'amount', g.amount::text, 'currency', g.currency, 'method', g.method,"
        " 'transaction_reference', g.transaction_reference, 'note', g.note) AS after,"
        " g.override AS reason FROM jsonb_to_recordset(CAST(:payments AS jsonb)) AS g(id uuid,"
        " customer_id uuid, operator_path text, receipt_number text, amount numeric(18, 4),"
        " currency text, method text, transaction_reference text, note text, override text)",
        {"payments": orjson.dumps(given, default=str).decode()},
    )  # fmt: skip
