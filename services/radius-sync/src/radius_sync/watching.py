"""Whether each RADIUS server answers, asked as a monitor does (Status-Server, RFC 5997).

Its database may be well while it is not running, and the other way round: customers see the one,
provisioning the other.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from sqlalchemy import text

from radius_sync.radius_client import Server, ask_status
from shared.database import Database
from shared.logs import logger
from shared.sealing import unseal

log = logger("watching")
# RFC 5997 section 4.2: no more often than that, and one request at a time.
ASK_SECONDS = 10
# Three seconds of silence are three lost packets, or a server that serves nobody in time.
TIMEOUT, TRIES = 1.0, 3

_TAKE = text(
    "UPDATE target SET radius_asked_at = now() WHERE id IN (SELECT id FROM target"
    " WHERE enabled AND radius_address IS NOT NULL AND (radius_asked_at IS NULL"
    "  OR radius_asked_at <= now() - :pause * interval '1 second') FOR UPDATE SKIP LOCKED)"
    " RETURNING id, name, host(radius_address) AS address, radius_port, radius_secret_sealed,"
    " radius_state"
)
# Of the server that was asked: another may have been named meanwhile.
_ANSWERED = text(
    "UPDATE target SET radius_state = :state, radius_skew = :skew,"
    " radius_seen_at = CASE WHEN :state = 'answering' THEN now() ELSE radius_seen_at END"
    " WHERE id = :id AND radius_address = CAST(:address AS inet) AND radius_port = :port"
)


class Watcher:
    """`kick()` from a timer returns at once; a silent server keeps no other waiting."""

    def __init__(self, database: Database, key: bytes) -> None:
        self.database, self.key = database, key
        self.pool = ThreadPoolExecutor(8, thread_name_prefix="status")

    def kick(self) -> None:
        for target in self._due():
            self.pool.submit(self._ask, target)

    def run(self) -> None:
        """Ask all that are due, and return when all have answered or been given up."""
        for target in self._due():
            self._ask(target)

    def _due(self) -> list[Any]:
        with self.database.transaction() as session:
            return list(session.execute(_TAKE, {"pause": ASK_SECONDS}))

    def _ask(self, target: Any) -> None:
        try:
            self._record(target)
        except Exception as error:
            log.warning("watching.interrupted", target=target.name, error=repr(error)[:300])

    def _record(self, target: Any) -> None:
        secret = unseal(target.radius_secret_sealed, self.key).encode()
        port = target.radius_port
        status = ask_status(Server(target.address, port, port, secret, TIMEOUT, TRIES))
        state = "answering" if status.alive else "silent"
        if state != target.radius_state:
            log.warning("watching.changed", target=target.name, state=state)
        told = {"state": state, "skew": status.skew, "address": target.address, "port": port}
        with self.database.transaction() as session:
            session.execute(_ANSWERED, {**told, "id": target.id})
