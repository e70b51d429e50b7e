"""What reached the webhooks, as it came; leased to whoever works on it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Select, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from payments.persistence import leasing
from payments.persistence.gateway_tables import webhook_delivery
from payments.persistence.leasing import LEASE
from shared.database import Scope

_INSERT = text(
    "INSERT INTO webhook_delivery (id, gateway, source_address, headers, body, next_at)"
    " VALUES (:id, :gateway, :address, CAST(:headers AS jsonb), :body, clock_timestamp() + :lease)"
    " RETURNING received_at"
)


def store(
    session: Session, id: UUID, gateway: str, address: str, headers: Mapping[str, str], body: bytes
) -> Any:
    """Keep a request before anything else is done with it; when it came. Leased to the caller."""
    return session.scalar(
        _INSERT,
        {
            "id": id,
            "gateway": gateway,
            "address": address,
            "headers": orjson.dumps(dict(headers)).decode(),
            "body": body,
            "lease": LEASE,
        },
    )


def forged_lately(session: Session, address: str) -> int:
    """How many requests of this address were forged within the last minute."""
    return int(
        session.scalar(
            text(
                "SELECT count(*) FROM webhook_delivery WHERE source_address = :address"
                " AND verdict = 'forged' AND received_at > clock_timestamp() - interval '1 minute'"
            ),
            {"address": address},
        )
        or 0
    )


_ACCEPT = text(
    "UPDATE webhook_delivery SET verdict = :verdict, event_id = :event,"
    " next_at = clock_timestamp(), version = version + 1 WHERE id = :id"
)
# A repeat of one that had failed is a reason to try it again.
_REPEATED = text(
    "UPDATE webhook_delivery SET repeats = repeats + 1, version = version + 1,"
    " state = CASE state WHEN 'failed' THEN 'received' ELSE state END,"
    " attempts = CASE state WHEN 'failed' THEN 0 ELSE attempts END,"
    " next_at = CASE state WHEN 'failed' THEN clock_timestamp() ELSE next_at END"
    " WHERE gateway = :gateway AND event_id = :event AND id <> :id RETURNING id"
)


def accept(session: Session, id: UUID, gateway: str, verdict: str, event_id: str | None) -> bool:
    """Say that a delivery is genuine. False for the repeat of one that is kept already: it goes."""
    given = {"id": id, "gateway": gateway, "verdict": verdict, "event": event_id}
    try:
        with session.begin_nested():
            session.execute(_ACCEPT, given)
        return True
    except IntegrityError:
        session.execute(_REPEATED, given)
        session.execute(text("DELETE FROM webhook_delivery WHERE id = :id"), given)
        return False


# Of what nobody signed a beginning is enough to see what it was.
FORGED_BYTES = 2048


def refuse(session: Session, id: UUID, verdict: str | None, outcome: str) -> None:
    session.execute(
        text(
            "UPDATE webhook_delivery SET verdict = :verdict, state = 'refused', outcome = :outcome,"
            " body = substring(body FOR :most), next_at = NULL, processed_at = now(),"
            " version = version + 1 WHERE id = :id"
        ),
        {"id": id, "verdict": verdict, "outcome": outcome, "most": FORGED_BYTES},
    )


_LEASE_DUE = leasing.due("webhook_delivery", "next_at", "attempts", clock="clock_timestamp()")


def lease_due(session: Session, gateway: str, most: int) -> list[Any]:
    return leasing.take(session, _LEASE_DUE, gateway, most)


def done(
    session: Session,
    id: UUID,
    state: str,
    outcome: str,
    *,
    intent_id: UUID | None = None,
    customer_id: UUID | None = None,
    path: str = "",
) -> None:
    session.execute(
        text(
            "UPDATE webhook_delivery SET state = :state, outcome = :outcome, next_at = NULL,"
            " intent_id = :intent, customer_id = :customer, operator_path = :path,"
            " processed_at = clock_timestamp(), version = version + 1 WHERE id = :id"
        ),
        {
            "id": id,
            "state": state,
            "outcome": outcome,
            "intent": intent_id,
            "customer": customer_id,
            "path": path,
        },
    )


def later(session: Session, id: UUID, after: timedelta | None, outcome: str) -> None:
    """Try again then; None: given up, until somebody replays it."""
    session.execute(
        text(
            "UPDATE webhook_delivery SET outcome = :outcome, version = version + 1,"
            " state = CASE WHEN CAST(:after AS interval) IS NULL THEN 'failed' ELSE state END,"
            " next_at = clock_timestamp() + CAST(:after AS interval) WHERE id = :id"
        ),
        {"id": id, "outcome": outcome, "after": after},
    )


def remove(session: Session, id: UUID) -> None:
    session.execute(text("DELETE FROM webhook_delivery WHERE id = :id"), {"id": id})


def replay(session: Session, id: UUID) -> bool:
    """Have it worked on again; False when its body is gone or was never genuine."""
    done = session.execute(
        text(
            "UPDATE webhook_delivery SET state = 'received', attempts = 0, outcome = NULL,"
            " next_at = clock_timestamp(), version = version + 1"
            " WHERE id = :id AND state <> 'refused' AND body IS NOT NULL"
        ),
        {"id": id},
    )
    return bool(done.rowcount)  # type: ignore[attr-defined]


def detail(session: Session, id: UUID) -> Any:
    """With its body; None outside the caller's branch."""
    return session.execute(
        text("SELECT * FROM webhook_delivery WHERE id = :id"), {"id": id}
    ).one_or_none()


