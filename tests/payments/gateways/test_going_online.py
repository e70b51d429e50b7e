"""Payment to internet is measured by radius-sync's own events, and costs nothing while nobody waits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from payments import billing, going_online
from tests.payments.gateways.till import Till
from tests.payments.stage import Stage
from tests.support.gateways.server import FakeGateway, Request, Response
from tests.support.gateways.stripe import FakeStripe


@dataclass
class Feed(FakeGateway):
    """radius-sync's feed of access.changed."""

    events: list[dict[str, Any]] = field(default_factory=list)

    def answer(self, request: Request) -> Response:
        assert request.headers["authorization"].startswith("Bearer ")
        assert request.query["type"] == "access.changed"
        start = int(request.query["after"].partition(".")[0])
        return Response({"items": self.events[start:], "next_cursor": f"{len(self.events)}.0"})

    def tell(self, customer: UUID, access: str, at: datetime) -> None:
        self.events.append({
            "type": "access.changed", "subject": str(customer), "time": at.isoformat(),
            "data": {"access": access},
        })  # fmt: skip


@pytest.fixture
def feed() -> Iterator[Feed]:
    made = Feed()
    yield made
    made.stop()


def report(stage: Stage) -> Any:
    found: Any = stage.get("/v1/reports/payment-to-internet").json
    return found["items"]


def test_c10_the_time_from_the_gateways_word_to_open_access_is_reported(
    till: Till, stage: Stage, stripe: FakeStripe, feed: Feed
) -> None:
    settings = replace(till.settings, urls={**till.settings.urls, "radius-sync": feed.url})
    debtor, other = stage.customer("Karim"), stage.customer("Rahim")
    stage.bill(debtor, "500.00", due_at=(datetime.now(UTC) - timedelta(days=30)).isoformat())
    with till.database.transaction() as session:
        billing.mark_overdue(session, settings)
    feed.tell(debtor, "open", datetime.now(UTC) - timedelta(days=40))
    feed.tell(debtor, "walled", datetime.now(UTC))
    assert going_online.note(till.database, settings) == 0
    assert feed.asked == [], "nobody is awaited, so nobody is asked"

    for customer in (debtor, other):
        session_ = stripe.pay(till.intent(customer, "stripe")["redirect_url"])
        till.deliver("stripe", stripe.delivery("checkout.session.completed", session_))
    till.work()
    waiting = report(stage)
    assert (waiting[0]["payments"], waiting[0]["settled"], waiting[0]["online"]) == (2, 1, 0)
    assert waiting[0]["to_internet"] is None
    feed.broken = {"/v1/events"}
    assert going_online.note(till.database, settings) == 0
    feed.broken = set()
    feed.tell(debtor, "open", datetime.now(UTC) + timedelta(seconds=3))
    assert going_online.note(till.database, settings) == 3

    everything, by_stripe = report(stage)
    assert (everything["gateway"], by_stripe["gateway"]) == (None, "stripe")
    assert (everything["settled"], everything["online"]) == (1, 1)
    assert 3 <= everything["to_internet"]["p50"] < 60
    assert 0 <= everything["to_books"]["p50"] <= everything["to_books"]["p99"] < 60
    asked = len(feed.asked)
    assert going_online.note(till.database, settings) == 0
    assert len(feed.asked) == asked
