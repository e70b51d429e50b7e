"""RADIUS packets as bytes, in both directions. The only file that imports pyrad.

pyrad 2.6.0 is used as a codec alone. What it leaves open is closed here: it verifies a reply
without looking at its code, adds neither Event-Timestamp nor (to RFC 5176 requests) a
Message-Authenticator, checks no reply's Event-Timestamp, accepts a Proxy-State nobody sent, and
decodes before it verifies. Sockets, timers and identifiers are the caller's.
"""

import io
import struct
from collections.abc import Iterable
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

from pyrad import dictionary, packet

from radius_sync.protocol import (
    ANSWERS,
    ERROR_CAUSE,
    EVENT_TIMESTAMP,
    EVENT_WINDOW_SECONDS,
    MAXIMUM_BYTES,
    MESSAGE_AUTHENTICATOR,
    PROXY_STATE,
    Attributes,
    Code,
    Drop,
    Unencodable,
    Value,
    well_formed,
)

# pyrad publishes no types.
codec: Any = packet


@dataclass(frozen=True, slots=True, eq=False)
class Request:
    """A request encoded once: every retransmission is these very bytes (RFC 5176 section 2.3)."""

    code: Code
    identifier: int
    raw: bytes = field(repr=False)
    packet: Any = field(repr=False)


@dataclass(frozen=True, slots=True, eq=False)
class Message:
    """A packet that was verified. Attributes unknown to us are named by their numbers."""

    code: Code
    identifier: int
    attributes: tuple[tuple[str, Value], ...]
    error_cause: int | None
    timestamp: int | None
    signed: bool
    packet: Any = field(repr=False)

    def first(self, name: str) -> Value | None:
        """The first value of an attribute, or None."""
        return next((value for key, value in self.attributes if key == name), None)


def _load() -> Any:
    factory: Any = dictionary.Dictionary
    loaded = factory()
    for entry in sorted(files("radius_sync.dictionaries").iterdir(), key=lambda entry: entry.name):
        if entry.name.startswith("dictionary."):
            loaded.ReadDictionary(io.StringIO(entry.read_text("ascii")))
    if loaded.skipped_attributes:
        raise RuntimeError(f"pyrad cannot encode {sorted(loaded.skipped_attributes)}")
    return loaded


DICTIONARY = _load()


def require_known(names: Iterable[str]) -> None:
    """Raise Unencodable unless every attribute (`Name` or `Name:tag`) is in our dictionaries."""
    if missing := sorted(name for name in names if name.partition(":")[0] not in DICTIONARY):
        raise Unencodable(f"no dictionary of ours has the attributes {', '.join(missing)}")


def kind_of(name: str) -> str | None:
    """The type of an attribute in our dictionaries: `integer`, `ipaddr`, `string`, …; `enumerated`
    for numbers with names; None of one that is in none of them."""
    if name not in DICTIONARY:
        return None
    attribute = DICTIONARY[name]
    return "enumerated" if len(attribute.values) else str(attribute.type)


require_known(("Error-Cause", "Event-Timestamp", "Message-Authenticator", "Proxy-State"))


def encode_dynamic(
    code: Code,
    identifier: int,
    secret: bytes,
    attributes: Attributes,
    *,
    timestamp: int | None,
    signed: bool = True,
) -> Request:
    """A Disconnect-Request or CoA-Request (RFC 5176) with Message-Authenticator, which comes
    first, and Event-Timestamp, which no retransmission changes (section 6.3). Only to find out
    what a NAS insists on is either left out.
    """
    packet = codec.CoAPacket(
        code, identifier, secret, dict=DICTIONARY, message_authenticator=signed
    )
    dated = () if timestamp is None else (("Event-Timestamp", timestamp),)
    return _encoded(packet, (*attributes, *dated))


def encode_access(
    identifier: int, secret: bytes, attributes: Attributes, *, password: str | None = None
) -> Request:
    """An Access-Request with Message-Authenticator; `password` goes as PAP (RFC 2865 5.2)."""
    packet = codec.AuthPacket(
        Code.ACCESS_REQUEST, identifier, secret, dict=DICTIONARY, message_authenticator=True
    )
    hidden = () if password is None else (("User-Password", packet.PwCrypt(password)),)
    return _encoded(packet, (*attributes, *hidden))


def encode_accounting(identifier: int, secret: bytes, attributes: Attributes) -> Request:
    """An Accounting-Request (RFC 2866)."""
    return _encoded(codec.AcctPacket(id=identifier, secret=secret, dict=DICTIONARY), attributes)


def encode_status(identifier: int, secret: bytes) -> Request:
    """A Status-Server (RFC 5997), for FreeRADIUS' authentication or accounting port."""
    packet = codec.AuthPacket(
        Code.STATUS_SERVER, identifier, secret, dict=DICTIONARY, message_authenticator=True
    )
    return _encoded(packet, ())


