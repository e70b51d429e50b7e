"""The simulated NAS: strict towards us, honest or not as told, in RFC 5176."""

import hashlib
import hmac
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from radius_sync.disconnector import Kind, Nas, Order, Outcome, Policy, exchange_all
from radius_sync.nas_simulator import Faults, NasSimulator, mschap
from radius_sync.nas_simulator.faults import parse_naks
from radius_sync.protocol import Attributes, Code, Value
from radius_sync.radius import Message, encode_answer, encode_dynamic, read_dynamic
from tests.radius_sync.puppet import SECRET
from tests.support.waiting import PATIENCE, until


@pytest.fixture
def nas() -> Iterator[NasSimulator]:
    with NasSimulator(SECRET) as simulator:
        yield simulator


def send(nas: NasSimulator, kind: Kind, *attributes: tuple[str, Value]) -> Outcome:
    order = Order(0, Nas("127.0.0.1", nas.coa_port, SECRET), kind, attributes)
    return next(exchange_all([order], Policy()))


@contextmanager
def link_to(nas: NasSimulator) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
        link.connect(("127.0.0.1", nas.coa_port))
        link.settimeout(PATIENCE)
        yield link


def request(
    attributes: Attributes, *, number: int = 7, timestamp: int | None = None,
    secret: bytes = SECRET,
) -> bytes:  # fmt: skip
    when = int(time.time()) if timestamp is None else timestamp
    return encode_dynamic(Code.DISCONNECT_REQUEST, number, secret, attributes, timestamp=when).raw


@pytest.mark.unit
@pytest.mark.parametrize(
    ("kind", "attributes", "cause"),
    [
        (Kind.DISCONNECT, [("User-Name", "nobody")], 503),
        (Kind.DISCONNECT, [("User-Name", "alice"), ("Mikrotik-Rate-Limit", "1M/1M")], 401),
        (Kind.DISCONNECT, [("User-Name", "alice"), ("Reply-Message", "bye")], 401),
        (Kind.DISCONNECT, [("NAS-IP-Address", "127.0.0.1")], 402),
        (Kind.DISCONNECT, [("User-Name", "alice"), ("NAS-IP-Address", "192.0.2.1")], 403),
        (Kind.DISCONNECT, [("User-Name", "alice"), ("Acct-Session-Id", "other")], 503),
        (Kind.DISCONNECT, [("User-Name", "twice")], 508),
        (Kind.COA, [("User-Name", "alice")], 402),
        (Kind.COA, [("User-Name", "alice"), ("Cisco-AVPair", "x=y")], 401),
    ],
)
def test_what_it_cannot_do_it_refuses_with_the_right_cause(
    nas: NasSimulator, kind: Kind, attributes: list[tuple[str, Value]], cause: int
) -> None:
    for username in ("alice", "twice", "twice"):
        nas.add_session(username)
    assert send(nas, kind, *attributes).error_cause == cause
    assert len(nas.sessions) == 3
    assert nas.effects == {}


@pytest.mark.unit
def test_a_disconnect_ends_the_session_and_a_coa_changes_it(nas: NasSimulator) -> None:
    kept, cut = nas.add_session("kept"), nas.add_session("cut")
    assert send(nas, Kind.DISCONNECT, ("Acct-Session-Id", cut.session_id)).code == 41
    changed = send(
        nas, Kind.COA, ("User-Name", "kept"), ("Framed-IP-Address", kept.framed_ip),
        ("Mikrotik-Rate-Limit", "2M/8M"), ("Mikrotik-Address-List", "walled"),
    )  # fmt: skip
    assert changed.code == 44
    assert [(s.username, s.rate, s.address_list) for s in nas.sessions] == [
        ("kept", "2M/8M", "walled")
    ]
    assert nas.effects == {("disconnect", cut.session_id): 1, ("coa", kept.session_id): 1}


