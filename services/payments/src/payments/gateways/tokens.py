"""A gateway's access token, one for all processes: granting one for each call gets a merchant barred."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from sqlalchemy import text

from shared.database import Database
from shared.sealing import seal, unseal

Grant = Callable[[], tuple[str, int]]


class Tokens:
    """In memory first, then sealed in `gateway_token`, then granted anew."""

    def __init__(self, database: Database, key: bytes) -> None:
        self.database, self.key = database, key
        self.lock = threading.Lock()
        self.kept: dict[str, tuple[str, float]] = {}

    def get(self, gateway: str, grant: Grant) -> str:
        """`grant` gives a token and for how many seconds; one thread of a process asks at a time."""
        with self.lock:
            token, until = self.kept.get(gateway, ("", 0.0))
            if time.monotonic() >= until:
                token, seconds = self._stored(gateway) or self._granted(gateway, grant)
                self.kept[gateway] = (token, time.monotonic() + seconds)
            return token

    def forget(self, gateway: str, token: str) -> None:
        """The gateway does not take it any more."""
        with self.lock:
            if self.kept.get(gateway, ("", 0.0))[0] == token:
                del self.kept[gateway]
            stored = self._stored(gateway)
            if stored is not None and stored[0] == token:
                with self.database.transaction() as session:
                    session.execute(
                        text("DELETE FROM gateway_token WHERE gateway = :gateway"),
                        {"gateway": gateway},
                    )

    def _stored(self, gateway: str) -> tuple[str, float] | None:
        with self.database.transaction() as session:
            row = session.execute(
                text(
                    "SELECT sealed, extract(epoch FROM expires_at - now()) AS seconds"
                    " FROM gateway_token WHERE gateway = :gateway AND expires_at > now()"
                ),
                {"gateway": gateway},
            ).one_or_none()
        try:
            return None if row is None else (unseal(row.sealed, self.key), float(row.seconds))
        except ValueError:
            # Sealed before the site's key was changed.
            return None

    def _granted(self, gateway: str, grant: Grant) -> tuple[str, float]:
        token, seconds = grant()
        with self.database.transaction() as session:
            session.execute(
                text(
                    "INSERT INTO gateway_token (gateway, sealed, expires_at)"
                    " VALUES (:gateway, :sealed, now() + make_interval(secs => :seconds))"
                    " ON CONFLICT (gateway) DO UPDATE SET sealed = excluded.sealed,"
                    " expires_at = excluded.expires_at"
                ),
                {"gateway": gateway, "sealed": seal(token, self.key), "seconds": seconds},
            )
        return token, float(seconds)
