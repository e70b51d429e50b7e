"""Accounting against what each NAS itself says of its sessions (`inventory`).

A Stop that was lost leaves a session open here that nobody is in: its login may not come back under
Simultaneous-Use, its address seems taken. A Start that was lost leaves somebody online whom no
Disconnect reaches. A NAS that does not answer is reported, and nothing is concluded from its silence.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Lock
from typing import Any
from uuid import UUID

import psycopg
from sqlalchemy import text
from sqlalchemy.orm import Session

from radius_sync.inventory import Listed, Unanswered, ask
from radius_sync.reconciling import reporting
from radius_sync.reconciling.comparing import Drift
from shared.database import Database
from shared.operations import Actor
from shared.sealing import unseal

LOST, STRAY = "session_unknown_to_nas", "session_unknown_to_accounting"
# A live session tells of itself every 300 s: one that neither the NAS nor accounting has told of for
# longer is over. A Start that is retransmitted has come after a minute.
GRACE_SECONDS = {LOST: 400, STRAY: 60}
ASKED_AT_ONCE = 16

_NASES = text(
    "SELECT id, name, host(address) AS address, sessions_url, sessions_token_sealed,"
    " clock_timestamp() AS asked_at FROM nas_device WHERE sessions_url IS NOT NULL ORDER BY name"
)
_LISTED = text(
    "CREATE TEMPORARY TABLE listed (session_id text, username text, framed inet,"
    " started timestamptz) ON COMMIT DROP"
)
# Open here, and heard of before the NAS was asked, but not on its list.
_LOST = text(
    "CREATE TEMPORARY TABLE apart ON COMMIT DROP AS"
    " SELECT a.acctuniqueid AS session, a.username, a.framedipaddress AS framed,"
    "  a.acctstarttime AS started, coalesce(a.acctupdatetime, a.acctstarttime) AS heard_at"
    " FROM radacct a WHERE a.nasipaddress = CAST(:address AS inet) AND a.acctstoptime IS NULL"
    " AND a.username IS NOT NULL AND coalesce(a.acctupdatetime, a.acctstarttime) < :asked_at"
    " AND NOT EXISTS (SELECT FROM listed l WHERE l.session_id = a.acctsessionid"
    "  AND l.username = lower(a.username))"
)
_STRAY = text(
    "CREATE TEMPORARY TABLE apart ON COMMIT DROP AS"
    " SELECT DISTINCT ON (l.session_id) l.session_id AS session, l.username, l.framed, l.started,"
    "  CAST('-infinity' AS timestamptz) AS heard_at"
    " FROM listed l WHERE NOT EXISTS (SELECT FROM radacct a"
    "  WHERE a.nasipaddress = CAST(:address AS inet) AND a.acctstoptime IS NULL"
    "  AND a.acctsessionid = l.session_id AND lower(a.username) = l.username)"
    " ORDER BY l.session_id"
)
# Found again by the other side meanwhile: the grace begins anew when it is lost once more.
_FORGET = text(
    "DELETE FROM session_apart p WHERE p.nas_id = :nas AND p.kind = :kind"
    " AND NOT EXISTS (SELECT FROM apart a WHERE a.session = p.session AND a.heard_at <= p.since)"
)
_REMEMBER = text(
    "INSERT INTO session_apart (nas_id, kind, session) SELECT :nas, :kind, session FROM apart"
    " ON CONFLICT DO NOTHING"
)
_SETTLED = (
    " FROM apart a JOIN session_apart p ON p.nas_id = :nas AND p.kind = :kind AND p.session = a.session"
    " AND p.since <= now() - :grace * interval '1 second' LEFT JOIN login l ON l.username = a.username"
)
# A session that is being ended is not told of again; one that could not be, a quarter of an hour later.
_UNORDERED = (
    " WHERE NOT EXISTS (SELECT FROM disconnect_order o WHERE o.acctuniqueid = :prefix || a.session"
    " AND o.kind = 'disconnect' AND (o.state IN ('due', 'sent', 'deferred', 'acked')"
    "  OR o.finished_at > now() - interval '15 minutes'))"
)
_FOUND = (
    "SELECT a.session, a.username, l.customer_id, l.groupname IS NOT NULL AS entitled, p.since"
    + _SETTLED
)
_CLOSE = text(
    "SELECT count(*) FROM unnest(CAST(:sessions AS text[])) AS s(id)"
    " WHERE close_session(s.id, 'Lost-Service')"
)
_ORDER = text(
    "INSERT INTO disconnect_order AS d (id, acctuniqueid, acctsessionid, nas_address, username,"
    " framed_address, session_started_at, customer_id, operator_path, kind, generation, reason,"
    " unaccounted)"
    " SELECT gen_random_uuid(), :prefix || a.session, a.session, CAST(:address AS inet), a.username,"
    " a.framed, a.started, l.customer_id, coalesce(l.operator_path, ''), 'disconnect',"
    " coalesce(l.access_generation, 0), coalesce(l.reason, 'unknown_login'), true"
    + _SETTLED
    + " WHERE a.session = ANY(:sessions) ORDER BY a.session"
    " ON CONFLICT (acctuniqueid, kind, generation) DO UPDATE SET state = 'due',"
    " not_before = now(), finished_at = NULL, confirmed_by = NULL, advice = NULL"
)
_HEARD = text(
    "UPDATE nas_device SET sessions_state = 'listed', sessions_listed = :number,"
    " sessions_listed_at = :asked_at, sessions_error = NULL WHERE id = :nas"
)
_SILENT = text(
    "UPDATE nas_device SET sessions_state = 'silent', sessions_error = :error WHERE id = :nas"
)


@dataclass(frozen=True)
class Run:
    """One reconciliation: its report, who asked for it, and how much it may repair of each NAS."""

    database: Database
    identity: UUID
    heal: bool
    actor: Actor
    most: int


def compare_all(run: Run, key: bytes, *, loopback: bool) -> int:
    """Ask every NAS that has an address for it, side by side, and compare; how much was repaired."""
    with run.database.transaction() as session:
        nases = session.execute(_NASES).all()
    comparing = Lock()

    def one(nas: Any) -> int:
        answer = _ask(nas, key, loopback)
        with comparing:  # for which one connection is enough
            return _compare(run, nas, answer)

    # No more lists are in memory than are asked for at once.
    with ThreadPoolExecutor(ASKED_AT_ONCE, thread_name_prefix="inventory") as pool:
        return sum(pool.map(one, nases))


def _ask(nas: Any, key: bytes, loopback: bool) -> list[Listed] | Unanswered:
    try:
        sealed = nas.sessions_token_sealed
        return ask(nas.sessions_url, unseal(sealed, key) if sealed else None, loopback=loopback)
    except Unanswered as error:
        return error


def _compare(run: Run, nas: Any, answer: list[Listed] | Unanswered) -> int:
    try:
        return _take(run, nas, answer)
    except psycopg.DataError as error:
        # What this one lists must not keep the others from being compared.
        return _take(run, nas, Unanswered(f"a value that no session has ({type(error).__name__})"))


def _take(run: Run, nas: Any, answer: list[Listed] | Unanswered) -> int:
    place = f"nas:{nas.name}"
    with run.database.transaction() as session:
        session.execute(text("SET LOCAL statement_timeout = '2min'"))
        # Two reconciliations at once compare one after the other.
        session.execute(
            text("SELECT pg_advisory_xact_lock(hashtextextended(CAST(:nas AS text), 5))"),
            {"nas": nas.id},
        )
        if isinstance(answer, Unanswered):
            session.execute(_SILENT, {"nas": nas.id, "error": str(answer)})
            away = Drift("nas_away", None, None, f"{nas.sessions_url}: {answer}")
            reporting.report(session, run.identity, place, [away])
            return 0
        heard = {"nas": nas.id, "number": len(answer), "asked_at": nas.asked_at}
        session.execute(_HEARD, heard)
        _keep(session, answer)
        drift, repaired = _lost(session, run, nas)
        more, ended = _stray(session, run, nas)
        reporting.report(session, run.identity, place, [*drift, *more], [*repaired, *ended])
        if repaired or ended:
            reporting.log(session, run.actor, place, [*repaired, *ended])
    return len(repaired) + len(ended)


def _keep(session: Session, answer: Sequence[Listed]) -> None:
    session.execute(_LISTED)
    driver: Any = session.connection().connection.driver_connection
    with driver.cursor().copy("COPY listed FROM STDIN") as sink:
        for one in answer:
            sink.write_row((one.session_id, one.username, one.framed_address, one.started))
    session.execute(text("ANALYZE listed"))


def _lost(session: Session, run: Run, nas: Any) -> tuple[list[Drift], list[Drift]]:
    """What is open here and not there, and what of it is closed now."""
    values = _find(session, _LOST, LOST, nas)
    found = session.execute(text(_FOUND + " ORDER BY a.session"), values).all()
    drift = [
        Drift(
            LOST, one.username, one.customer_id,
            f"session {one.session} on {nas.address}: not there since {one.since:%FT%TZ}",
        )
        for one in found
    ]  # fmt: skip
    chosen = [one.session for one in found[: run.most]] if run.heal else []
    if chosen:
        session.execute(_CLOSE, {"sessions": chosen})
    return drift, drift[: len(chosen)]


def _stray(session: Session, run: Run, nas: Any) -> tuple[list[Drift], list[Drift]]:
    """What is there and not here, and what of it is ended now: who may be online stays."""
    values = _find(session, _STRAY, STRAY, nas) | {"prefix": f"nas:{nas.id}:"}
    query = _FOUND + _UNORDERED + " ORDER BY entitled, a.session"
    found = session.execute(text(query), values).all()
    drift = [
        Drift(
            STRAY, one.username, one.customer_id, f"session {one.session} on {nas.address}: not here",
        )
        for one in found
    ]  # fmt: skip
    barred = [one.session for one in found if not one.entitled]
    chosen = barred[: run.most] if run.heal else []
    if chosen:
        session.execute(_ORDER, values | {"sessions": chosen, "address": nas.address})
    return drift, drift[: len(chosen)]


def _find(session: Session, query: Any, kind: str, nas: Any) -> dict[str, Any]:
    """Fill the table `apart`, and remember since when: the parameters for what comes after."""
    values = {"nas": nas.id, "kind": kind}
    session.execute(text("DROP TABLE IF EXISTS apart"))
    session.execute(query, {"address": nas.address, "asked_at": nas.asked_at})
    session.execute(_FORGET, values)
    session.execute(_REMEMBER, values)
    return values | {"grace": GRACE_SECONDS[kind]}
