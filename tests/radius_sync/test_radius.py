"""Packets against the RFCs' own bytes, FreeRADIUS' dictionary, forgery and chance."""

import hashlib
import hmac
from functools import partial
from pathlib import Path

import pytest

from local_site.freeradius import install_if_allowed
from radius_sync import radius
from radius_sync.error_causes import ERROR_CAUSES, ErrorClass, classify
from radius_sync.protocol import Code, Drop, Unencodable, Value
from radius_sync.radius import (
    Message,
    Request,
    encode_access,
    encode_accounting,
    encode_answer,
    encode_dynamic,
    encode_status,
    read_dynamic,
    read_reply,
)

SECRET = b"xyzzy5461"
md5 = partial(hashlib.md5, usedforsecurity=False)
NOW = 1_700_000_000

# RFC 2865 section 7.1 and 7.2, RFC 5997 section 6.1.
PAP_REQUEST = bytes.fromhex(
    "01000038 0f403f9473978057bd83d5cb98f4227a 01066e656d6f"
    "02120dbe708d93d413ce3196e43f782a0aee 0406c0a80110 050600000003"
)
PAP_REPLY = bytes.fromhex(
    "02000026 86fe220e7624ba2a1005f6bf9b55e0b2 060600000001 0f0600000000 0e06c0a80103"
)
CHAP_REQUEST = bytes.fromhex(
    "01010047 2aee86f08d0d55969ca5978e0d3367a2 0108666c6f707379"
    "031316e97557c316185895f293ff634407727504 06c0a80110 050600000014"
    "060600000002 070600000001"
)
CHAP_REPLY = bytes.fromhex(
    "02010038 15efbc7dab26cfa3dc34d9c03c8601a4 060600000002 070600000001"
    "0806fffffffe 0a0600000002 0d0600000001 0c06000005dc"
)
STATUS_REQUEST = bytes.fromhex(
    "0cda0026 8a54f4686fb394c52866e302185d0623 50125a665e2e1e8411f3e243822097c84fa3"
)
STATUS_REPLY = bytes.fromhex("02da0014 ef0d552a4bf2d693ec2b6fe8b5411d66")


def received(raw: bytes) -> Request:
    packet = radius.codec.AuthPacket(secret=SECRET, dict=radius.DICTIONARY, packet=raw)
    return Request(Code(raw[0]), raw[1], raw, packet)


def disconnect(identifier: int = 7, **attributes: Value) -> Request:
    named = [(name.replace("_", "-"), value) for name, value in attributes.items()]
    return encode_dynamic(
        Code.DISCONNECT_REQUEST, identifier, SECRET, named or [("User-Name", "bob")], timestamp=NOW
    )


def reply_to(request: Request, code: Code = Code.DISCONNECT_ACK, **attributes: Value) -> bytes:
    message = read_dynamic(SECRET, request.raw, now=NOW)
    assert isinstance(message, Message)
    named = [(name.replace("_", "-"), value) for name, value in attributes.items()]
    return encode_answer(message, code, named)


@pytest.mark.unit
@pytest.mark.parametrize(
    ("request_bytes", "reply"),
    [(PAP_REQUEST, PAP_REPLY), (CHAP_REQUEST, CHAP_REPLY), (STATUS_REQUEST, STATUS_REPLY)],
)
def test_the_replies_printed_in_the_rfcs_are_verified(request_bytes: bytes, reply: bytes) -> None:
    answer = read_reply(received(request_bytes), reply, now=NOW)
    assert isinstance(answer, Message)
    assert answer.code == Code.ACCESS_ACCEPT


@pytest.mark.unit
def test_a_password_is_hidden_as_in_rfc_2865_section_7() -> None:
    packet = received(PAP_REQUEST).packet
    assert packet.PwDecrypt(packet[2][0]) == "arctangent"
    assert packet.PwCrypt("arctangent") == PAP_REQUEST[28:44]


