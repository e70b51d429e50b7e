"""What payments hears: customers and their activations, packages, operators, API keys, erasure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from payments import billing, charging, dunning, erasure, voiding
from payments.persistence import debits, facts, proformas, proofs
from payments.persistence.bills import Period
from payments.settings import current
from shared import leftovers, operators
from shared.events import (
    ApiKeyChanged,
    CustomerActivated,
    CustomerBillingErasing,
    CustomerCreated,
    CustomerDeleted,
    CustomerErasing,
    CustomerRestored,
    CustomerStatusChanged,
    CustomerUpdated,
    ErasureSearching,
    OperatorChanged,
    PackageChanged,
    Wire,
)
from shared.inbox import Subscriptions

SUBSCRIPTIONS = Subscriptions("payments")
SUBSCRIPTIONS.hears(OperatorChanged)(operators.keep_operators)
SUBSCRIPTIONS.hears(ApiKeyChanged)(operators.keep_api_keys)


@SUBSCRIPTIONS.hears(
    CustomerCreated,
    CustomerUpdated,
    CustomerStatusChanged,
    CustomerActivated,
    CustomerDeleted,
    CustomerRestored,
)
def keep_customers(session: Session, events: Sequence[Wire]) -> None:
    """Keep the facts, and bill what was activated."""
    customers = sorted({UUID(event["subject"]) for event in events})
    facts.lock(session, customers)
    limits = facts.retry_limits(session, customers)
    facts.keep_customers(session, customers, events)
    dunning.follow_limits(session, limits)
    debits.allowed(session, customers)
    proformas.withdraw(session, customers)
    # Before the proof of a deletion: what it says of the books is how they stay.
    voiding.leave(session, customers)
    proofs.tell(session, events)
    _bill(
        session, facts.waiting_of_customers(session, customers), facts.upcoming(session, customers)
    )


@SUBSCRIPTIONS.hears(PackageChanged)
def keep_packages(session: Session, events: Sequence[Wire]) -> None:
    """Keep the packages, tell what they charge, and bill activations that came before theirs."""
    packages = facts.keep_packages(session, events)
    charging.tell(session, current(), packages)
    _bill(session, facts.waiting_of_packages(session, packages))


def _bill(session: Session, waiting: Sequence[Any], upcoming: Sequence[Period] = ()) -> None:
    """Bill the activations that wait; first goes what was billed for another package."""
    voiding.supersede(session, [*upcoming, *map(billing.period_of, waiting)])
    if waiting:
        billing.bill_activations(session, waiting, current())


@SUBSCRIPTIONS.hears(CustomerErasing)
def erase_customers(session: Session, events: Sequence[Wire]) -> None:
    """Remove the person, or the person and the money, and answer with a receipt."""
    erasure.erase(session, events, current())


@SUBSCRIPTIONS.hears(CustomerBillingErasing)
def erase_billing(session: Session, events: Sequence[Wire]) -> None:
    """Remove the money that a pseudonymised customer left, too, and answer with a receipt."""
    erasure.remove_billing(session, events, current())


@SUBSCRIPTIONS.hears(ErasureSearching)
def search_leftovers(session: Session, events: Sequence[Wire]) -> None:
    """Look in the whole database for what may be left of the erased; a timer does it."""
    leftovers.ask(session, events)
