"""The RFC 5176 side of the simulated NAS, without sockets: a datagram in, a reply out.

It is strict on purpose: it wants Message-Authenticator and a fresh Event-Timestamp, NAKs what it
does not know, and remembers what it answered (RFC 5080 section 2.2.2), so that a test can prove
one effect for any number of copies of a request.
"""

from collections import Counter
from collections.abc import Callable

from radius_sync.nas_simulator.faults import Faults
from radius_sync.nas_simulator.sessions import (
    IDENTIFICATION,
    NAS_IDENTIFICATION,
    Session,
    SessionTable,
)
from radius_sync.protocol import EVENT_WINDOW_SECONDS, Code, Drop, Value
from radius_sync.radius import Message, encode_answer, read_dynamic
from radius_sync.vendors import Vendor

# Attributes every request may carry beside those that identify and those that change.
ENVELOPE = {"Message-Authenticator", "Event-Timestamp", "Proxy-State"}
# RFC 5176 section 3.6: what a Disconnect-Request may hold for the NAS's information.
DISCONNECT_EXTRAS = {"Acct-Terminate-Cause", "Class"}
COA_EXTRAS = {"Session-Timeout", "Idle-Timeout", "Filter-Id", "Class"}
ANSWER = {
    Code.DISCONNECT_REQUEST: (Code.DISCONNECT_ACK, Code.DISCONNECT_NAK),
    Code.COA_REQUEST: (Code.COA_ACK, Code.COA_NAK),
}

Source = tuple[str, int]


class DynamicAuthorization:
    """`effects` counts (kind, session id); `seen` what came in; `captured` keeps the datagrams."""

    def __init__(
        self,
        secret: bytes,
        table: SessionTable,
        faults: Faults,
        vendor: Vendor,
        identity: dict[str, str],
        on_cut: Callable[[Session], None],
        unix_time: Callable[[], float],
    ) -> None:
        self.effects: Counter[tuple[str, str]] = Counter()
        self.seen: Counter[str] = Counter()
        self.captured: list[tuple[Source, bytes]] | None = None
        self._secret = secret
        self._table = table
        self.faults = faults
        self._changes = COA_EXTRAS | {
            name.partition(":")[0] for pairs in vendor.changes.values() for name, _ in pairs
        }
        self._identity = identity
        self._on_cut = on_cut
        self._unix_time = unix_time
        self._answered: dict[tuple[str, int, int, bytes], tuple[float, bytes]] = {}

    def answer(self, datagram: bytes, source: Source) -> bytes | None:
        """The reply, or None for silence."""
        if self.captured is not None:
            self.captured.append((source, datagram))
        if self.faults.loses_request():
            self.seen["lost"] += 1
            return None
        now = self._unix_time()
        request = read_dynamic(self._secret, datagram, now=now)
        if isinstance(request, Drop):
            self.seen[request.value] += 1
            return None
        if not request.signed or request.timestamp is None:
            self.seen["unsigned" if not request.signed else "undated"] += 1
            return None
        reply = self._once(request, (*source, request.identifier, datagram[4:20]), now)
        return None if self.faults.loses_reply() else reply

    def _once(self, request: Message, key: tuple[str, int, int, bytes], now: float) -> bytes:
        until, reply = self._answered.get(key, (0.0, b""))
        if until > now:
            self.seen["duplicate"] += 1
            return reply
        self.seen["request"] += 1
        cause = self._act(request)
        ack, nak = ANSWER[request.code]
        details = (("Error-Cause", cause),) if cause else ()
        signed = self.faults.sign_replies
        code = ack if cause is None else nak
        reply = encode_answer(request, code, details, signed=signed)
        self._remember(key, now, reply)
        return reply

    def _remember(self, key: tuple[str, int, int, bytes], now: float, reply: bytes) -> None:
        self._answered[key] = (now + EVENT_WINDOW_SECONDS, reply)
        while (oldest := next(iter(self._answered))) and self._answered[oldest][0] <= now:
            del self._answered[oldest]

    def _act(self, request: Message) -> int | None:
        """Do what the request says; the Error-Cause if it is refused, None if done."""
        cause = self.faults.scripted_nak()
        if cause is not None:
            return cause
        wanted: dict[str, Value] = {}
        changes: list[tuple[str, Value]] = []
        for name, value in request.attributes:
            if name in NAS_IDENTIFICATION:
                if self._identity.get(name) != value:
                    return 403
            elif name in IDENTIFICATION:
                wanted[name] = value
            elif request.code == Code.COA_REQUEST and name in self._changes:
                changes.append((name, value))
            elif name not in ENVELOPE and not self._informs(request, name):
                return 401
        if not wanted or (request.code == Code.COA_REQUEST and not changes):
            return 402
        return self._apply(request.code, wanted, changes)

    def _informs(self, request: Message, name: str) -> bool:
        return request.code == Code.DISCONNECT_REQUEST and name in DISCONNECT_EXTRAS

    def _apply(
        self, code: Code, wanted: dict[str, Value], changes: list[tuple[str, Value]]
    ) -> int | None:
        found = self._table.matching(wanted)
        if len(found) != 1:
            return 508 if found else 503
        session = found[0]
        if self.faults.lie:
            return None
        if code == Code.COA_REQUEST:
            self._table.change(session.session_id, changes)
            self.effects["coa", session.session_id] += 1
        elif self._table.remove(session.session_id):
            self.effects["disconnect", session.session_id] += 1
            self._on_cut(session)
        return None
