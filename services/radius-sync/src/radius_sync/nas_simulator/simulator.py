"""A NAS with subscribers: it logs them in, accounts for them, and can be told to cut them."""

import logging
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Self

from radius_sync.nas_simulator.dynamic_authorization import DynamicAuthorization
from radius_sync.nas_simulator.faults import Faults
from radius_sync.nas_simulator.link import Clockwork, DynamicAuthorizationPort
from radius_sync.nas_simulator.login import Method, account, authenticate
from radius_sync.nas_simulator.sessions import Session, SessionTable, shared_address
from radius_sync.protocol import Attributes, Code, Value
from radius_sync.radius_client import NoAnswer, Server
from radius_sync.vendors import VENDORS

# With 10,000 sessions and a tenth of all datagrams lost, 70 exchanges wait at any time.
CALLERS = 128
log = logging.getLogger(__name__)

# What a made-up subscriber moves, in bytes a second.
UPLOAD, DOWNLOAD = 50_000, 400_000
GIGAWORD = 2**32
UNITS = ("Gigawords", "Octets")


class NasSimulator:
    """One NAS. Without `server` it only has the sessions a test adds.

    `redial_after` seconds a subscriber that was cut or refused tries again (None: never);
    `interim_every` seconds each session is accounted for; `send_stop=False` loses the
    Accounting-Stop after a cut. Close it, or use it as a context manager.
    """

    def __init__(
        self,
        secret: bytes,
        *,
        address: str = "127.0.0.1",
        coa_port: int = 0,
        server: Server | None = None,
        vendor: str = "mikrotik",
        nas_ip: str = "127.0.0.1",
        nas_identifier: str = "nas-simulator",
        method: Method = Method.PAP,
        faults: Faults | None = None,
        redial_after: float | None = None,
        interim_every: float | None = None,
        send_stop: bool = True,
    ) -> None:
        self.refused: dict[str, str] = {}
        self.unanswered: Counter[str] = Counter()
        self._table = SessionTable()
        self._server = server
        self._method = method
        self._redial_after = redial_after
        self._interim_every = interim_every
        self._send_stop = send_stop
        self._identity = {"NAS-IP-Address": nas_ip, "NAS-Identifier": nas_identifier}
        self._boot = f"{int(time.time()):08x}"
        self._callers = ThreadPoolExecutor(max_workers=CALLERS, thread_name_prefix="nas-login")
        self._clockwork = Clockwork()
        self.authority = DynamicAuthorization(
            secret, self._table, faults or Faults(), VENDORS[vendor], self._identity,
            self._was_cut, time.time,
        )  # fmt: skip
        self._link = DynamicAuthorizationPort(address, coa_port, self.authority)

    @property
    def coa_port(self) -> int:
        """Where CoA- and Disconnect-Requests are taken."""
        return self._link.port

    @property
    def sessions(self) -> list[Session]:
        """Who is online now."""
        return self._table.snapshot()

    @property
    def effects(self) -> Counter[tuple[str, str]]:
        """How often ("disconnect" or "coa", session id) took effect."""
        return self.authority.effects

    @property
    def seen(self) -> Counter[str]:
        """What came in: `request`, `duplicate`, `lost`, and the causes of silence."""
        return self.authority.seen

    @property
    def faults(self) -> Faults:
        """The knobs, to turn while it runs."""
        return self.authority.faults

    def script(self, faults: Faults) -> None:
        """From now on these faults and no others."""
        self.authority.faults = faults

    def add_session(self, username: str, *, attributes: Attributes = ()) -> Session:
        """A session out of nothing: no login, no accounting."""
        session = self._new(username, "", tuple(attributes))
        self._table.add(session)
        return session

    def dial(self, username: str, password: str) -> Session | None:
        """Log in and start accounting; None (and a reason in `refused`) if access is refused.

        Raises NoAnswer when the server is silent.
        """
        server = self._known_server()
        session = self._new(username, password)
        reply = authenticate(server, session, self._method, self._nas())
        if reply.code != Code.ACCESS_ACCEPT:
            self.refused[username] = str(reply.first("Reply-Message") or "Access-Reject")
            self._redial_later(session)
            return None
        self.refused.pop(username, None)
        session = self._new(username, password, reply.attributes, session)
        self._table.add(session)
        # A lost Start ends no session: the interims tell of it.
        self._account(session, "Start")
        if self._interim_every:
            self._clockwork.after(self._interim_every, lambda: self._interim(session.session_id))
        return session

    def dial_all(self, credentials: list[tuple[str, str]]) -> list[str]:
        """Log many in, side by side; who got no answer, which is counted in `unanswered` too."""
        known = list(self._callers.map(lambda pair: self._try_dial(*pair), credentials))
        return [name for (name, _), told in zip(credentials, known, strict=True) if not told]

    def hang_up(self, session_id: str, cause: str = "User-Request") -> None:
        """The subscriber (or the line) ends the session."""
        if session := self._table.remove(session_id):
            self._stop(session, cause)

    def reboot(self, *, announce: bool = True) -> None:
        """All sessions are gone without a Stop; with `announce` the server hears Accounting-On."""
        for session in self._table.snapshot():
            self._table.remove(session.session_id)
        if announce and self._server:
            account(self._server, (*self._nas(), ("Acct-Status-Type", "Accounting-On")))

    def close(self) -> None:
        """Stop listening and dialling; sessions still online are simply gone."""
        self._link.close()
        self._clockwork.close()
        self._callers.shutdown(cancel_futures=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _known_server(self) -> Server:
        if self._server is None:
            raise ValueError("this simulator was given no RADIUS server to log in at")
        return self._server

    def _nas(self) -> list[tuple[str, Value]]:
        return [*self._identity.items()]

    def _new(
        self, username: str, password: str, attributes: Attributes = (), old: Session | None = None
    ) -> Session:
        number = old.nas_port if old else self._table.number()
        given, stamp = dict(attributes), number.to_bytes(4).hex(":")
        accounting_class = given.get("Class")
        return Session(
            username=username,
            password=password,
            session_id=f"{self._boot}{number:08x}",
            framed_ip=str(given.get("Framed-IP-Address", shared_address(number))),
            nas_port=number,
            calling_station_id=f"02:00:{stamp}".upper(),
            started=time.time(),
            accounting_class=accounting_class if isinstance(accounting_class, bytes) else None,
            attributes=tuple(pair for pair in attributes if pair[0] != "Message-Authenticator"),
        )

    def _try_dial(self, username: str, password: str) -> bool:
        try:
            self.dial(username, password)
            return True
        except NoAnswer as error:
            self.unanswered["login"] += 1
            # Nobody's login: logs hold ids only.
            log.warning("login: %s", error)
            self._redial_later(self._new(username, password))
            return False

    def _redial_later(self, session: Session) -> None:
        if self._redial_after is None or not session.password:
            return
        again = (session.username, session.password)
        self._clockwork.after(
            self._redial_after, lambda: self._callers.submit(self._try_dial, *again)
        )

    def _was_cut(self, session: Session) -> None:
        if self._server and self._send_stop:
            self._callers.submit(self._stop, session, "Admin-Reset")
        self._redial_later(session)

    def _interim(self, session_id: str) -> None:
        for session in self._table.matching({"Acct-Session-Id": session_id}):
            self._callers.submit(self._account, session, "Interim-Update")
            if self._interim_every:
                self._clockwork.after(self._interim_every, lambda: self._interim(session_id))

    def _stop(self, session: Session, cause: str) -> None:
        self._account(session, "Stop", cause)

    def _account(self, session: Session, status: str, cause: str | None = None) -> None:
        if self._server is None:
            return
        ended = (("Acct-Terminate-Cause", cause),) if cause else ()
        try:
            account(self._server, (*self._accounting(session, status), *ended))
        except NoAnswer as error:
            self.unanswered[status] += 1
            log.warning("accounting of session %s: %s", session.session_id, error)

    def _accounting(self, session: Session, status: str) -> list[tuple[str, Value]]:
        online = int(time.time() - session.started)
        up, down = divmod(online * UPLOAD, GIGAWORD), divmod(online * DOWNLOAD, GIGAWORD)
        labels = [("Class", session.accounting_class)] if session.accounting_class else []
        return [
            ("Acct-Status-Type", status),
            ("User-Name", session.username),
            *self._nas(),
            ("NAS-Port", session.nas_port),
            ("NAS-Port-Type", "Ethernet"),
            ("Service-Type", "Framed-User"),
            ("Framed-Protocol", "PPP"),
            ("Framed-IP-Address", session.framed_ip),
            ("Calling-Station-Id", session.calling_station_id),
            ("Acct-Session-Id", session.session_id),
            ("Acct-Authentic", "RADIUS"),
            ("Acct-Session-Time", online),
            *[(f"Acct-Input-{unit}", value) for unit, value in zip(UNITS, up, strict=True)],
            *[(f"Acct-Output-{unit}", value) for unit, value in zip(UNITS, down, strict=True)],
            *labels,
        ]
