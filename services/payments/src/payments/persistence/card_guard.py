"""Attempts at PINs, counted per customer, operator and address by keyed digests."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import text
from sqlalchemy.orm import Session

_ANEW = "(g.locked_until <= clock_timestamp() OR g.since < clock_timestamp() - interval '1 hour')"
# An hour without a failure begins anew; each lock is twice as long as the last one, a day at most.
_COUNT = text(
    "INSERT INTO card_guard AS g (kind, who, failures) SELECT w.kind, w.who, 1 FROM unnest("
    " CAST(:kinds AS text[]), CAST(:who AS bytea[])) AS w(kind, who)"
    " ORDER BY w.kind, w.who ON CONFLICT (kind, who) DO UPDATE SET"
    f" failures = CASE WHEN {_ANEW} THEN 1 ELSE g.failures + 1 END,"
    f" since = CASE WHEN {_ANEW} THEN clock_timestamp() ELSE g.since END,"
    " locks = CASE WHEN g.since < clock_timestamp() - interval '2 days' THEN 0 ELSE g.locks END,"
    " locked_until = CASE WHEN g.locked_until > clock_timestamp() THEN g.locked_until END"
    " RETURNING kind, who, failures, locked_until"
)
_LOCK = text(
    "UPDATE card_guard SET locks = locks + 1, locked_until = clock_timestamp()"
    " + least(interval '15 minutes' * power(2, least(locks, 10)), interval '1 day')"
    " WHERE kind = :kind AND who = :who RETURNING locked_until"
)
_WAIT = text("SELECT ceil(extract(epoch FROM CAST(:until AS timestamptz) - clock_timestamp()))")


def count(session: Session, counted: Mapping[str, bytes], most: Mapping[str, int]) -> int:
    """Count an attempt as if it failed; the seconds to wait when somebody of them may not try."""
    kinds = list(counted)
    rows = session.execute(
        _COUNT,
        {"kinds": kinds, "who": [counted[kind] for kind in kinds]},
    ).all()
    until = []
    for row in rows:
        if row.locked_until is not None:
            until.append(row.locked_until)
        elif row.failures > most[row.kind]:
            until.append(session.scalar(_LOCK, {"kind": row.kind, "who": row.who}))
    if not until:
        return 0
    # Who is locked out does not try, so nobody else is charged with it.
    forgive(session, counted, redeemed=False)
    return max(1, int(session.scalar(_WAIT, {"until": max(until)}) or 1))


# Locked in the order of `_COUNT`, so that two never wait for each other in a ring.
_FORGIVE = text(
    "WITH mine AS MATERIALIZED (SELECT g.kind, g.who FROM card_guard g JOIN unnest("
    " CAST(:kinds AS text[]), CAST(:who AS bytea[])) AS w(kind, who)"
    " ON g.kind = w.kind AND g.who = w.who ORDER BY g.kind, g.who FOR UPDATE OF g)"
    " UPDATE card_guard g SET failures = CASE WHEN :redeemed AND g.kind = 'customer' THEN 0"
    " ELSE greatest(g.failures - 1, 0) END FROM mine WHERE g.kind = mine.kind AND g.who = mine.who"
)


def forgive(session: Session, counted: Mapping[str, bytes], *, redeemed: bool) -> None:
    """The attempt was none that failed; a redeemed card clears the customer."""
    kinds = list(counted)
    session.execute(
        _FORGIVE,
        {"kinds": kinds, "who": [counted[kind] for kind in kinds], "redeemed": redeemed},
    )


def sweep(session: Session) -> int:
    return len(
        session.execute(
            text(
                "DELETE FROM card_guard WHERE since < clock_timestamp() - interval '3 days' RETURNING 1"
            )
        ).all()
    )


def failures(session: Session) -> int:
    """Attempts of the last hour that redeemed nothing, for the gauge that alarms."""
    found = session.scalar(
        text(
            "SELECT coalesce(sum(failures), 0) FROM card_guard"
            " WHERE kind = 'operator' AND since > clock_timestamp() - interval '1 hour'"
        )
    )
    return int(found or 0)


def locked(session: Session) -> dict[str, int]:
    """How many of each kind are locked out now."""
    rows = session.execute(
        text(
            "SELECT kind, count(*) FROM card_guard WHERE locked_until > clock_timestamp() GROUP BY 1"
        )
    )
    return {row[0]: row[1] for row in rows}
