"""Proforma bills: the next period's price, told before it begins, and no ledger entry until it is billed.

Who pays one has money on account, and that pays the bill which takes its place.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7

from payments import billing, domain
from payments.domain import BillDraft, Item, Refused
from payments.money import exact, positive
from payments.persistence import accounts, bills, facts, numbering, proformas
from payments.publishing import close
from payments.settings import PaymentsSettings
from payments.taxing import taxed
from shared import operations
from shared.database import Scope
from shared.events import BillAnnounced, Event
from shared.operations import SYSTEM, Actor

# One transaction of so many customers takes well below a second.
BATCH = 500


def announce(session: Session, settings: PaymentsSettings) -> int:
    """Announce the next periods of customers whose period ends soon; how many. Call again until 0."""
    due = proformas.take_due(session, settings.proforma_days, BATCH)
    if not due:
        return 0
    locked = accounts.lock(session, sorted(row.customer_id for row in due))
    proformas.replace(session, list(locked))
    at = bills.now(session)
    wanted = [row for row in due if row.customer_id in locked and _costs(row, locked)]
    if wanted:
        made = proformas.insert(session, _rows(session, wanted, settings, at))
        _log(session, "proforma.announced", [row.id for row in made])
        told: list[Event] = [_event(row) for row in made]
        news = {row.customer_id for row in made}
        close(session, SYSTEM, {k: v for k, v in locked.items() if k in news}, told, at)
    return len(due)


def _costs(row: Any, locked: dict[UUID, Any]) -> bool:
    """Whether the next period of this customer will be a bill, and is none yet."""
    account = locked[row.customer_id]
    in_whole_units = row.price > 0 and positive(row.price, row.currency)
    same_currency = account.currency == row.currency
    return in_whole_units and same_currency and row.validity_days > 0 and not row.billed


def _rows(
    session: Session, wanted: Sequence[Any], settings: PaymentsSettings, at: datetime
) -> list[dict[str, Any]]:
    numbers = numbering.take(
        session, "proforma", settings.proforma_pattern,
        [(row.operator_username or row.operator_name, settings.year_of(at)) for row in wanted],
    )  # fmt: skip
    return [
        {
            "id": uuid7(),
            "number": number,
            "customer_id": row.customer_id,
            "operator_path": row.operator_path,
            "currency": row.currency,
            "total": item.amount,
            "tax": item.tax,
            "tax_percent": item.tax_percent,
            "package_id": row.package_id,
            "description": row.name,
            "period_start": row.period_start,
            "period_end": row.period_end,
        }
        for row, number in zip(wanted, numbers, strict=True)
        for item in [
            taxed(Item(description=row.name, amount=row.price), settings.tax, row.currency)
        ]
    ]


def _event(row: Any) -> BillAnnounced:
    return BillAnnounced(
        subject=row.customer_id,
        sequence=0,
        operator_path=row.operator_path,
        bill_id=row.id,
        number=row.number,
        total=exact(row.total, row.currency),
        currency=row.currency,
        due_at=row.period_start,
        period_end=row.period_end,
    )


def issue(
    session: Session, scope: Scope, proforma_id: UUID, settings: PaymentsSettings, actor: Actor
) -> UUID:
    """Bill the announced period now; the bill's id. Raises LookupError, Refused, Erased."""
    seen = proformas.detail(session, scope, proforma_id)
    if seen is None:
        raise LookupError(proforma_id)
    accounts.lock(session, [seen.customer_id])
    row = proformas.locked(session, proforma_id)
    known = facts.customers(session, [row.customer_id])[row.customer_id]
    domain.check_issue_proforma(row.state, known.standing, known.holds)
    at = bills.now(session)
    draft = BillDraft(
        customer_id=row.customer_id,
        currency=row.currency,
        items=(
            Item(
                description=row.description,
                amount=row.total,
                package_id=row.package_id,
                tax=row.tax,
                tax_percent=row.tax_percent,
            ),
        ),
        issued_at=at,
        due_at=domain.due_at(known.balance_control, max(at, row.period_start), settings.due_days),
        period_start=row.period_start,
        period_end=row.period_end,
    )
    issued = billing.issue(session, [draft], settings, actor)
    if not issued:
        raise Refused("period_billed", "this customer has a bill for this period already")
    return issued[0]


def lapse(session: Session) -> int:
    """Those whose period went by without a bill; how many. Call again until 0."""
    gone = proformas.lapse(session, BATCH)
    if gone:
        _log(session, "proforma.lapsed", gone)
    return len(gone)


def _log(session: Session, action: str, ids: Sequence[UUID]) -> None:
    operations.record_many(
        session, SYSTEM, action, "customer",
        "SELECT p.customer_id AS subject, p.operator_path, CAST(NULL AS jsonb) AS before,"
        " jsonb_build_object('proforma_id', p.id, 'number', p.number, 'total', p.total::text,"
        " 'currency', p.currency, 'state', p.state) AS after, CAST(NULL AS text) AS reason"
        " FROM proforma p WHERE p.id = ANY(:ids)",
        {"ids": list(ids)},
    )  # fmt: skip