@pytest.mark.unit
def test_the_status_server_of_rfc_5997_is_encoded_byte_for_byte() -> None:
    packet = radius.codec.AuthPacket(
        Code.STATUS_SERVER, 0xDA, SECRET, STATUS_REQUEST[4:20], dict=radius.DICTIONARY,
        message_authenticator=True,
    )  # fmt: skip
    assert packet.RequestPacket() == STATUS_REQUEST


@pytest.mark.unit
def test_a_request_is_signed_twice_and_dated() -> None:
    """RFC 5176 section 2.3 and 3.4, computed here without the codec."""
    raw = disconnect(identifier=9).raw
    assert raw[0] == 40
    assert raw[1] == 9
    assert int.from_bytes(raw[2:4]) == len(raw)
    assert raw[20:22] == bytes((80, 18)), "Message-Authenticator comes first (CVE-2024-3596)"
    unsigned = raw[:4] + bytes(16) + raw[20:22] + bytes(16) + raw[38:]
    assert raw[22:38] == hmac.digest(SECRET, unsigned, "md5")
    assert raw[4:20] == md5(raw[:4] + bytes(16) + raw[20:] + SECRET).digest()
    assert bytes((55, 6)) + NOW.to_bytes(4) in raw


@pytest.mark.unit
def test_the_secret_is_not_in_what_a_log_would_show() -> None:
    request = disconnect(identifier=1)
    assert "xyzzy" not in repr(request)
    assert "xyzzy" not in repr(read_reply(request, reply_to(request), now=NOW))


@pytest.mark.unit
@pytest.mark.parametrize("code", [2, 3, 5, 11, 40, 43, 44, 45, 255, 0])
def test_a_signed_reply_of_another_code_is_no_answer(code: int) -> None:
    """pyrad accepts all of these."""
    request = disconnect()
    body = bytes((code, 7)) + (20).to_bytes(2)
    signature = md5(body + request.raw[4:20] + SECRET).digest()
    assert read_reply(request, body + signature, now=NOW) is Drop.CODE


@pytest.mark.unit
def test_b23_what_is_wrong_with_a_reply_is_told_apart() -> None:
    request = disconnect()
    good = reply_to(request, Code.DISCONNECT_NAK, Error_Cause=503)
    stale = reply_to(request, Event_Timestamp=NOW - 400)
    proxied = reply_to(request, Proxy_State=b"x")
    assert isinstance(read_reply(request, good, now=NOW), Message)
    assert isinstance(read_reply(request, good + b"padding", now=NOW), Message)
    cases = {
        b"": Drop.SHAPE,
        good[:19]: Drop.SHAPE,
        good[:2] + b"\xff\xff" + good[4:]: Drop.SHAPE,
        good[:2] + b"\x00\x13" + good[4:]: Drop.SHAPE,
        good[:2] + (len(good) - 1).to_bytes(2) + good[4:]: Drop.SHAPE,
        good[:21] + b"\x00" + good[22:]: Drop.SHAPE,
        good[:1] + b"\x08" + good[2:]: Drop.IDENTIFIER,
        good[:4] + bytes(16) + good[20:]: Drop.VERIFY,
        good[:-1] + b"\x00": Drop.VERIFY,
        stale: Drop.TIMESTAMP,
        proxied: Drop.PROXY_STATE,
    }
    for datagram, cause in cases.items():
        assert read_reply(request, datagram, now=NOW) is cause


@pytest.mark.unit
def test_a_wrong_message_authenticator_is_dropped_though_the_rest_is_signed() -> None:
    request = disconnect()
    body = bytes((41, 7)) + (38).to_bytes(2)
    attribute = bytes((80, 18)) + bytes(16)
    signature = md5(body + request.raw[4:20] + attribute + SECRET).digest()
    assert read_reply(request, body + signature + attribute, now=NOW) is Drop.VERIFY


@pytest.mark.unit
def test_a_reply_may_lack_a_message_authenticator_unless_the_nas_is_strict() -> None:
    """RFC 5176 section 3.4: MAY. FreeRADIUS sends none."""
    request = disconnect()
    message = read_dynamic(SECRET, request.raw, now=NOW)
    assert isinstance(message, Message)
    bare = encode_answer(message, Code.DISCONNECT_ACK, signed=False)
    assert isinstance(read_reply(request, bare, now=NOW), Message)
    assert read_reply(request, bare, now=NOW, require_authenticator=True) is Drop.VERIFY


