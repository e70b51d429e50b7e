"""What customers hears of erasures: its own call to erase, and everybody's receipts."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.orm import Session

from customers import erasure_receipts, erasure_searches, replaying
from customers.subscriptions import SUBSCRIPTIONS
from shared.events import CustomerErasing, ErasureReceipt, ErasureSearched, Wire
from shared.inbox import ring_after_commit
from shared.outbox import decode

__all__ = ["SUBSCRIPTIONS"]
ADVANCE = "customers.advance_erasures"


@SUBSCRIPTIONS.hears(CustomerErasing)
def remove_own(session: Session, events: Sequence[Wire]) -> None:
    """Nothing is in the event that the rows do not say: a subject that is `erasing` without our
    receipt. The doorbell makes it quick, the worker's timer makes it certain."""
    ring_after_commit(session, ADVANCE)


@SUBSCRIPTIONS.hears(ErasureReceipt)
def keep_receipts(session: Session, events: Sequence[Wire]) -> None:
    """A receipt that is there already changes nothing; one that we know nothing of proves an erasure
    that a restored backup has forgotten."""
    told = [decode(event) for event in events]
    receipts = [one for one in told if isinstance(one, ErasureReceipt)]
    replaying.replay(session, receipts)
    erasure_receipts.keep(session, receipts)
    ring_after_commit(session, ADVANCE)


@SUBSCRIPTIONS.hears(ErasureSearched)
def keep_searches(session: Session, events: Sequence[Wire]) -> None:
    """What the other services' searches for leftovers found; the certificate waits for them."""
    erasure_searches.keep(session, events)
