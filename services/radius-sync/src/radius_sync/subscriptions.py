"""EVENTS in: facts are kept, then access is provisioned, in one transaction."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.orm import Session

from radius_sync import erasure, facts, provisioning, session_erasure, sweeping
from radius_sync.settings import current
from shared import leftovers, operators
from shared.events import (
    AccountChanged,
    AccountSettled,
    ApiKeyChanged,
    CustomerActivated,
    CustomerCreated,
    CustomerDeleted,
    CustomerErasing,
    CustomerRestored,
    CustomerSessionsErasing,
    CustomerStatusChanged,
    CustomerUpdated,
    ErasureSearching,
    OperatorChanged,
    PackageChanged,
    Wire,
)
from shared.inbox import Subscriptions

SUBSCRIPTIONS = Subscriptions("radius-sync")


@SUBSCRIPTIONS.hears(
    CustomerCreated,
    CustomerUpdated,
    CustomerStatusChanged,
    CustomerActivated,
    CustomerDeleted,
    CustomerRestored,
)
def keep_customers(session: Session, events: Sequence[Wire]) -> None:
    provisioning.provision(session, facts.keep_customers(session, events))


@SUBSCRIPTIONS.hears(AccountChanged, AccountSettled)
def keep_accounts(session: Session, events: Sequence[Wire]) -> None:
    provisioning.provision(session, facts.keep_accounts(session, events))


@SUBSCRIPTIONS.hears(PackageChanged)
def keep_packages(session: Session, events: Sequence[Wire]) -> None:
    """Customers of a package follow in chunks: there may be hundreds of thousands."""
    if changed := facts.keep_packages(session, events):
        sweeping.sweep_packages(session, changed)


@SUBSCRIPTIONS.hears(OperatorChanged)
def keep_operators(session: Session, events: Sequence[Wire]) -> None:
    """An operator's holds reach the customers below in chunks."""
    before = facts.operator_holds(session, events)
    operators.keep_operators(session, events)
    after = facts.operator_holds(session, events)
    sweeping.sweep_operators(session, sorted({path for path, _ in before ^ after}))


@SUBSCRIPTIONS.hears(ApiKeyChanged)
def keep_api_keys(session: Session, events: Sequence[Wire]) -> None:
    operators.keep_api_keys(session, events)


@SUBSCRIPTIONS.hears(CustomerErasing)
def erase_customers(session: Session, events: Sequence[Wire]) -> None:
    erasure.erase(session, events, current().secret_key)


@SUBSCRIPTIONS.hears(ErasureSearching)
def search_leftovers(session: Session, events: Sequence[Wire]) -> None:
    """Look in the whole database for what may be left of the erased; a timer does it."""
    leftovers.ask(session, events)


@SUBSCRIPTIONS.hears(CustomerSessionsErasing)
def erase_sessions(session: Session, events: Sequence[Wire]) -> None:
    session_erasure.take(session, events)