@pytest.mark.unit
def test_an_error_cause_of_a_wrong_length_is_none() -> None:
    request = disconnect()
    answer = read_reply(
        request, reply_to(request, Code.DISCONNECT_NAK, Error_Cause=b"\x01"), now=NOW
    )
    assert isinstance(answer, Message)
    assert answer.error_cause is None


@pytest.mark.unit
@pytest.mark.parametrize(
    "attributes",
    [
        [("No-Such-Attribute", "x")],
        [("User-Name", "x" * 254)],
        [("Framed-IP-Address", "not an address")],
        [("Class", b"x" * 250)] * 20,
    ],
)
def test_what_cannot_be_encoded_is_one_kind_of_error(attributes: list[tuple[str, Value]]) -> None:
    with pytest.raises(Unencodable):
        encode_dynamic(Code.DISCONNECT_REQUEST, 1, SECRET, attributes, timestamp=NOW)


@pytest.mark.unit
def test_octets_are_sent_as_they_are() -> None:
    """pyrad alone reads b"0x41" as one byte, and Class would come back changed."""
    request = encode_dynamic(Code.COA_REQUEST, 1, SECRET, [("Class", b"0x41")], timestamp=NOW)
    assert bytes((25, 6)) + b"0x41" in request.raw


@pytest.mark.unit
def test_accounting_and_status_requests_are_encoded() -> None:
    assert encode_accounting(3, SECRET, [("Acct-Status-Type", "Start")]).raw[:2] == b"\x04\x03"
    assert encode_status(3, SECRET).raw[20] == 80
    assert encode_access(3, SECRET, [("User-Name", "a")], password="p").raw[20] == 80


@pytest.mark.unit
def test_every_error_cause_says_what_to_do() -> None:
    assert {cause.meaning for cause in ERROR_CAUSES.values()} == {*ErrorClass} - {
        ErrorClass.UNEXPLAINED
    }
    assert all(cause.advice.endswith(".") for cause in ERROR_CAUSES.values())
    assert {value for value in ERROR_CAUSES if 401 <= value <= 407} == set(range(401, 408))
    assert classify(503).meaning is ErrorClass.GONE
    assert classify(None).meaning is ErrorClass.UNEXPLAINED
    assert classify(999).meaning is ErrorClass.UNEXPLAINED


def test_our_dictionary_says_what_freeradius_says() -> None:
    assert install_if_allowed(), "this test needs FreeRADIUS"
    numbers: dict[str, set[tuple[str, str]]] = {}
    for path in Path("/usr/share/freeradius").glob("dictionary.*"):
        vendor = ""
        for line in path.read_text(errors="replace").splitlines():
            words = line.split()
            if words[:1] == ["VENDOR"]:
                vendor = words[2]
            elif words[:1] == ["ATTRIBUTE"]:
                numbers.setdefault(words[1], set()).add((vendor, words[2]))
    for name, attribute in radius.DICTIONARY.attributes.items():
        number = radius.DICTIONARY.vendors.GetForward(attribute.vendor)
        assert (str(number or ""), str(attribute.code)) in numbers[name], name


@pytest.mark.unit
def test_b24_forged_requests_are_refused_by_the_nas_side() -> None:
    raw = disconnect().raw
    assert read_dynamic(b"wrong", raw, now=NOW) is Drop.VERIFY
    assert read_dynamic(SECRET, raw, now=NOW + 301) is Drop.TIMESTAMP
    assert read_dynamic(SECRET, raw[:-1] + b"\x01", now=NOW) is Drop.VERIFY
    assert read_dynamic(SECRET, raw[:4] + bytes(16) + raw[20:], now=NOW) is Drop.VERIFY
    assert read_dynamic(SECRET, b"\x01" + raw[1:], now=NOW) is Drop.CODE
    assert read_dynamic(SECRET, raw[:10], now=NOW) is Drop.SHAPE
