"""The end of an erasure: searched in every place that may hold the erased, then certified.

The places that all erasures share, Redis and the logs, are read once for all that are ready. Whoever is
named there waits: what is left is told in `leftovers`, with what to do, and is looked for again after ten
times as long as the look took; until it is gone, or a person accepts it as it stands, with a reason that
is certified too. A crash or a Redis that is away certifies nothing, and the next round begins anew.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

import orjson
from joserfc import jws
from redis.exceptions import RedisError
from sqlalchemy import text
from sqlalchemy.orm import Session

from customers import erasure_searches, leftovers, signing_keys
from customers.certificates import canonical, document
from customers.leftovers import Needles, files, logs, places, redis_keys, tables
from customers.leftovers.places import Find, Searched
from customers.leftovers.redis_files import NotWritten
from customers.leftovers.words import Matcher
from customers.settings import Settings
from shared import operations
from shared.database import Database
from shared.exporting import folder_of
from shared.logs import logger
from shared.operations import SYSTEM
from shared.tokens import ALGORITHM

log = logger("certifying")
# In one reading of the shared places: their needles are in memory, a kilobyte or two a person.
PERSONS_AT_ONCE = 100_000
# Searching takes an eleventh of the time at most; what was mended is seen within seconds to an hour.
REST, SHORTEST_REST, LONGEST_REST = 10, 10.0, 3600.0
AWAY = "Redis cannot be read now; it is tried again"

_READY = text(
    "SELECT id, done FROM (SELECT id, done, requested_at, sum(done) OVER ("
    "  ORDER BY requested_at, id) - done AS before FROM erasure e"
    "  WHERE state = 'running' AND search_at <= now() AND NOT EXISTS (SELECT FROM erasure_subject s"
    "   WHERE s.erasure_id = e.id AND s.state IN ('waiting', 'erasing'))"
    # What a restored backup could bring back is not proved gone (F36).
    "  AND NOT EXISTS (SELECT FROM erasure_subject s WHERE s.erasure_id = e.id"
    "   AND s.state = 'done' AND NOT s.filed)"
    f"  AND (done = 0 OR {erasure_searches.SAID})) AS ready"
    " WHERE before < :most ORDER BY requested_at, id"
)
_POSTPONE = text(
    "UPDATE erasure SET leftovers = CAST(:found AS jsonb), searched_at = now(),"
    " search_at = now() + :rest * interval '1 second' WHERE id = :id AND state = 'running'"
)
# What was found before names keys and files, and is not in the books.
_FORGET_FOUND = text("UPDATE erasure SET leftovers = NULL WHERE id = :id AND leftovers IS NOT NULL")
_ACCEPTED = text("SELECT accepted FROM erasure WHERE id = :id")


def certify_due(database: Database, settings: Settings) -> int:
    """Search, certify and end every erasure whose subjects have their verdicts; how many ended."""
    with database.lock("certificates") as mine:
        if not mine:
            return 0
        with database.transaction() as session:
            erasure_searches.ask(session)
        with database.transaction() as session:
            ready = session.execute(_READY, {"most": PERSONS_AT_ONCE}).all()
        ended = sum(_refuse(database, row.id) for row in ready if row.done == 0)
        with database.transaction() as session:
            wanted = {
                row.id: leftovers.needles(session, row.id, settings.secret_key)
                for row in ready
                if row.done
            }
        return ended + (_certify_all(database, settings, wanted) if wanted else 0)


def _certify_all(database: Database, settings: Settings, wanted: Mapping[UUID, Needles]) -> int:
    # Work, not waiting: a machine that stalls for a moment makes nobody wait ten times as long.
    began, ended = time.thread_time(), 0
    shared = _in_shared_places(settings, wanted.values())
    rest = min(max(REST * (time.thread_time() - began), SHORTEST_REST), LONGEST_REST)
    told = {name: place.told for name, place in shared.items()}
    for erasure_id, needles in wanted.items():
        hits = [hit for place in shared.values() for hit in place.of(needles)]
        with database.transaction() as session:
            accepted = session.scalar(_ACCEPTED, {"id": erasure_id})
            if hits and accepted is None:
                _hold_back(session, erasure_id, {**told, "hits": hits}, rest)
                continue
            session.execute(_FORGET_FOUND, {"id": erasure_id})
        found = told | _in_own_places(database, settings, erasure_id, needles)
        found["hits"] = hits + found["hits"]
        if hits:
            found["accepted"] = accepted
        with database.transaction() as session:
            ended += certify(session, erasure_id, found, settings.secret_key)
    return ended


def _in_shared_places(settings: Settings, wanted: Iterable[Needles]) -> dict[str, Searched]:
    """Redis and the logs, for all persons at once."""
    everybody = places.union(wanted)
    matcher = Matcher(everybody.words, everybody.phrases)
    return {
        "redis": _in_redis(settings.redis_url, matcher),
        "logs": logs.search(settings.log_folder, matcher),
    }


def _in_redis(url: str, matcher: Matcher) -> Searched:
    try:
        return redis_keys.search(url, matcher)
    except (RedisError, NotWritten) as error:
        log.warning("certifying.redis_away", error=type(error).__name__)
        find = Find({"redis": "all of it", "unreadable": True, "do": "see that it answers"})
        return Searched({"searched": False, "because": AWAY}, [find])


def _in_own_places(
    database: Database, settings: Settings, erasure_id: UUID, needles: Needles
) -> dict[str, Any]:
    """This database and its exports. Reads for as long as it takes; nothing is locked meanwhile."""
    with database.transaction() as session:
        found = tables.search(session, erasure_id, needles)
    in_files = files.search(folder_of(settings), needles)
    return found | {"files": in_files["files"], "hits": found["hits"] + in_files["hits"]}


def _hold_back(session: Session, erasure_id: UUID, found: dict[str, Any], rest: float) -> None:
    told = {"id": erasure_id, "found": orjson.dumps(found).decode(), "rest": rest}
    session.execute(_POSTPONE, told)
    log.error("erasure.held_back", erasure_id=str(erasure_id), places=len(found["hits"]))


def _refuse(database: Database, erasure_id: UUID) -> int:
    with database.transaction() as session:
        session.execute(
            text(
                "UPDATE erasure SET state = 'refused', finished_at = now()"
                " WHERE id = :id AND state = 'running'"
            ),
            {"id": erasure_id},
        )
    return 1


def certify(session: Session, erasure_id: UUID, found: dict[str, Any], secret: bytes) -> int:
    """End the erasure with its certificate, once; 0 when it has one already."""
    said = erasure_searches.said(session, erasure_id)
    ended = session.execute(
        text(
            "UPDATE erasure SET state = 'done', finished_at = now(), searched_at = now(),"
            " leftovers = CAST(:found AS jsonb) WHERE id = :id AND state = 'running' RETURNING *"
        ),
        {"id": erasure_id, "found": orjson.dumps(found | {"services": said}).decode()},
    ).one_or_none()
    if ended is None:
        return 0
    hits = [*found["hits"], *(hit for one in said.values() for hit in one["hits"])]
    if hits:
        log.error("erasure.leftovers", erasure_id=str(erasure_id), places=len(hits))
    key = signing_keys.current(session, secret)
    made = document(session, ended, {"customers": found, **said})
    payload = canonical(made)
    compact = jws.serialize_compact(
        {"alg": ALGORITHM, "kid": key.kid}, payload, key, algorithms=[ALGORITHM]
    )
    session.execute(
        text(
            "INSERT INTO certificate (erasure_id, operator_path, document, signature, kid)"
            " VALUES (:id, :path, CAST(:document AS jsonb), :signature, :kid)"
        ),
        {
            "id": erasure_id,
            "path": ended.operator_path,
            "document": payload.decode(),
            "signature": jws.detach_content(compact),
            "kid": key.kid,
        },
    )
    leftovers.forget(session, erasure_id)
    operations.record(
        session, SYSTEM, "erasure.certified", "erasure", erasure_id,
        operator_path=ended.operator_path, personal=False,
        after={"sha256": hashlib.sha256(payload).hexdigest(), "kid": key.kid, "done": ended.done},
    )  # fmt: skip
    return 1
