"""Every event that crosses a boundary, and who hears it: a module for each service that says some.

An event carries the whole of what its subscribers keep about the subject, not a difference: so a
newer event makes every older one superfluous, and lost order, doubles and replays are all one case.
"""

from __future__ import annotations

from shared.events.event import (
    Event,
    Wire,
    payload,
)
from shared.events.of_customers import (
    ApiKeyChanged,
    CustomerActivated,
    CustomerBillingErasing,
    CustomerCreated,
    CustomerDeleted,
    CustomerErased,
    CustomerErasing,
    CustomerEvent,
    CustomerRestored,
    CustomerSessionsErasing,
    CustomerStatusChanged,
    CustomerUpdated,
    ErasureReceipt,
    ErasureSearched,
    ErasureSearching,
    Leftover,
    OperatorChanged,
    PackageChanged,
)
from shared.events.of_payments import (
    AccountChanged,
    AccountProved,
    AccountSettled,
    BillAnnounced,
    BillIssued,
    BillOverdue,
    BillPaid,
    BillReminder,
    CalendarChanged,
    CustomerBillingErased,
    PackageCharged,
    PaymentRecorded,
    PaymentRefunded,
    PaymentRefundFailed,
    PaymentVoided,
)
from shared.events.of_radius_sync import (
    AccessChanged,
    CustomerSessionsErased,
    SessionDisconnected,
)
from shared.facts import (
    CustomerFacts,
    HoldKind,
    Standing,
)

__all__ = [  # noqa: RUF022 - by who says it
    "Event", "Wire", "payload",
    "ApiKeyChanged", "CustomerActivated", "CustomerBillingErasing", "CustomerCreated",
    "CustomerDeleted", "CustomerErased", "CustomerErasing", "CustomerEvent", "CustomerRestored",
    "CustomerSessionsErasing", "CustomerStatusChanged", "CustomerUpdated", "ErasureReceipt",
    "ErasureSearched", "ErasureSearching", "OperatorChanged", "PackageChanged",
    "AccountChanged", "AccountProved", "AccountSettled", "BillAnnounced", "BillIssued",
    "BillOverdue", "BillPaid", "BillReminder", "CalendarChanged", "CustomerBillingErased",
    "PackageCharged",
    "PaymentRecorded", "PaymentRefundFailed", "PaymentRefunded", "PaymentVoided",
    "AccessChanged", "CustomerSessionsErased", "SessionDisconnected",
    "CustomerFacts", "HoldKind", "Leftover", "Standing",
    "TYPES", "sources",
]  # fmt: skip


def _all(base: type[Event]) -> dict[str, type[Event]]:
    found = {base.type: base} if hasattr(base, "type") else {}
    for kind in base.__subclasses__():
        found |= _all(kind)
    return found


TYPES: dict[str, type[Event]] = _all(Event)


def sources(service: str) -> list[str]:
    """Whose feeds a service walks."""
    return sorted({s for kind in TYPES.values() if service in kind.heard_by for s in kind.said_by})
