"""Erasure of a person from the books, with a receipt, in one transaction (decision 1, A32-A37).

`pseudonymise`: the money stays, without a person, until the retention policy ends that too, if it does.
`everything`: the money goes too, and the sums that went are certified in `erased_money`.
"""

from __future__ import annotations

import hashlib
import hmac
from collections import Counter
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from payments import leftovers
from payments.domain import erased_reference
from payments.exporting import RESOURCES
from payments.persistence import (
    accounts,
    erasing,
    gateway_erasing,
    methods,
    statement_lines,
)
from payments.persistence.erasing import MONEY, PERSONAL, Taken
from payments.settings import PaymentsSettings
from shared import exporting, operations
from shared.events import CustomerBillingErased, ErasureReceipt, Wire
from shared.leftovers import remember
from shared.operations import SYSTEM
from shared.outbox import publish
from shared.tombstones import Erasing, as_event


def of_the_file(settings: PaymentsSettings) -> Erasing:
    """What this service does with the tombstones of the file (F36)."""
    return Erasing(
        unclaimed=erasing.UNCLAIMED,
        claim=lambda session, found: erase(session, [as_event(one) for one in found], settings),
    )


def erase(session: Session, events: Sequence[Wire], settings: PaymentsSettings) -> None:
    """Take CustomerErasing: remove, put a tombstone, answer with a receipt. Repeating it does nothing."""
    key = settings.digest_key
    wanted = {UUID(event["subject"]): event for event in events}
    # First, while it is known whose names to look for.
    known = leftovers.known(session, wanted)
    described = statement_lines.forget(session, sorted(wanted))
    buried = erasing.bury(session, list(wanted.values()))
    new = {subject: event for subject, event in wanted.items() if subject in buried}
    if not new:
        return
    remember(session, [one for one in known if one.customer_id in new], settings.secret_key)
    # Facts before accounts, as everywhere; a payment under way ends first and is then found.
    accounts.lock(session, sorted(new))
    taken: Taken = [("customer_fact", subject, str(subject)) for subject in new]
    taken += [row for row in described if row[1] in new]
    for table, statement in PERSONAL:
        taken += erasing.run(session, table, statement, sorted(new))
    taken += _pseudonymise(session, sorted(new), key)
    taken += statement_lines.pseudonymise(session, sorted(new))
    taken += methods.erase(session, sorted(new))
    taken += gateway_erasing.remove_deliveries(session, sorted(new))
    taken += gateway_erasing.pseudonymise(
        session, sorted(new), lambda reference: erased_reference(reference, key)
    )
    whole = sorted(s for s, event in new.items() if event["data"]["mode"] == "everything")
    if whole:
        taken += _remove_money(session, whole, new)
    exporting.forget(
        session, settings, RESOURCES, branches=sorted({e["operatorpath"] for e in new.values()})
    )
    _answer(session, new, taken, key, ErasureReceipt)


def _pseudonymise(session: Session, ids: Sequence[UUID], key: bytes) -> Taken:
    rows = erasing.references(session, ids)
    erasing.replace_references(
        session,
        [(r.id, _digest(r.transaction_reference, key)) for r in rows],
    )
    return [("payment", row.customer_id, str(row.id)) for row in rows]


def _digest(reference: str | None, key: bytes) -> str | None:
    return None if reference is None else erased_reference(reference, key)


def _remove_money(session: Session, whole: Sequence[UUID], events: dict[UUID, Wire]) -> Taken:
    taken: Taken = []
    for customer in whole:
        event = events[customer]
        entries, transactions = erasing.erase_ledger(
            session, event["data"]["erasure_id"], customer, event["operatorpath"]
        )
        taken += [("ledger_entry", customer, f"entry {n}") for n in range(entries)]
        taken += [("ledger_transaction", customer, f"transaction {n}") for n in range(transactions)]
    for table, statement in MONEY:
        taken += erasing.run(session, table, statement, whole)
    gateway_erasing.remove(session, whole)
    return taken


def remove_billing(session: Session, events: Sequence[Wire], settings: PaymentsSettings) -> None:
    """Take CustomerBillingErasing: the money of nobody goes as well (A40, A41), with a receipt. Repeating
    it does nothing."""
    # A database restored from before the erasure hears of both.
    person = [{**event, "data": {**event["data"], "mode": "pseudonymise"}} for event in events]
    erase(session, person, settings)
    wanted = {UUID(event["subject"]): event for event in events}
    answered = erasing.billing_answered(session, list(wanted))
    new = {subject: event for subject, event in wanted.items() if subject not in answered}
    if new:
        accounts.lock(session, sorted(new))
        taken = _remove_money(session, sorted(new), new)
        _answer(session, new, taken, settings.digest_key, CustomerBillingErased)


def _answer(
    session: Session, events: dict[UUID, Wire], taken: Taken, key: bytes,
    kind: type[ErasureReceipt | CustomerBillingErased],
) -> None:  # fmt: skip
    secret = hmac.digest(key, b"erasure receipt", "sha256")
    whole = kind is ErasureReceipt
    rows: dict[UUID, set[tuple[str, str]]] = {subject: set() for subject in events}
    for table, subject, row_key in taken:
        rows[subject].add((table, row_key))
    for subject, event in events.items():
        ids = "\n".join(f"{table} {row_key}" for table, row_key in sorted(rows[subject]))
        counts = dict(sorted(Counter(table for table, _ in rows[subject]).items()))
        digest = hmac.new(secret, ids.encode(), hashlib.sha256).hexdigest()
        operations.record(
            session, SYSTEM, "customer.erased" if whole else "customer.billing_erased", "customer",
            subject, operator_path=event["operatorpath"], personal=False,
            after={"erasure_id": event["data"]["erasure_id"], "rows": counts, "digest": digest},
        )  # fmt: skip
        told: dict[str, Any] = (
            {"service": "payments", "mode": event["data"]["mode"]} if whole else {}
        )
        publish(
            session,
            kind(
                subject=subject, sequence=1, operator_path=event["operatorpath"],
                erasure_id=UUID(event["data"]["erasure_id"]), rows=counts, digest=digest, **told,
            ),
        )  # fmt: skip
