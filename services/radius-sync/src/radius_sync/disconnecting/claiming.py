"""Which orders go out now: claimed with a lease per NAS, and only if they are still true."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from radius_sync.disconnecting import storm
from radius_sync.disconnecting.naming import UNMISTAKABLE
from radius_sync.disconnector import Breaker, Kind, Nas, Order
from radius_sync.protocol import Attributes
from radius_sync.vendors import KEYS, VENDORS, Change, SessionKeys, Strategy, Vendor, Wanted
from shared.sealing import unseal

# Orders of one NAS in one go, and NASes side by side: bounds the memory of a mass suspension.
MOST_ORDERS, MOST_NASES = 500, 64
# So late is a NAS told when its sender died; one that lives renews (an exchange takes up to 30 s).
LEASE_SECONDS, RENEW_SECONDS = 10, 3

_UNREGISTERED = text(
    "UPDATE disconnect_order o SET state = 'failed', outcome = 'unregistered_nas',"
    " finished_at = now(), advice = 'No NAS is registered with the address ' || host(o.nas_address)"
    " || ': register it (POST /v1/nas) and the session is told at once.'"
    " WHERE o.state IN ('due', 'sent', 'deferred') AND o.not_before <= now()"
    " AND NOT EXISTS (SELECT FROM nas_device n WHERE n.address = o.nas_address)"
)
# The session is over: nothing to tell. The books have moved on: a newer order says what to tell. A row
# that has vanished says neither: only the NAS itself can say that such a session has ended.
_SETTLE = text(
    "WITH due AS (SELECT o.id, CASE WHEN a.acctstoptime IS NOT NULL THEN 'ended'"
    "  WHEN l.username IS NOT NULL AND o.reason <> 'operator'"
    "   AND o.generation <> l.access_generation THEN 'superseded'"
    "  WHEN EXISTS (SELECT FROM session_archive s WHERE s.username = o.username"
    "   AND s.acctuniqueid = o.acctuniqueid) THEN 'ended' END AS outcome"
    " FROM disconnect_order o LEFT JOIN radacct a ON a.acctuniqueid = o.acctuniqueid"
    " LEFT JOIN login l ON l.username = o.username"
    " WHERE o.state IN ('due', 'sent', 'deferred') AND o.not_before <= now()"
    " AND (a.acctuniqueid IS NULL AND NOT o.unaccounted OR a.acctstoptime IS NOT NULL"
    "  OR (l.username IS NOT NULL AND o.reason <> 'operator'"
    "  AND o.generation <> l.access_generation)) FOR UPDATE OF o SKIP LOCKED)"
    " UPDATE disconnect_order o SET unaccounted = o.unaccounted OR due.outcome IS NULL,"
    " state = CASE due.outcome WHEN 'ended' THEN 'done' WHEN 'superseded' THEN 'cancelled'"
    "  ELSE o.state END, outcome = coalesce(due.outcome, o.outcome),"
    " confirmed_by = CASE WHEN due.outcome = 'ended' THEN 'accounting_stop' END,"
    " finished_at = CASE WHEN due.outcome IS NOT NULL THEN now() END"
    " FROM due WHERE o.id = due.id"
)
_NASES = text(
    "SELECT n.* , host(n.address) AS host FROM nas_device n WHERE n.sending_until < now()"
    " AND (n.breaker_until IS NULL OR n.breaker_until <= now())"
    " AND EXISTS (SELECT FROM disconnect_order o WHERE o.nas_address = n.address"
    "  AND o.state IN ('due', 'sent', 'deferred') AND o.not_before <= now())"
    " ORDER BY n.sending_until, n.id LIMIT :most FOR UPDATE SKIP LOCKED"
)
_OF_EACH = (
    "SELECT o.* FROM unnest(CAST(:addresses AS inet[])) AS n(address),"
    " LATERAL (SELECT id, nas_address, not_before FROM disconnect_order"
    "  WHERE nas_address = n.address AND state IN ('due', 'sent', 'deferred')"
    "  AND not_before <= now() AND {} ORDER BY not_before LIMIT :most) o"
)
_CLAIM = text(
    "WITH chosen AS ("
    + _OF_EACH.format(f"NOT ({storm.CUT})")
    # In a storm so many cut-offs at most, over all NASes in turn.
    + f" UNION ALL (SELECT * FROM ({_OF_EACH.format(f'({storm.CUT})')}) AS cuts"
    "  ORDER BY not_before, id LIMIT CAST(:cuts AS bigint))),"
    " busy AS (UPDATE nas_device SET sending_until = now() + :lease * interval '1 second'"
    "  WHERE address IN (SELECT nas_address FROM chosen))"
    " UPDATE disconnect_order o SET state = 'sent', attempts = o.attempts + 1,"
    " not_before = now() + :lease * interval '1 second' FROM chosen WHERE o.id = chosen.id"
    " RETURNING o.*, host(o.nas_address) AS nas_host, host(o.framed_address) AS framed_host,"
    f" o.identify_again AND {UNMISTAKABLE} AS another_way,"
    # What the package of an open login adds of its own.
    " (SELECT p.attributes FROM login l JOIN package_fact p ON p.id = CASE WHEN l.access = 'open'"
    "   THEN CAST(substr(l.groupname, 6) AS uuid) END WHERE l.username = o.username) AS package"
)
_RENEW = (
    text(
        "UPDATE nas_device SET sending_until = now() + :lease * interval '1 second'"
        " WHERE id = ANY(:nases)"
    ),
    text(
        "UPDATE disconnect_order SET not_before = now() + :lease * interval '1 second'"
        " WHERE id = ANY(:orders) AND state = 'sent'"
    ),
)

NEXT_LOGIN = (
    "This change takes a new login, and the strategy of the NAS is never to cut a session:"
    " it counts when the customer logs in again."
)

CUT_TO_CHANGE = (
    "The NAS is not told of this change in a running session, by its vendor, its strategy or for want"
    " of a rate_policy: the session is cut, and the next login has it."
)


@dataclass(frozen=True)
class Claimed:
    """An order in our hands. `kind` is what goes on the wire; `unsendable` says why nothing can, and
    `note` why it is not what was ordered."""

    row: Any
    nas: Any
    vendor: Vendor
    kind: Kind
    attributes: Attributes
    unsendable: str = ""
    note: str = ""


def claim(session: Session) -> list[Claimed]:
    """Settle what needs no sending, and take what is due; empty when nothing is."""
    session.execute(_UNREGISTERED)
    session.execute(_SETTLE)
    cuts = storm.allowance(session)
    nases = {row.host: row for row in session.execute(_NASES, {"most": MOST_NASES})}
    if not nases:
        return []
    values = {"addresses": list(nases), "most": MOST_ORDERS, "lease": LEASE_SECONDS}
    # LIMIT NULL is none.
    taken = session.execute(_CLAIM, {**values, "cuts": cuts})
    return [_claimed(row, nases[row.nas_host]) for row in taken]


def renew(session: Session, nases: Collection[UUID], orders: Collection[UUID]) -> None:
    """These are still being sent: nobody else takes them."""
    values = {"lease": LEASE_SECONDS, "nases": sorted(nases), "orders": sorted(orders)}
    for statement in _RENEW:
        session.execute(statement, values)


def to_send(
    claimed: list[Claimed], key: bytes
) -> tuple[list[Order], dict[tuple[str, int], Breaker]]:
    """What the disconnector wants: orders, and the breaker of each NAS as it was stored."""
    nases = {one.nas.id: _nas(one.nas, key) for one in claimed}
    orders = [
        Order(one.row.id, nases[one.nas.id], one.kind, one.attributes)
        for one in claimed
        if not one.unsendable
    ]
    breakers = {nases[one.nas.id].key: _breaker(one.nas) for one in claimed}
    return orders, breakers


def _nas(row: Any, key: bytes) -> Nas:
    return Nas(
        address=row.host,
        coa_port=row.coa_port,
        secret=unseal(row.secret_sealed, key).encode(),
        window=row.in_flight,
        pacing=row.pacing,
        require_ma_reply=row.require_ma_reply,
    )


def _breaker(row: Any) -> Breaker:
    until = row.breaker_until.timestamp() if row.breaker_until else None
    return Breaker(row.failures, until, row.breaker_pause)


def _claimed(row: Any, nas: Any) -> Claimed:
    vendor = VENDORS[nas.vendor]
    keys = SessionKeys(row.username, row.acctsessionid, row.framed_host, row.nas_host)
    try:
        if row.kind == "coa" and (moved := _move(row, nas, vendor, keys)):
            return Claimed(row, nas, vendor, Kind.COA, moved)
        if row.kind == "coa" and nas.strategy == Strategy.COA_ONLY:
            return Claimed(row, nas, vendor, Kind.COA, (), unsendable=NEXT_LOGIN)
        attributes = vendor.disconnect(keys, again=row.another_way)
        note = CUT_TO_CHANGE if row.kind == "coa" else ""
        return Claimed(row, nas, vendor, Kind.DISCONNECT, attributes, note=note)
    except ValueError as error:
        return Claimed(row, nas, vendor, Kind.DISCONNECT, (), unsendable=str(error))


def _move(row: Any, nas: Any, vendor: Vendor, keys: SessionKeys) -> Attributes | None:
    """The CoA that moves the session to its new state, or None where it takes a new login."""
    change = Change(row.change)
    if nas.strategy == Strategy.DISCONNECT_ONLY:
        return None
    (upload, download), (old_upload, old_download) = _kbps(row.rate), _kbps(row.old_rate)
    wanted = Wanted(
        upload_kbps=upload, download_kbps=download, old_upload_kbps=old_upload,
        old_download_kbps=old_download, walled_list=nas.walled_list, open_list=nas.open_list,
        rate_policy=nas.rate_policy or "",
    )  # fmt: skip
    # Out of the walled garden means back to the rate as well.
    changes = [Change.UNWALL, Change.RATE_LIMIT] if change is Change.UNWALL else [change]
    if not all(vendor.can(one) for one in changes):
        return None
    try:
        parts = [vendor.coa(keys, one, wanted, row.package) for one in changes]
    except ValueError:
        # The vendor needs a name (a policy, a profile) that is known at the next login only.
        return None
    names = [{name for name, _ in part if name not in KEYS} for part in parts]
    if len(parts) > 1 and set.intersection(*names):
        return None  # what one attribute says of both cannot be told apart
    return tuple(dict.fromkeys(pair for part in parts for pair in part))


def _kbps(rate: str | None) -> tuple[int, int]:
    """Of `512k/512k`, up and down; 0 where there is none."""
    upload, _, download = (rate or "").replace("k", "").partition("/")
    return int(upload or 0), int(download or 0)