def listed(scope: Scope, filters: Mapping[str, Any]) -> Select[Any]:
    query = select(*webhook_delivery.c).where(scope.covers(webhook_delivery.c.operator_path))
    for name in ("state", "gateway", "customer_id", "verdict", "intent_id"):
        if filters.get(name) is not None:
            query = query.where(webhook_delivery.c[name] == filters[name])
    return query


_WAITING = text(
    "SELECT (SELECT count(*) FROM payment_review WHERE state = 'open') AS reviews_open,"
    " (SELECT count(*) FROM webhook_delivery WHERE state = 'failed') AS deliveries_failed,"
    " (SELECT count(*) FROM gateway_refund WHERE state = 'failed') AS refunds_failed,"
    " (SELECT count(*) FROM payment_intent WHERE state IN ('created', 'pending')"
    " AND expires_at < now() - interval '10 minutes') AS intents_unanswered"
)


def waiting(session: Session) -> dict[str, int]:
    """What an operator must look at: reviews, failures, and gateways that do not answer."""
    return dict(session.execute(_WAITING).mappings().one())


_OLD = text(
    "DELETE FROM webhook_delivery WHERE id IN (SELECT id FROM webhook_delivery"
    " WHERE received_at < now() - make_interval(days => :days) ORDER BY received_at LIMIT :most)"
)


def remove_old(session: Session, days: int, most: int) -> int:
    """Those past their time; how many, at most `most`."""
    gone = session.execute(_OLD, {"days": days, "most": most})
    return int(gone.rowcount)  # type: ignore[attr-defined]


def work_due(session: Session, gateway: str) -> tuple[bool, bool, bool, bool, bool]:
    """Whether deliveries, intents, refunds, looks at payments and stored methods wait for work: five
    probes of an index."""
    row = session.execute(
        text(
            "SELECT EXISTS (SELECT FROM webhook_delivery WHERE gateway = :gateway"
            " AND next_at <= now()) AS deliveries,"
            " EXISTS (SELECT FROM payment_intent WHERE gateway = :gateway"
            " AND next_check_at <= now()) AS intents,"
            " EXISTS (SELECT FROM gateway_refund WHERE gateway = :gateway"
            " AND next_at <= now()) AS refunds,"
            " EXISTS (SELECT FROM gateway_transaction WHERE gateway = :gateway"
            " AND next_look_at <= now()) AS looks,"
            " EXISTS (SELECT FROM payment_method WHERE gateway = :gateway"
            " AND next_check_at <= now()) AS methods"
        ),
        {"gateway": gateway},
    ).one()
    return row.deliveries, row.intents, row.refunds, row.looks, row.methods


def moment(session: Session) -> Any:
    return session.scalar(text("SELECT clock_timestamp()"))
