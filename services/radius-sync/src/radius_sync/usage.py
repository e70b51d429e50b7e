"""What each customer used, by day: counted from accounting as it comes in, kept when that is archived.

A session is counted by what it has more than at the last count, on the day it was last heard of; with
interim updates every five minutes, midnight is sharp to that. Counting twice adds nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from radius_sync.persistence import owned

# A NAS may hold reports back while it cannot reach us; what comes later still is counted when the
# session is archived.
OVERLAP = "1 hour"
CHUNK = 20_000

# Two counts side by side would both add the same.
_ALONE = text("SELECT pg_advisory_xact_lock(hashtext('radius-sync.usage'))")
_CHANGED = text(
    "SELECT r.radacctid, r.acctupdatetime FROM radacct r, usage_progress p"
    " WHERE (r.acctupdatetime, r.radacctid) > (p.seen_at, p.seen_id)"
    " ORDER BY r.acctupdatetime, r.radacctid LIMIT :most"
)
_COUNT = text(
    "WITH heard AS MATERIALIZED (SELECT acctuniqueid, username, acctupdatetime,"
    "  class, coalesce(acctstarttime, acctstoptime) AS began, coalesce(acctsessiontime, 0) AS seconds,"
    "  coalesce(acctinputoctets, 0) AS upload, coalesce(acctoutputoctets, 0) AS download"
    "  FROM radacct WHERE radacctid = ANY(:ids)),"
    " more AS (SELECT h.*, c.acctuniqueid IS NULL AS first,"
    "  greatest(h.seconds - coalesce(c.seconds, 0), 0) AS more_seconds,"
    "  greatest(h.upload - coalesce(c.upload_octets, 0), 0) AS more_upload,"
    "  greatest(h.download - coalesce(c.download_octets, 0), 0) AS more_download"
    "  FROM heard h LEFT JOIN usage_counted c USING (acctuniqueid)),"
    " kept AS (INSERT INTO usage_counted AS c SELECT acctuniqueid, seconds, upload, download FROM more"
    "  WHERE first OR more_seconds + more_upload + more_download > 0 ORDER BY acctuniqueid"
    "  ON CONFLICT (acctuniqueid) DO UPDATE SET"
    "  seconds = greatest(c.seconds, excluded.seconds),"
    "  upload_octets = greatest(c.upload_octets, excluded.upload_octets),"
    "  download_octets = greatest(c.download_octets, excluded.download_octets))"
    " INSERT INTO usage_day AS u SELECT o.customer_id,"
    "  CAST(m.acctupdatetime AT TIME ZONE :zone AS date) AS day, count(*) FILTER (WHERE m.first),"
    "  sum(m.more_seconds), sum(m.more_upload), sum(m.more_download)"
    f" FROM more m JOIN login_owner o ON o.username = m.username AND {owned('m', 'm.began')}"
    " WHERE m.first OR m.more_seconds + m.more_upload + m.more_download > 0"
    " GROUP BY 1, 2 ORDER BY 1, 2 ON CONFLICT (customer_id, day) DO UPDATE SET"
    "  sessions = u.sessions + excluded.sessions, seconds = u.seconds + excluded.seconds,"
    "  upload_octets = u.upload_octets + excluded.upload_octets,"
    "  download_octets = u.download_octets + excluded.download_octets"
)
_ADVANCE = text("UPDATE usage_progress SET seen_at = :at, seen_id = :id")
_STEP_BACK = text(
    f"UPDATE usage_progress SET seen_at = seen_at - interval '{OVERLAP}', seen_id = 0"
    " WHERE seen_at > '-infinity'"
)
_OLD = text(
    "SELECT radacctid FROM radacct WHERE acctstoptime < now() - :months * interval '1 month'"
    " ORDER BY acctstoptime LIMIT :most"
)


def alone(session: Session) -> None:
    """Nobody counts until the transaction ends."""
    session.execute(_ALONE)


def look_back(session: Session) -> None:
    """Before a round of counting: reports that came a little late are looked at again."""
    alone(session)
    session.execute(_STEP_BACK)


def count(session: Session, zone: str, most: int = CHUNK) -> int:
    """Count what the next sessions have more, in the order they were heard of; how many were looked
    at. Call until 0. `zone` is the IANA name that says when a day ends."""
    alone(session)
    changed = session.execute(_CHANGED, {"most": most}).all()
    if changed:
        _count(session, [row.radacctid for row in changed], zone)
        session.execute(_ADVANCE, {"at": changed[-1].acctupdatetime, "id": changed[-1].radacctid})
    return len(changed)


def archive(session: Session, zone: str, months: int, most: int = 5000) -> int:
    """Count and move sessions that ended more than `months` ago; how many. Call until 0."""
    alone(session)
    old = list(session.scalars(_OLD, {"months": months, "most": most}))
    if not old:
        return 0
    _count(session, old, zone)
    moved: Any = session.scalar(text("SELECT archive_sessions(:ids)"), {"ids": old})
    return int(moved)


def _count(session: Session, ids: Sequence[int], zone: str) -> None:
    session.execute(_COUNT, {"ids": list(ids), "zone": zone})
