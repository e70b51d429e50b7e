"""The UDP port on which the simulated NAS takes CoA- and Disconnect-Requests."""

import heapq
import itertools
import selectors
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

from radius_sync.nas_simulator.dynamic_authorization import DynamicAuthorization

# Room for a burst: what the system drops here looks like loss in a test that wanted none.
RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024


class DynamicAuthorizationPort:
    """A thread that answers, late if the faults say so. `port` 0 takes a free one."""

    def __init__(self, address: str, port: int, authority: DynamicAuthorization) -> None:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self._link = socket.socket(family, socket.SOCK_DGRAM)
        self._link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
        self._link.bind((address, port))
        self._link.setblocking(False)
        self.port: int = self._link.getsockname()[1]
        self._authority = authority
        self._late: list[tuple[float, int, bytes, Any]] = []
        self._sequence = itertools.count()
        self._bell, self._ringer = socket.socketpair()
        self._thread = threading.Thread(target=self._serve, name="nas-simulator", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening: from now on the system refuses."""
        self._ringer.close()
        self._thread.join()
        self._link.close()
        self._bell.close()

    def _serve(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._link, selectors.EVENT_READ)
            selector.register(self._bell, selectors.EVENT_READ)
            while True:
                pause = max(0.0, self._late[0][0] - time.monotonic()) if self._late else None
                if any(key.fileobj is self._bell for key, _ in selector.select(pause)):
                    return
                self._answer_waiting()
                self._send_late()

    def _answer_waiting(self) -> None:
        while True:
            try:
                datagram, source = self._link.recvfrom(8192)
            except OSError:  # nothing more, or an ICMP error about an earlier reply
                return
            reply = self._authority.answer(datagram, source[:2])
            if reply is None:
                continue
            due = time.monotonic() + self._authority.faults.delay
            heapq.heappush(self._late, (due, next(self._sequence), reply, source))
            if not self._authority.faults.delay:
                self._send_late()

    def _send_late(self) -> None:
        while self._late and self._late[0][0] <= time.monotonic():
            _, _, reply, source = heapq.heappop(self._late)
            try:
                self._link.sendto(reply, source)
            except OSError:  # the peer is gone: its loss
                continue


class Clockwork:
    """A thread that runs calls at their time: interim updates, dialling again."""

    def __init__(self) -> None:
        self._calls: list[tuple[float, int, Callable[[], object]]] = []
        self._sequence = itertools.count()
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="nas-clockwork", daemon=True)
        self._thread.start()

    def after(self, seconds: float, call: Callable[[], object]) -> None:
        """Run `call` once, `seconds` from now."""
        with self._changed:
            due = time.monotonic() + seconds
            heapq.heappush(self._calls, (due, next(self._sequence), call))
            self._changed.notify()

    def close(self) -> None:
        """Forget what is still to come."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._closed and (left := self._left()) != 0:
                    self._changed.wait(left)
                if self._closed:
                    return
                call = heapq.heappop(self._calls)[2]
            call()

    def _left(self) -> float | None:
        return max(0.0, self._calls[0][0] - time.monotonic()) if self._calls else None
