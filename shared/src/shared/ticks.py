"""The clock of a service. Work is done once per slot, whether zero, one or two beats ring for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

from shared.database import Database

_DONE = text(
    "SELECT EXISTS (SELECT FROM tick"
    " WHERE name = :name AND slot = floor(extract(epoch FROM now()) / :seconds))"
)


def is_done(asked: Session | Connection, name: str, seconds: int) -> bool:
    """Whether the work of the slot that runs now was done."""
    return bool(asked.scalar(_DONE, {"name": name, "seconds": seconds}))


def tick(
    database: Database, name: str, seconds: int, work: Callable[[Session], dict[str, Any] | None]
) -> bool:
    """Do `work` in one transaction, once per slot of `seconds` of the database's clock.

    False when this slot was done already. A failure leaves the slot free for the next ring.
    """
    with database.transaction() as session:
        slot = session.scalar(
            text(
                "INSERT INTO tick (name, slot)"
                " VALUES (:name, floor(extract(epoch FROM now()) / :seconds))"
                " ON CONFLICT DO NOTHING RETURNING slot"
            ),
            {"name": name, "seconds": seconds},
        )
        if slot is None:
            return False
        result = work(session)
        session.execute(
            text(
                "UPDATE tick SET finished_at = clock_timestamp(), result = CAST(:result AS jsonb)"
                " WHERE name = :name AND slot = :slot"
            ),
            {"name": name, "slot": slot, "result": orjson.dumps(result).decode()},
        )
    return True


def tick_outside(
    database: Database, name: str, seconds: int, work: Callable[[], dict[str, Any]]
) -> bool:
    """The same for work of minutes, which opens its own transactions: one that lasts as long would
    hold back everybody's events (`outbox.feed`).

    One at a time in the whole database. What a crash ends is begun anew at the next ring.
    """
    with database.lock(f"tick {name}") as mine:
        if mine is None or is_done(mine, name, seconds):
            return False
        result = work()
        return tick(database, name, seconds, lambda _session: result)
