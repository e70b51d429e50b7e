"""Facts to rows: who may be online, derived set-based and written in the transaction of the facts.

A login's rows are a function of the facts of all customers that have that name, so two batches that
touch one login take its row in `login` in turn and whichever comes last sees everything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from radius_sync import rows
from shared.inbox import ring_after_commit

DISCONNECT = "radius-sync.disconnect"

_DERIVE = text(
    "WITH changed AS (UPDATE subscriber s SET access = d.access, reason = d.reason,"
    " recheck_at = d.recheck_at, access_version = s.access_version"
    " + CASE WHEN s.access = d.access THEN 0 ELSE 1 END"
    " FROM derived d JOIN subscriber before ON before.customer_id = d.customer_id"
    " WHERE s.customer_id = d.customer_id AND s.customer_id = ANY(:ids) AND d.customer_id = ANY(:ids)"
    " AND (s.access, s.reason, s.recheck_at) IS DISTINCT FROM (d.access, d.reason, d.recheck_at)"
    " RETURNING s.customer_id, s.operator_path, s.access, s.access_version, before.access AS was)"
    # Nobody subscribes to it: it goes to the feed only, so the relay need not look at it.
    " INSERT INTO outbox (id, type, subject, sequence, operator_path, data, sent_at)"
    " SELECT gen_random_uuid(), 'access.changed', customer_id, access_version, operator_path,"
    " jsonb_build_object('access', access), now() FROM changed WHERE access <> was"
)
# Every row is locked although none is updated: that is what ON CONFLICT DO UPDATE promises.
_LOCK = text(
    "WITH touched AS (SELECT username FROM subscriber WHERE customer_id = ANY(:ids)"
    " AND username IS NOT NULL UNION SELECT username FROM login WHERE customer_id = ANY(:ids)),"
    " locked AS (INSERT INTO login (username) SELECT username FROM touched ORDER BY username"
    " ON CONFLICT (username) DO UPDATE SET username = excluded.username WHERE false)"
    " SELECT username FROM touched"
)
# The living customer owns the login; among several, as during a swap of names, the newest.
_DECIDE = text(
    "WITH owner AS (SELECT DISTINCT ON (d.username) d.* FROM derived d"
    " WHERE d.username = ANY(:logins)"
    " ORDER BY d.username, (d.standing = 'customer') DESC, d.customer_id DESC),"
    " wanted AS (SELECT l.username, o.customer_id, coalesce(o.operator_path, '') AS operator_path,"
    " coalesce(o.access, 'removed') AS access, coalesce(o.reason, 'renamed') AS reason,"
    " o.groupname, o.rate, o.password_sealed, o.static_address, o.expires_at,"
    " coalesce(o.access, 'removed') = 'removed' AND EXISTS (SELECT FROM radacct a"
    "  WHERE a.username = l.username AND a.acctstoptime IS NULL) AS closing"
    " FROM unnest(CAST(:logins AS text[])) AS l(username) LEFT JOIN owner o USING (username)),"
    " changed AS (UPDATE login l SET customer_id = w.customer_id, operator_path = w.operator_path,"
    " access = w.access, reason = w.reason, groupname = w.groupname, rate = w.rate,"
    " password_sealed = w.password_sealed, static_address = w.static_address,"
    " expires_at = w.expires_at, closing = w.closing, generation = nextval('login_generation'),"
    " access_generation = CASE WHEN (b.customer_id, b.access, b.groupname, b.rate)"
    "  IS DISTINCT FROM (w.customer_id, w.access, w.groupname, w.rate)"
    "  THEN currval('login_generation') ELSE b.access_generation END,"
    " xid = pg_current_xact_id(), changed_at = now()"
    " FROM wanted w JOIN login b ON b.username = w.username WHERE l.username = w.username"
    " AND (l.customer_id, l.operator_path, l.access, l.reason, l.groupname, l.rate,"
    "  l.password_sealed, l.static_address, l.expires_at, l.closing)"
    " IS DISTINCT FROM (w.customer_id, w.operator_path, w.access, w.reason, w.groupname, w.rate,"
    "  w.password_sealed, w.static_address, w.expires_at, w.closing)"
    " RETURNING l.username, l.customer_id, b.customer_id AS former, b.generation AS before,"
    " l.access_generation <> b.access_generation AS told, l.access, b.access AS was, l.groupname),"
    " rates AS (INSERT INTO limited_rate (kbps) SELECT DISTINCT"
    "  CAST(split_part(groupname, ':', 3) AS int) FROM changed WHERE access = 'limited'"
    "  ON CONFLICT DO NOTHING),"
    " ended AS (UPDATE login_owner o SET until = now() FROM changed c"
    "  WHERE o.username = c.username AND o.until = 'infinity'"
    "  AND c.customer_id IS DISTINCT FROM c.former AND c.former = o.customer_id),"
    " begun AS (INSERT INTO login_owner (username, customer_id, since)"
    "  SELECT username, customer_id, CASE WHEN before = 0 THEN '-infinity'::timestamptz ELSE now() END"
    "  FROM changed WHERE customer_id IS NOT NULL AND customer_id IS DISTINCT FROM former"
    "  ON CONFLICT (username, since) DO UPDATE SET customer_id = excluded.customer_id)"
    " SELECT username, told, was, access, groupname FROM changed"
)
# What an open session has to be told; a session of a former owner of the login is ended.
_ORDER = text(
    "INSERT INTO disconnect_order (id, acctuniqueid, acctsessionid, nas_address, username,"
    " framed_address, session_started_at, customer_id, operator_path, kind, change, rate,"
    " generation, reason)"
    " SELECT gen_random_uuid(), a.acctuniqueid, a.acctsessionid, a.nasipaddress, a.username,"
    " a.framedipaddress, a.acctstarttime, l.customer_id, l.operator_path,"
    # The Class that we gave names the owner; without it the time does, as the NAS's clock tells it.
    " CASE WHEN l.groupname IS NULL OR CASE WHEN a.class ~ '^[0-9a-f-]{36}[:]'"
    "  THEN left(a.class, 36) <> CAST(l.customer_id AS text) ELSE a.acctstarttime < o.since END"
    "  THEN 'disconnect' ELSE 'coa' END,"
    " CASE WHEN l.access = 'walled' THEN 'wall' WHEN t.was NOT IN ('open', 'limited') THEN 'unwall'"
    "  WHEN l.access = 'limited' THEN 'rate_limit' WHEN l.access = 'open' THEN 'package' END,"
    " l.rate, l.access_generation, l.reason"
    " FROM unnest(CAST(:logins AS text[]), CAST(:was AS text[])) AS t(username, was)"
    " JOIN login l ON l.username = t.username"
    " JOIN radacct a ON a.username = l.username AND a.acctstoptime IS NULL"
    " LEFT JOIN login_owner o ON o.username = l.username AND o.until = 'infinity'"
    " ORDER BY a.acctuniqueid"
    " ON CONFLICT (acctuniqueid, kind, generation) DO NOTHING"
)


def provision(session: Session, customers: Sequence[UUID]) -> int:
    """Derive access of these customers and put it into effect, in this transaction; how many logins
    changed. Their rows are locked by the caller's upsert."""
    if not customers:
        return 0
    ids = {"ids": list(customers)}
    session.execute(_DERIVE, ids)
    return provision_logins(session, list(session.scalars(_LOCK, ids)))


