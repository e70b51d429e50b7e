"""What a period of each package is billed at, told to customers, who renew where the funds cover it."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.orm import Session

from payments.domain import Item
from payments.money import exact
from payments.persistence import facts
from payments.settings import PaymentsSettings
from payments.taxing import taxed
from shared.events import PackageCharged
from shared.operations import SYSTEM
from shared.outbox import publish


def tell(
    session: Session, settings: PaymentsSettings, packages: Sequence[UUID] | None = None
) -> int:
    """Tell of those of `packages`, or of all, that are billed otherwise than told; how many.

    Until one is told of, it is billed at its price.
    """
    charges = {
        row.id: taxed(Item(description="", amount=row.price), settings.tax, row.currency).amount
        for row in facts.lock_packages(session, packages)
    }
    told = [
        PackageCharged(
            subject=row.id,
            sequence=row.charge_version,
            operator_path=row.operator_path,
            price=exact(row.price, row.currency),
            total=exact(row.charge, row.currency),
            currency=row.currency,
        )
        for row in facts.keep_charges(session, charges)
    ]
    publish(session, *told, actor=SYSTEM.name)
    return len(told)
