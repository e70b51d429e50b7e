"""The simulated NAS's session table."""

import itertools
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from radius_sync.protocol import Value

# How RFC 5176 section 3 names a session, and what of a session answers to it.
IDENTIFICATION = {
    "User-Name": "username",
    "Acct-Session-Id": "session_id",
    "Framed-IP-Address": "framed_ip",
    "Calling-Station-Id": "calling_station_id",
    "NAS-Port": "nas_port",
}
NAS_IDENTIFICATION = ("NAS-IP-Address", "NAS-IPv6-Address", "NAS-Identifier")


@dataclass(frozen=True, slots=True)
class Session:
    """One subscriber online. `attributes` are those of the Access-Accept, then of CoA-Requests;
    `started` is Unix time.
    """

    username: str
    session_id: str
    framed_ip: str
    nas_port: int
    calling_station_id: str
    started: float = 0.0
    password: str = field(default="", repr=False)
    accounting_class: bytes | None = None
    attributes: tuple[tuple[str, Value], ...] = ()

    def value(self, name: str) -> Value | None:
        """The last value of an attribute."""
        return dict(self.attributes).get(name)

    @property
    def rate(self) -> Value | None:
        """The rate limit of a MikroTik."""
        return self.value("Mikrotik-Rate-Limit")

    @property
    def address_list(self) -> Value | None:
        """The address list of a MikroTik: the walled garden, for instance."""
        return self.value("Mikrotik-Address-List")


class SessionTable:
    """Who is online. Safe for the threads of the simulator and of a test."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sessions: dict[str, Session] = {}
        self._by_username: dict[str, set[str]] = {}
        self._numbers = itertools.count(1)

    def number(self) -> int:
        """A number that no session had before, for ids, ports and addresses."""
        with self._lock:
            return next(self._numbers)

    def add(self, session: Session) -> None:
        """A session begins."""
        with self._lock:
            self._sessions[session.session_id] = session
            self._by_username.setdefault(session.username, set()).add(session.session_id)

    def remove(self, session_id: str) -> Session | None:
        """A session ends; None if it had ended."""
        with self._lock:
            session = self._sessions.pop(session_id, None)
            if session:
                self._by_username[session.username].discard(session_id)
            return session

    def change(self, session_id: str, attributes: Iterable[tuple[str, Value]]) -> None:
        """New values for attributes of a session, all at once; those not named stay."""
        with self._lock:
            session = self._sessions[session_id]
            named = dict(attributes)
            kept = tuple(pair for pair in session.attributes if pair[0] not in named)
            self._sessions[session_id] = replace(session, attributes=(*kept, *named.items()))

    def matching(self, wanted: dict[str, Value]) -> list[Session]:
        """The sessions that fit every identification attribute (RFC 5176 section 3)."""
        with self._lock:
            ids: Iterable[str] = self._sessions
            if "Acct-Session-Id" in wanted:
                ids = (str(wanted["Acct-Session-Id"]),)
            elif "User-Name" in wanted:
                ids = self._by_username.get(str(wanted["User-Name"]), ())
            found = [self._sessions[each] for each in ids if each in self._sessions]
        return [
            session
            for session in found
            if all(getattr(session, IDENTIFICATION[key]) == wanted[key] for key in wanted)
        ]

    def snapshot(self) -> list[Session]:
        """All sessions as they are now."""
        with self._lock:
            return list(self._sessions.values())

    def __len__(self) -> int:
        return len(self._sessions)


def shared_address(number: int) -> str:
    """An address of 100.64.0.0/10 (RFC 6598) for a session that was given none."""
    return f"100.{64 + (number >> 16) % 64}.{number >> 8 & 255}.{number & 255}"