def read_reply(
    request: Request, datagram: bytes, *, now: float, require_authenticator: bool = False
) -> Message | Drop:
    """The verified answer to `request`, or why the datagram is none.

    `now` is Unix time, for a reply's Event-Timestamp. With `require_authenticator` a reply without
    Message-Authenticator is dropped; one that is there is always verified (RFC 5176 section 3.4).
    """
    if not well_formed(datagram):
        return Drop.SHAPE
    if datagram[0] not in ANSWERS[request.code]:
        return Drop.CODE
    if datagram[1] != request.identifier:
        return Drop.IDENTIFIER
    try:
        reply = request.packet.CreateReply(packet=datagram)
        verified = request.packet.VerifyReply(reply, datagram)
    except Exception:  # whatever a decoder trips over came from outside: it is no answer
        return Drop.VERIFY
    if not verified or (require_authenticator and MESSAGE_AUTHENTICATOR not in reply):
        return Drop.VERIFY
    # The answer to a Status-Server tells the time of a server; its request authenticator is random,
    # so it is no replay.
    return _message(reply, None if request.code == Code.STATUS_SERVER else now)


def read_dynamic(secret: bytes, datagram: bytes, *, now: float) -> Message | Drop:
    """A verified Disconnect-Request or CoA-Request, as a NAS reads it (RFC 5176 section 3)."""
    if not well_formed(datagram):
        return Drop.SHAPE
    if datagram[0] not in (Code.DISCONNECT_REQUEST, Code.COA_REQUEST):
        return Drop.CODE
    try:
        packet = codec.CoAPacket(secret=secret, dict=DICTIONARY, packet=datagram)
        verified = packet.VerifyCoARequest() and (
            MESSAGE_AUTHENTICATOR not in packet or packet.verify_message_authenticator()
        )
    except Exception:  # as in read_reply
        return Drop.VERIFY
    return _message(packet, now, own_proxy_state=True) if verified else Drop.VERIFY


def encode_answer(
    request: Message, code: Code, attributes: Attributes = (), *, signed: bool = True
) -> bytes:
    """The answer of a NAS to what `read_dynamic` gave, with a Message-Authenticator if `signed`."""
    reply = request.packet.CreateReply(message_authenticator=signed)
    reply.code = code
    _fill(reply, attributes)
    return bytes(reply.ReplyPacket())


def _encoded(packet: Any, attributes: Attributes) -> Request:
    _fill(packet, attributes)
    try:
        raw = bytes(packet.RequestPacket())
    except (ValueError, TypeError, struct.error) as error:
        raise Unencodable(str(error)) from error
    if len(raw) > MAXIMUM_BYTES:
        raise Unencodable(f"the packet has {len(raw)} bytes, RADIUS allows {MAXIMUM_BYTES}")
    return Request(Code(packet.code), packet.id, raw, packet)


def _fill(packet: Any, attributes: Attributes) -> None:
    for name, value in attributes:
        require_known((name,))
        try:
            if isinstance(value, bytes):  # as it is: pyrad would read b"0x…" as hexadecimal
                key = DICTIONARY.attrindex.GetForward(name)
                packet.setdefault(key, []).append(value)
            else:
                packet.AddAttribute(name, value)
        except (ValueError, TypeError, KeyError, struct.error) as error:
            raise Unencodable(f"{name}: {error}") from error


def _message(packet: Any, now: float | None, *, own_proxy_state: bool = False) -> Message | Drop:
    if PROXY_STATE in packet and not own_proxy_state:
        return Drop.PROXY_STATE  # never sent by us, so an answer to somebody else (CVE-2024-3596)
    timestamp = _number(packet, EVENT_TIMESTAMP)
    if EVENT_TIMESTAMP in packet and (
        timestamp is None or (now is not None and abs(now - timestamp) > EVENT_WINDOW_SECONDS)
    ):
        return Drop.TIMESTAMP
    return Message(
        code=Code(packet.code),
        identifier=packet.id,
        attributes=tuple(_attributes(packet)),
        error_cause=_number(packet, ERROR_CAUSE),
        timestamp=timestamp,
        signed=MESSAGE_AUTHENTICATOR in packet,
        packet=packet,
    )


def _attributes(packet: Any) -> Iterable[tuple[str, Value]]:
    names: list[object] = packet.keys()
    for key in names:
        name = key if isinstance(key, str) else str(key)
        try:
            values = packet[key]
        except (ValueError, KeyError, codec.PacketError):  # a length its type does not have
            continue
        yield from ((name, value) for value in values)


def _number(packet: Any, code: int) -> int | None:
    """The first value of a four-byte attribute, or None when it has another length."""
    raw = next(iter(packet.get(code, ())), b"")
    return int.from_bytes(raw) if len(raw) == 4 else None