def provision_logins(session: Session, logins: Sequence[str]) -> int:
    """Decide who bears these logins, already locked, and write rows and orders for what changed."""
    if not logins:
        return 0
    decided = session.execute(_DECIDE, {"logins": list(logins)}).all()
    changed = [row.username for row in decided]
    if not changed:
        return 0
    rows.rewrite(session, changed)
    rows.add_missing_groups(session, {row.groupname for row in decided if row.access == "limited"})
    told = {row.username: row.was for row in decided if row.told}
    if told and _order_changes(session, told):
        ring_after_commit(session, DISCONNECT)
    return len(changed)


def _order_changes(session: Session, told: Mapping[str, str]) -> int:
    done = session.execute(_ORDER, {"logins": list(told), "was": list(told.values())})
    return int(done.rowcount)  # type: ignore[attr-defined]


_RECHECK = text(
    "SELECT customer_id FROM subscriber WHERE recheck_at <= now()"
    " ORDER BY customer_id LIMIT :most FOR UPDATE SKIP LOCKED"
)


def recheck_due(session: Session, most: int = 500) -> int:
    """Customers whose validity or lifted suspension has just ended; how many. Call until 0."""
    due = list(session.scalars(_RECHECK, {"most": most}))
    provision(session, due)
    return len(due)


_CLOSED = text(
    "SELECT username FROM login l WHERE closing AND NOT EXISTS (SELECT FROM radacct a"
    " WHERE a.username = l.username AND a.acctstoptime IS NULL)"
    " ORDER BY username LIMIT 500 FOR UPDATE SKIP LOCKED"
)


def drop_closed(session: Session) -> int:
    """Removed logins whose last session has ended lose their reject row; how many."""
    return provision_logins(session, list(session.scalars(_CLOSED)))


def sweep_packages(session: Session, packages: Sequence[UUID]) -> None:
    """Queue all customers of these packages, and write the groups, which new logins use at once."""
    rows.rewrite_groups(session)
    _queue(session, "package", [str(package) for package in packages])


def sweep_operators(session: Session, paths: Sequence[str]) -> None:
    """Queue all customers below these operators."""
    _queue(session, "operator", paths)


def _queue(session: Session, kind: str, keys: Sequence[str]) -> None:
    session.execute(
        text(
            "INSERT INTO sweep (kind, key) SELECT :kind, key FROM unnest(CAST(:keys AS text[])) key"
        ),
        {"kind": kind, "keys": list(keys)},
    )


_SWEEP = text("SELECT * FROM sweep ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED")
_SWEPT = {
    "package": "package_id = CAST(:key AS uuid)",
    "operator": "operator_path >= :key AND operator_path < rtrim(:key, '/') || '0' COLLATE \"C\"",
}


def sweep(session: Session, most: int = 500) -> int:
    """One chunk of the oldest sweep; how many customers, 0 when nothing waits. Call until 0."""
    job = session.execute(_SWEEP).one_or_none()
    if job is None:
        return 0
    chosen = list(
        session.scalars(
            text(
                f"SELECT customer_id FROM subscriber WHERE {_SWEPT[job.kind]}"
                " AND customer_id > :after ORDER BY customer_id LIMIT :most FOR UPDATE"
            ),
            {"key": job.key, "after": job.after, "most": most},
        )
    )
    if len(chosen) < most:
        session.execute(text("DELETE FROM sweep WHERE id = :id"), {"id": job.id})
    else:
        session.execute(
            text("UPDATE sweep SET after = :after WHERE id = :id"),
            {"id": job.id, "after": chosen[-1]},
        )
    provision(session, chosen)
    return len(chosen) or 1
