"""Outcomes into rows, as they come: attempts, the order's next state, the NAS's breaker, the event."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from radius_sync.disconnecting.claiming import LEASE_SECONDS, Claimed
from radius_sync.disconnecting.deciding import Next, decide
from radius_sync.disconnector import Breaker, Outcome, Result

# By columns: row by row it took up to twice as long, beside an exchange that wants the processor.
_ATTEMPTS = text(
    "INSERT INTO disconnect_attempt (order_id, result, code, error_cause, rtt_ms, transmissions,"
    " detail) SELECT * FROM unnest(CAST(:order_id AS uuid[]), CAST(:result AS text[]),"
    " CAST(:code AS int[]), CAST(:error_cause AS int[]), CAST(:rtt_ms AS double precision[]),"
    " CAST(:transmissions AS int[]), CAST(:detail AS text[]))"
)
# Only what is still ours: a stop that accounting told meanwhile has settled the order already.
_ADVANCE = text(
    "UPDATE disconnect_order o SET state = n.state, outcome = n.outcome, advice = nullif(n.advice, ''),"
    " identify_again = o.identify_again OR n.again,"
    " not_before = now() + n.after * interval '1 second',"
    " confirm_by = CASE n.state WHEN 'acked' THEN now() + n.after * interval '1 second' END,"
    " confirmed_by = CASE n.state WHEN 'done' THEN 'ack' WHEN 'gone' THEN 'not_found' END,"
    " finished_at = CASE WHEN n.state IN ('done', 'gone', 'failed') THEN now() END"
    " FROM unnest(CAST(:ids AS uuid[]), CAST(:states AS text[]), CAST(:outcomes AS text[]),"
    " CAST(:advices AS text[]), CAST(:afters AS double precision[]), CAST(:agains AS boolean[]))"
    " AS n(id, state, outcome, advice, after, again)"
    " WHERE o.id = n.id AND o.state = 'sent'"
)
_ESCALATE = text(
    "INSERT INTO disconnect_order (id, acctuniqueid, acctsessionid, nas_address, username,"
    " framed_address, session_started_at, customer_id, operator_path, kind, generation, reason)"
    " SELECT gen_random_uuid(), acctuniqueid, acctsessionid, nas_address, username, framed_address,"
    " session_started_at, customer_id, operator_path, 'disconnect', generation, reason"
    " FROM disconnect_order WHERE id = ANY(:ids) AND kind = 'coa'"
    " ON CONFLICT (acctuniqueid, kind, generation) DO NOTHING"
)
_LOST = text(
    "SELECT close_session(acctuniqueid, 'Lost-Service') FROM disconnect_order WHERE id = ANY(:ids)"
)
_BREAKER = text(
    "UPDATE nas_device SET failures = :failures, breaker_pause = :pause, breaker_until = :until,"
    " last_answer_at = CASE WHEN :failures = 0 THEN now() ELSE last_answer_at END WHERE id = :id"
)
_EXTEND = text(
    "UPDATE nas_device SET sending_until = CASE WHEN id = ANY(:finished) THEN to_timestamp(0)"
    " ELSE now() + :lease * interval '1 second' END WHERE id = ANY(:ids)"
)
_TOLD = (
    "INSERT INTO outbox (id, type, subject, sequence, operator_path, data)"
    " SELECT gen_random_uuid(), 'session.disconnected', customer_id, nextval('login_generation'),"
    " operator_path, jsonb_build_object('nas', host(nas_address), 'outcome', outcome)"
    " FROM {} WHERE customer_id IS NOT NULL"
)
_PUBLISH_GONE = text(_TOLD.format("disconnect_order") + " AND id = ANY(:ids)")
_DROPS = text(
    "INSERT INTO dropped_reply AS d (nas_address, cause, dropped)"
    " SELECT * FROM unnest(CAST(:addresses AS inet[]), CAST(:causes AS text[]),"
    " CAST(:numbers AS bigint[])) ORDER BY 1, 2 ON CONFLICT (nas_address, cause)"
    " DO UPDATE SET dropped = d.dropped + excluded.dropped, last_at = now()"
)

Landed = tuple[Claimed, Outcome]


def record(session: Session, landed: Sequence[Landed]) -> None:
    """Attempts and next states of these orders."""
    decided = [(one, outcome, _next(one, outcome)) for one, outcome in landed]
    session.execute(_ATTEMPTS, _attempts(landed))
    session.execute(
        _ADVANCE,
        {
            "ids": [one.row.id for one, _, _ in decided],
            "states": [step.state for _, _, step in decided],
            "outcomes": [step.outcome for _, _, step in decided],
            "advices": [step.advice or one.note for one, _, step in decided],
            "afters": [_after(outcome, step) for _, outcome, step in decided],
            "agains": [step.again for _, _, step in decided],
        },
    )
    if cut := [one.row.id for one, _, step in decided if step.escalate]:
        session.execute(_ESCALATE, {"ids": cut})
    if lost := [one.row.id for one, _, step in decided if step.lost]:
        session.execute(_LOST, {"ids": lost})
        session.execute(_PUBLISH_GONE, {"ids": lost})


def keep_nases(
    session: Session, breakers: Mapping[UUID, Breaker], finished: Sequence[UUID]
) -> None:
    """Store what is known of each NAS; those finished are free for the next sender."""
    for nas, breaker in sorted(breakers.items()):
        until = (
            None if breaker.not_before is None else datetime.fromtimestamp(breaker.not_before, UTC)
        )
        session.execute(
            _BREAKER,
            {"id": nas, "failures": breaker.failures, "pause": breaker.pause, "until": until},
        )
    session.execute(
        _EXTEND, {"ids": sorted(breakers), "finished": list(finished), "lease": LEASE_SECONDS}
    )


# What an Accounting-Stop confirms; what nothing confirmed in time is told again.
_CONFIRM = text(
    "WITH ended AS (UPDATE disconnect_order o SET state = 'done', confirmed_by = 'accounting_stop',"
    " finished_at = now() FROM radacct a WHERE o.state = 'acked' AND a.acctuniqueid = o.acctuniqueid"
    " AND a.acctstoptime IS NOT NULL RETURNING o.*), told AS ("
    + _TOLD.format("ended")
    + ") SELECT count(*) FROM ended"
)
_UNCONFIRMED = text(
    "UPDATE disconnect_order SET state = 'due', not_before = now(), outcome = 'unconfirmed',"
    " advice = 'The NAS acknowledged, but accounting still shows the session: told again.'"
    " WHERE state = 'acked' AND confirm_by < now()"
)


def count_drops(session: Session, drops: Mapping[tuple[str, str], int]) -> None:
    """Datagrams that were no answer, by (address, cause)."""
    values = {
        "addresses": [address for address, _ in drops],
        "causes": [cause for _, cause in drops],
        "numbers": list(drops.values()),
    }
    session.execute(_DROPS, values)


def confirm(session: Session) -> int:
    """Compare acknowledged orders with accounting; how many must be told again."""
    session.execute(_CONFIRM)
    return int(session.execute(_UNCONFIRMED).rowcount)  # type: ignore[attr-defined]


def _next(one: Claimed, outcome: Outcome) -> Next:
    return decide(
        outcome,
        one.kind,
        attempts=one.row.attempts,
        tried_again=one.row.identify_again,
        can_again=bool(one.vendor.identify_again),
        strategy=one.nas.strategy,
    )


def _after(outcome: Outcome, step: Next) -> float:
    if outcome.result is Result.DEFERRED and outcome.not_before is not None:
        return max(0.0, outcome.not_before - datetime.now(UTC).timestamp())
    # A fleet that went silent together must not be asked again together.
    return step.after * random.uniform(0.9, 1.1)  # noqa: S311 - spread, not secrecy


def _attempts(landed: Sequence[Landed]) -> dict[str, list[Any]]:
    """By column."""
    outcomes = [outcome for _, outcome in landed]
    return {
        "order_id": [one.row.id for one, _ in landed],
        "result": [outcome.result.value for outcome in outcomes],
        "code": [None if outcome.code is None else int(outcome.code) for outcome in outcomes],
        "error_cause": [outcome.error_cause for outcome in outcomes],
        "rtt_ms": [outcome.round_trip_ms for outcome in outcomes],
        "transmissions": [outcome.transmissions for outcome in outcomes],
        "detail": [outcome.detail for outcome in outcomes],
    }
