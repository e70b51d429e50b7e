"""Payments that people send: checked one by one, recorded together (E28-E33)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from payments import cash, collection, domain
from payments.collection import Books, Recorded
from payments.domain import Erased, PaymentDraft, PossibleDuplicate, Refused, UnknownCustomer
from payments.persistence import counter
from payments.persistence.counter import Cashier, Suspects
from payments.settings import PaymentsSettings
from shared.operations import Actor

Objection = UnknownCustomer | Erased | Refused


@dataclass(frozen=True)
class Counter:
    """Where somebody takes money: the payers' books, who takes it, and what was taken already."""

    books: Books
    cashier: Cashier
    suspects: Mapping[int, Suspects]


def open_counter(
    session: Session,
    wanted: Sequence[Mapping[str, Any]],
    operator_id: UUID | None,
    username: str,
    settings: PaymentsSettings,
) -> Counter:
    """For payments with `customer_id`, `amount`, `method` and `reference`, in the order of their drafts."""
    rows = counter.opened(
        session, sorted({one["customer_id"] for one in wanted}), operator_id=operator_id,
        drafts=[{"place": place, **one} for place, one in enumerate(wanted)],
        within=timedelta(minutes=settings.duplicate_minutes),
    )  # fmt: skip
    # The login while the operator's name is on its way.
    cashier = Cashier(rows[0].now, str(rows[0].cashier or username), rows[0].limited)
    return Counter(Books.of(rows), cashier, counter.suspected(rows))


def record_each(
    session: Session,
    drafts: Sequence[PaymentDraft],
    at: Counter,
    settings: PaymentsSettings,
    actor: Actor,
) -> list[Recorded | Objection]:
    """Record those that nothing stands against; each one, or what stands against it.

    What looks like a payment recorded already, or like an earlier one of `drafts`, is a
    PossibleDuplicate, unless the draft overrides it with a reason.
    """
    objections: dict[int, Objection] = {}
    for place, draft in enumerate(drafts):
        try:
            at.books.check(draft)
        except (UnknownCustomer, Erased, Refused) as error:
            objections[place] = error
    _object(objections, _duplicates(session, drafts, objections, at.suspects, settings))
    if at.cashier.limited:
        _object(objections, cash.over_limit(session, drafts, objections))
    good = [draft for place, draft in enumerate(drafts) if place not in objections]
    done = iter(collection.write(session, good, at.books, settings, actor) if good else ())
    return [
        objections[place] if place in objections else next(done) for place in range(len(drafts))
    ]


def _object(known: dict[int, Objection], more: dict[int, Refused]) -> None:
    for place, objection in more.items():
        known.setdefault(place, objection)


def _duplicates(
    session: Session,
    drafts: Sequence[PaymentDraft],
    out: dict[int, Objection],
    suspects: Mapping[int, Suspects],
    settings: PaymentsSettings,
) -> dict[int, Refused]:
    """The accounts are locked, so that two cashiers at the same moment see one another."""
    asked = [place for place in range(len(drafts)) if place not in out]
    if not asked:
        return {}
    twins = collection.erased_twins(session, drafts, settings.digest_key)
    found: dict[int, Refused] = {place: collection.known_transaction() for place in twins}
    earlier: set[object] = set()
    for place in asked:
        draft, likely = drafts[place], suspects.get(place, Suspects())
        fault = _suspicion(draft, likely, earlier, settings.duplicate_minutes)
        if fault is None:
            earlier |= {_money(draft), _name(draft)} - {None}
        else:
            found.setdefault(place, fault)
    return found


def _money(draft: PaymentDraft) -> object:
    return draft.customer_id, draft.amount


def _name(draft: PaymentDraft) -> object:
    """A gateway tells upper from lower case, a cashier does not; None without a reference."""
    reference = draft.transaction_reference
    if reference is None:
        return None
    return draft.method, reference if draft.method in domain.ONLINE else reference.lower()


def _suspicion(
    draft: PaymentDraft, likely: Suspects, earlier: set[object], minutes: int
) -> Refused | None:
    """Why this may be the same money as another payment; `earlier` are those sent before it."""
    online = draft.method in domain.ONLINE
    if online and (likely.taken or _name(draft) in earlier):
        return collection.known_transaction()
    if draft.override is not None:
        return None
    if likely.recent or _money(draft) in earlier:
        return PossibleDuplicate(
            f"the same amount of this customer was recorded within {minutes}"
            " minutes; send override_duplicate with a reason if this is other money",
            likely.recent,
        )
    if not online and (likely.named or _name(draft) in earlier):
        return PossibleDuplicate(
            "a payment with this reference was recorded already;"
            " send override_duplicate with a reason if this is other money",
            likely.named,
        )
    return None
