"""Every event that crosses a boundary, and who hears it: a module for each service that says some.

An event carries the whole of what its subscribers keep about the subject, not a difference: so a
newer event makes every older one superfluous, and lost order, doubles and replays are all one case.
"""

from __future__ import annotations

from shared.events.event import (
    Event as Event,
)
from shared.events.event import (
    Wire as Wire,
)
from shared.events.event import (
    payload as payload,
)
from shared.events.of_customers import (
    ApiKeyChanged as ApiKeyChanged,
)
from shared.events.of_customers import (
    CustomerActivated as CustomerActivated,
)
from shared.events.of_customers import (
    CustomerCreated as CustomerCreated,
)
from shared.events.of_customers import (
    CustomerDeleted as CustomerDeleted,
)
from shared.events.of_customers import (
    CustomerErased as CustomerErased,
)
from shared.events.of_customers import (
    CustomerErasing as CustomerErasing,
)
from shared.events.of_customers import (
    CustomerEvent as CustomerEvent,
)
from shared.events.of_customers import (
    CustomerRestored as CustomerRestored,
)
from shared.events.of_customers import (
    CustomerStatusChanged as CustomerStatusChanged,
)
from shared.events.of_customers import (
    CustomerUpdated as CustomerUpdated,
)
from shared.events.of_customers import (
    ErasureReceipt as ErasureReceipt,
)
from shared.events.of_customers import (
    OperatorChanged as OperatorChanged,
)
from shared.events.of_customers import (
    PackageChanged as PackageChanged,
)
from shared.events.of_payments import (
    AccountChanged as AccountChanged,
)
from shared.events.of_payments import (
    AccountProved as AccountProved,
)
from shared.events.of_payments import (
    AccountSettled as AccountSettled,
)
from shared.events.of_payments import (
    BillAnnounced as BillAnnounced,
)
from shared.events.of_payments import (
    BillIssued as BillIssued,
)
from shared.events.of_payments import (
    BillOverdue as BillOverdue,
)
from shared.events.of_payments import (
    BillPaid as BillPaid,
)
from shared.events.of_payments import (
    BillReminder as BillReminder,
)
from shared.events.of_payments import (
    CalendarChanged as CalendarChanged,
)
from shared.events.of_payments import (
    PackageCharged as PackageCharged,
)
from shared.events.of_payments import (
    PaymentRecorded as PaymentRecorded,
)
from shared.events.of_payments import (
    PaymentRefunded as PaymentRefunded,
)
from shared.events.of_payments import (
    PaymentRefundFailed as PaymentRefundFailed,
)
from shared.events.of_payments import (
    PaymentVoided as PaymentVoided,
)
from shared.events.of_radius_sync import (
    AccessChanged as AccessChanged,
)
from shared.events.of_radius_sync import (
    SessionDisconnected as SessionDisconnected,
)
from shared.facts import CustomerFacts as CustomerFacts
from shared.facts import HoldKind as HoldKind
from shared.facts import Standing as Standing


def _all(base: type[Event]) -> dict[str, type[Event]]:
    found = {base.type: base} if hasattr(base, "type") else {}
    for kind in base.__subclasses__():
        found |= _all(kind)
    return found


TYPES: dict[str, type[Event]] = _all(Event)


def sources(service: str) -> list[str]:
    """Whose feeds a service walks."""
    return sorted({s for kind in TYPES.values() if service in kind.heard_by for s in kind.said_by})
