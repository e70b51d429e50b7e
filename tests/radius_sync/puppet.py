"""A NAS that answers exactly what a test tells it to, and keeps every datagram it got."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from radius_sync.protocol import Attributes, Code
from radius_sync.radius import Message, encode_answer, read_dynamic

SECRET = b"s3cret"

Source = tuple[str, int]
Script = Callable[["PuppetNas", bytes, Source], None]


class PuppetNas:
    """`received` holds (source, datagram) in the order of arrival."""

    def __init__(self, script: Script, address: str = "127.0.0.1") -> None:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.link = socket.socket(family, socket.SOCK_DGRAM)
        self.link.bind((address, 0))
        self.port: int = self.link.getsockname()[1]
        self.received: list[tuple[Source, bytes]] = []
        self._script = script
        self._closing = False
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def send(self, datagram: bytes, source: Source) -> None:
        self.link.sendto(datagram, source)

    def close(self) -> None:
        self._closing = True
        with socket.socket(self.link.family, socket.SOCK_DGRAM) as waker:
            waker.sendto(b"", self.link.getsockname()[:2])
        self._thread.join()
        self.link.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _serve(self) -> None:
        while True:
            datagram, source = self.link.recvfrom(8192)
            if self._closing and not datagram:
                return  # all that came before has been heard
            self.received.append((source[:2], datagram))
            self._script(self, datagram, source[:2])


def reply(
    datagram: bytes,
    *,
    nak: int | None = None,
    attributes: Attributes = (),
    signed: bool = True,
    secret: bytes = SECRET,
) -> bytes:
    """What an honest NAS answers: ACK, or NAK with an Error-Cause."""
    request = read_dynamic(SECRET, datagram, now=_timestamp(datagram))
    assert isinstance(request, Message)
    code = Code(request.code + (1 if nak is None else 2))
    details = attributes if nak is None else (("Error-Cause", nak), *attributes)
    if secret != SECRET:
        request.packet.secret = secret
    return encode_answer(request, code, details, signed=signed)


def _timestamp(datagram: bytes) -> int:
    """Event-Timestamp is the last attribute we send."""
    return int.from_bytes(datagram[-4:])


def acknowledge(nas: PuppetNas, datagram: bytes, source: Source) -> None:
    nas.send(reply(datagram), source)


def ignore(nas: PuppetNas, datagram: bytes, source: Source) -> None:
    """A black hole."""


@contextmanager
def closed_port() -> Iterator[int]:
    """Nobody listens there, and nobody else can take it: its socket hears one stranger only."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
        link.bind(("127.0.0.1", 0))
        link.connect(("127.0.0.1", 9))
        yield link.getsockname()[1]
