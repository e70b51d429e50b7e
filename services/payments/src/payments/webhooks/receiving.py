"""Deliveries of gateways: kept as they came, verified, answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal
from uuid import UUID

from uuid_utils.compat import uuid7

from payments.gateways.interface import Delivery, Forged, Gateway, Unreachable, Unreadable
from payments.persistence import deliveries, intents
from shared.database import Database

# No gateway sends more (reliability 4, API4).
MOST_BODY = 256 * 1024
# Twice what a gateway's retries and a mistyped secret cause; more is somebody guessing. Above it
# forged requests are refused without being kept; genuine ones are never held up.
FORGED_A_MINUTE = 60
# Between two tries; about two days in all, after which an operator replays it.
BACKOFF = (
    *(timedelta(seconds=s) for s in (2, 10, 30)),
    *(timedelta(minutes=m) for m in (2, 10, 30)),
    *(timedelta(hours=h) for h in (1, 3, 6, 12, 24)),
)
# What headers may tell of a delivery; the others are the proxy's, or secrets.
KEPT_HEADERS = frozenset({
    "content-type", "user-agent", "stripe-signature", "x-amz-sns-message-type",
    "x-amz-sns-message-id", "x-amz-sns-topic-arn", "x-request-id",
})  # fmt: skip

Verdict = Literal["genuine", "forged", "unsigned", "unknown", "too_many"]


@dataclass(frozen=True, kw_only=True)
class Received:
    """`unknown`: kept, but it could not be verified yet."""

    verdict: Verdict
    delivery_id: UUID | None = None


def kept_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """In lower case, without NUL and other characters that PostgreSQL refuses."""
    return {
        name.lower(): value.encode("ascii", "replace").decode().replace("\x00", "")[:2000]
        for name, value in headers.items()
        if name.lower() in KEPT_HEADERS
    }


def receive(
    database: Database, gateway: Gateway, address: str, headers: Mapping[str, str], body: bytes
) -> Received:
    """Keep it, verify it; what is `genuine` or `unknown` is worked on by the worker."""
    kept = kept_headers(headers)
    with database.transaction() as session:
        crowded = deliveries.forged_lately(session, address) >= FORGED_A_MINUTE
        now = deliveries.moment(session)
    delivery = Delivery(headers=kept, body=body, received_at=now)
    if crowded and _verify(database, gateway, delivery) == "forged":
        return Received(verdict="too_many")
    delivery_id = uuid7()
    with database.transaction() as session:
        received_at = deliveries.store(session, delivery_id, gateway.name, address, kept, body)
    verdict = note_verdict(
        database, gateway, delivery_id, Delivery(headers=kept, body=body, received_at=received_at)
    )
    return Received(verdict=verdict, delivery_id=delivery_id)


def _verify(database: Database, gateway: Gateway, delivery: Delivery) -> Verdict:
    """What nobody signs is taken as a hint, and only for a payment that we have asked for."""
    try:
        gateway.verify(delivery)
        notice = gateway.read(delivery)
    except (Forged, Unreadable):
        return "forged"
    except Unreachable:
        return "unknown"
    if gateway.signs:
        return "genuine"
    with database.transaction() as session:
        known = intents.by_reference(session, gateway.name, [notice.clue.reference or ""])
    return "unsigned" if known is not None else "forged"


def note_verdict(
    database: Database, gateway: Gateway, delivery_id: UUID, delivery: Delivery
) -> Verdict:
    """Verify a delivery that is kept already; outside any transaction, since a certificate may be
    fetched."""
    verdict = _verify(database, gateway, delivery)
    with database.transaction() as session:
        if verdict == "forged":
            deliveries.refuse(session, delivery_id, "forged", "not signed by the gateway")
        elif verdict == "unknown":
            deliveries.later(session, delivery_id, BACKOFF[0], "could not be verified yet")
        else:
            event_id = gateway.read(delivery).event_id
            deliveries.accept(session, delivery_id, gateway.name, verdict, event_id)
    return verdict
