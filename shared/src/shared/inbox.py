"""Events in: batches pushed over Celery and pulled from feeds take the same way into one transaction.

A handler keeps the fact with its version, so what is not newer changes nothing. An event that a
handler cannot take becomes a dead letter with its error, and blocks nobody else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import orjson
import requests
from psycopg.errors import QueryCanceled
from sqlalchemy import text
from sqlalchemy.orm import Session

from shared.batches import Batch
from shared.database import Database, passes
from shared.events import TYPES, Event, Wire
from shared.logs import logger

log = logger("inbox")
Handler = Callable[[Session, Sequence[Wire]], None]


def _comes_again(error: Exception) -> bool:
    """Not the event is wrong: the feed brings it again.

    A statement that ran out of its time is the event's (or its handler's) own fault: alone in its
    transaction it would do so for ever, and hold up everything behind it.
    """
    return passes(error) and not isinstance(getattr(error, "orig", error), QueryCanceled)


class Subscriptions:
    """Which function of a service hears which event. Built in `subscriptions.py`, used by its worker."""

    def __init__(self, service: str) -> None:
        self.service = service
        self.handlers: dict[str, Handler] = {}

    def hears(self, *events: type[Event]) -> Callable[[Handler], Handler]:
        def register(handler: Handler) -> Handler:
            for event in events:
                if self.service not in event.heard_by:
                    raise LookupError(
                        f"{event.type} is not heard by {self.service}: see shared/events"
                    )
                self.handlers[event.type] = handler
            return handler

        return register

    @property
    def expected(self) -> set[str]:
        return {kind.type for kind in TYPES.values() if self.service in kind.heard_by}


def ring_after_commit(session: Session, task: str, *args: str) -> None:
    """Ask for `task` once the transaction has committed. Best effort: a timer of the worker follows."""
    session.info.setdefault("rings", set()).add((task, args))


Rings = set[tuple[str, tuple[str, ...]]]


Groups = Mapping[Handler, Sequence[Wire]]


def take(
    database: Database, subscriptions: Subscriptions, source: str, events: Iterable[Wire]
) -> Rings:
    """Take events in one transaction; when it fails, each on its own. What to ring for next."""
    groups: dict[Handler, list[Wire]] = {}
    for event in events:
        if handler := subscriptions.handlers.get(event["type"]):
            groups.setdefault(handler, []).append(event)
    return _take(database, source, groups)


def take_message(
    database: Database, subscriptions: Subscriptions, source: str, arrays: Mapping[str, str]
) -> Rings:
    """The same with a message of the relay: for each type of event a JSON array."""
    by_handler: dict[Handler, list[str]] = {}
    for type_, array in arrays.items():
        if handler := subscriptions.handlers.get(type_):
            by_handler.setdefault(handler, []).append(array)
    groups = {handler: Batch.joined(arrays) for handler, arrays in by_handler.items()}
    return _take(database, source, groups)


def _take(database: Database, source: str, groups: Groups) -> Rings:
    try:
        return _take_together(database, groups) if groups else set()
    except Exception as error:
        if _comes_again(error):
            raise
        log.warning("inbox.batch_refused", error=type(error).__name__)
        return _take_singly(database, source, groups)


def _take_together(database: Database, groups: Groups) -> Rings:
    with database.transaction() as session:
        for handler, events in groups.items():
            handler(session, events)
    rings: Rings = session.info.get("rings", set())
    return rings


def _take_singly(database: Database, source: str, groups: Groups) -> Rings:
    rings: Rings = set()
    for handler, event in (
        (handler, event) for handler, events in groups.items() for event in events
    ):
        try:
            rings |= _take_together(database, {handler: [event]})
        except Exception as error:
            if _comes_again(error):
                raise
            log.error("inbox.dead_letter", event_id=event["id"], type=event["type"])
            with database.transaction() as session:
                _bury(session, source, event, error)
    return rings


def _bury(session: Session, source: str, event: Wire, error: Exception) -> None:
    session.execute(
        text(
            "INSERT INTO dead_letter (event_id, source, type, subject, event, error)"
            " VALUES (:id, :source, :type, :subject, CAST(:event AS jsonb), :error)"
            " ON CONFLICT (event_id) DO UPDATE SET attempts = dead_letter.attempts + 1,"
            " last_at = now(), error = excluded.error,"
            " state = CASE dead_letter.state WHEN 'skipped' THEN 'skipped' ELSE 'dead' END"
        ),
        {
            "id": event["id"],
            "source": source,
            "type": event["type"],
            "subject": event["subject"],
            "event": orjson.dumps(event).decode(),
            "error": f"{type(error).__name__}: {error}"[:2000],
        },
    )


def walk(
    database: Database,
    subscriptions: Subscriptions,
    source: str,
    url: str,
    token: Callable[[], str],
    *,
    pages: int = 200,
) -> tuple[int, Rings]:
    """Pull the feed of `source` from where the last walk ended; (events seen, what to ring for).

    One walker per source at a time; the others return at once.
    """
    seen, rings = 0, set[tuple[str, tuple[str, ...]]]()
    with database.lock(f"feed:{source}") as mine:
        if not mine:
            return 0, set()
        for _ in range(pages):
            with database.transaction() as session:
                after = _cursor(session, source)
            page = _page(f"{url}/v1/events", after, subscriptions.expected, token())
            if page["items"]:
                rings |= take(database, subscriptions, source, page["items"])
            seen += len(page["items"])
            with database.transaction() as session:
                _advance(session, source, page["next_cursor"])
            if page["next_cursor"] == after or len(page["items"]) < 500:
                break
    return seen, rings


def _cursor(session: Session, source: str) -> str:
    cursor = session.scalar(
        text("SELECT cursor FROM feed_cursor WHERE source = :source"), {"source": source}
    )
    return cursor or "0.0"


def _advance(session: Session, source: str, cursor: str) -> None:
    session.execute(
        text(
            "INSERT INTO feed_cursor (source, cursor) VALUES (:source, :cursor)"
            " ON CONFLICT (source) DO UPDATE SET cursor = excluded.cursor, walked_at = now()"
        ),
        {"source": source, "cursor": cursor},
    )


def _page(url: str, after: str, types: Iterable[str], token: str) -> Any:
    answer = requests.get(
        url,
        params={"after": after, "limit": "500", "type": ",".join(sorted(types))},
        headers={"Authorization": f"Bearer {token}"},
        timeout=(2, 20),
    )
    answer.raise_for_status()
    return answer.json()


class NotDead(LookupError):
    """There is no open dead letter with this id."""


def replay(database: Database, subscriptions: Subscriptions, event_id: str) -> Rings:
    """Take a dead letter again; it stays dead, with the new error, when that fails too."""
    with database.transaction() as session:
        letter = session.execute(
            text("SELECT source, event FROM dead_letter WHERE event_id = :id AND state = 'dead'"),
            {"id": event_id},
        ).one_or_none()
        if letter is None:
            raise NotDead(event_id)
        # Set first: when the event fails again, burying it sets it back.
        session.execute(
            text("UPDATE dead_letter SET state = 'replayed' WHERE event_id = :id"), {"id": event_id}
        )
    return take(database, subscriptions, letter.source, [letter.event])


def skip(session: Session, event_id: str) -> None:
    done = session.execute(
        text("UPDATE dead_letter SET state = 'skipped' WHERE event_id = :id AND state = 'dead'"),
        {"id": event_id},
    )
    if done.rowcount == 0:  # type: ignore[attr-defined]
        raise NotDead(event_id)