@pytest.mark.unit
def test_b24_what_is_forged_old_undated_or_unsigned_is_met_with_silence(nas: NasSimulator) -> None:
    session = nas.add_session("alice")
    named = [("User-Name", "alice")]
    good = request(named)
    with link_to(nas) as link:
        link.send(request(named, number=1, secret=b"forged"))
        link.send(request(named, number=2, timestamp=int(time.time()) - 400))
        altered = request(named, number=3)
        link.send(altered[:-1] + bytes((altered[-1] ^ 1,)))
        link.send(b"")
        for number, cut in ((4, slice(20, 38)), (5, slice(-6, None))):
            without = bytearray(request(named, number=number))
            del without[cut]  # the Message-Authenticator, the Event-Timestamp
            link.send(_resigned(bytes(without)))
        # Of no user: it hears one after the other, so this is the first that it answers.
        link.send(request([("User-Name", "nobody")], number=6))
        assert link.recv(4096)[1] == 6
        assert [each.session_id for each in nas.sessions] == [session.session_id]
        assert nas.seen == {
            "verify": 2, "timestamp": 1, "shape": 1, "unsigned": 1, "undated": 1, "request": 1,
        }  # fmt: skip
        link.send(good)
        assert link.recv(4096)[1] == 7
    assert nas.sessions == []


def _resigned(raw: bytes) -> bytes:
    """Bytes cut from a request, with Message-Authenticator and authenticator made right again."""
    data = bytearray(raw)
    data[2:4] = len(data).to_bytes(2)
    data[4:20] = bytes(16)
    if data[20] == 80:
        data[22:38] = bytes(16)
        data[22:38] = hmac.digest(SECRET, bytes(data), "md5")
    data[4:20] = hashlib.md5(bytes(data) + SECRET, usedforsecurity=False).digest()
    return bytes(data)


@pytest.mark.unit
def test_a_copy_of_a_request_gets_the_same_reply_and_no_second_effect(nas: NasSimulator) -> None:
    session = nas.add_session("alice")
    raw = request([("User-Name", "alice")])
    with link_to(nas) as link:
        replies = set()
        for _ in range(3):
            link.send(raw)
            replies.add(link.recv(4096))
        assert len(replies) == 1
        nas.add_session("alice")
        link.send(raw)
        assert link.recv(4096) in replies
    assert nas.seen["duplicate"] == 3
    assert nas.effects == {("disconnect", session.session_id): 1}
    assert len(nas.sessions) == 1


@pytest.mark.unit
def test_a_lying_nas_acknowledges_and_keeps_the_session() -> None:
    with NasSimulator(SECRET, faults=Faults(lie=True)) as nas:
        nas.add_session("alice")
        assert send(nas, Kind.DISCONNECT, ("User-Name", "alice")).code == 41
        assert len(nas.sessions) == 1
        assert nas.effects == {}


@pytest.mark.unit
def test_faults_can_be_changed_while_it_runs(nas: NasSimulator) -> None:
    nas.add_session("alice")
    nas.script(Faults(naks={506: 1.0}))
    assert send(nas, Kind.DISCONNECT, ("User-Name", "alice")).error_cause == 506
    nas.script(Faults(silent=True))
    with link_to(nas) as link:
        link.send(request([("User-Name", "alice")]))
        until(lambda: nas.seen["lost"])
    nas.script(Faults(delay=0.2))
    slow = send(nas, Kind.DISCONNECT, ("User-Name", "alice"))
    assert slow.round_trip_ms is not None
    assert slow.round_trip_ms >= 200


@pytest.mark.unit
def test_f27_after_a_reboot_no_session_is_known(nas: NasSimulator) -> None:
    session = nas.add_session("alice")
    nas.reboot()
    assert send(nas, Kind.DISCONNECT, ("Acct-Session-Id", session.session_id)).error_cause == 503


@pytest.mark.unit
def test_naks_are_read_from_the_command_line() -> None:
    assert parse_naks(["506:0.1", "401"]) == {506: 0.1, 401: 1.0}
    with pytest.raises(ValueError, match="CAUSE:CHANCE"):
        parse_naks(["often"])


@pytest.mark.unit
def test_mschapv2_gives_the_bytes_of_rfc_2759_section_9_2() -> None:
    answer = mschap.nt_response(
        bytes.fromhex("5B5D7C7D7B3F2F3E3C2C602132262628"),
        bytes.fromhex("21402324255E262A28295F2B3A337C7E"),
        "User",
        "clientPass",
    )
    assert answer.hex() == "82309ecd8d708b5ea08faa3981cd83544233114a3d85d6df"
    assert mschap.md4(b"abc").hex() == "a448017aaf21d8525fc10ae87aa6729d"  # RFC 1320 A.5


@pytest.mark.unit
def test_a_message_can_be_answered_without_its_own_signature() -> None:
    message = read_dynamic(SECRET, request([("User-Name", "a")]), now=time.time())
    assert isinstance(message, Message)
    assert len(encode_answer(message, Code.DISCONNECT_ACK, signed=False)) == 20
