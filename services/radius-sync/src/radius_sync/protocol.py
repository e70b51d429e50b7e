"""RADIUS as numbers and shapes: packet codes, why a datagram is dropped, lengths that add up."""

from collections.abc import Sequence
from enum import IntEnum, StrEnum

Value = str | int | bytes
Attributes = Sequence[tuple[str, Value]]

# RFC 5176 section 6.3: the default window in which a packet is not a replay.
EVENT_WINDOW_SECONDS = 300
# RFC 2865 section 3.
HEADER_BYTES, MAXIMUM_BYTES = 20, 4096
PROXY_STATE, EVENT_TIMESTAMP, MESSAGE_AUTHENTICATOR, ERROR_CAUSE = 33, 55, 80, 101


class Code(IntEnum):
    """Packet types: RFC 2865, RFC 2866, RFC 5997, RFC 5176."""

    ACCESS_REQUEST = 1
    ACCESS_ACCEPT = 2
    ACCESS_REJECT = 3
    ACCOUNTING_REQUEST = 4
    ACCOUNTING_RESPONSE = 5
    ACCESS_CHALLENGE = 11
    STATUS_SERVER = 12
    DISCONNECT_REQUEST = 40
    DISCONNECT_ACK = 41
    DISCONNECT_NAK = 42
    COA_REQUEST = 43
    COA_ACK = 44
    COA_NAK = 45


ANSWERS: dict[Code, tuple[int, ...]] = {
    Code.ACCESS_REQUEST: (2, 3, 11),
    Code.ACCOUNTING_REQUEST: (5,),
    Code.STATUS_SERVER: (2, 5),
    Code.DISCONNECT_REQUEST: (41, 42),
    Code.COA_REQUEST: (44, 45),
}


class Drop(StrEnum):
    """Why a datagram was thrown away in silence, as RFC 2865 and RFC 5176 ask."""

    SHAPE = "shape"
    CODE = "code"
    IDENTIFIER = "id"
    VERIFY = "verify"
    TIMESTAMP = "timestamp"
    PROXY_STATE = "proxy_state"
    SOURCE = "source"


class Unencodable(ValueError):
    """An attribute that is in no dictionary of ours, or a value its type cannot hold."""


def well_formed(datagram: bytes) -> bool:
    """Whether lengths add up (RFC 2865 section 3): all that is looked at before verification."""
    if len(datagram) < HEADER_BYTES:
        return False
    end = int.from_bytes(datagram[2:4])
    if not HEADER_BYTES <= end <= min(len(datagram), MAXIMUM_BYTES):
        return False
    at = HEADER_BYTES
    while at < end:
        if at + 2 > end or datagram[at + 1] < 2:
            return False
        at += datagram[at + 1]
    return at == end
