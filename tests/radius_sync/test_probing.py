"""A NAS is tried out: what it is, silent or not, is told apart."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from radius_sync import probing
from radius_sync.nas_simulator import Faults, NasSimulator
from radius_sync.nas_simulator.dynamic_authorization import DynamicAuthorization
from radius_sync.nas_simulator.link import DynamicAuthorizationPort
from radius_sync.nas_simulator.sessions import SessionTable
from radius_sync.vendors import VENDORS
from shared.database import Database
from tests.radius_sync.accounting import start
from tests.radius_sync.calling import Caller
from tests.radius_sync.exchanging import UNANSWERED, given_up_once, policy
from tests.radius_sync.puppet import SECRET as PUPPET
from tests.radius_sync.puppet import PuppetNas, acknowledge, closed_port, ignore, reply
from tests.support.waiting import until

SECRET = "sixteen-octets-at-least"
Told = dict[str, Any]


@pytest.fixture
def tried(admin: Caller) -> Callable[..., Told]:
    """Register what listens at a port of 127.0.0.1, and try it out."""

    def try_(port: int, secret: str = SECRET, **more: Any) -> Told:
        nas = {"name": "tried", "address": "127.0.0.1", "secret": secret, "coa_port": port}
        made = admin("POST", "/v1/nas", nas | more)
        assert made.status_code == 201, made.json
        answer = admin("POST", f"/v1/nas/{made.json['id']}/test")
        assert answer.status_code == 200, answer.json
        told: Told = answer.json
        return told

    return try_


@pytest.fixture(autouse=True)
def probed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The NAS answers what it is asked first, and is silent when it is asked in other ways."""
    monkeypatch.setattr(probing, "PROBE", policy())
    monkeypatch.setattr(probing, "TIMEOUT", 0.2)


@pytest.fixture
def silent(monkeypatch: pytest.MonkeyPatch, probed: None) -> None:
    """It does not answer what it is asked first; a person at the console gives it four seconds."""
    monkeypatch.setattr(probing, "PROBE", policy(retransmission=UNANSWERED))


@pytest.fixture
def answering(monkeypatch: pytest.MonkeyPatch, probed: None) -> None:
    """It answers when it is asked in other ways."""
    monkeypatch.setattr(probing, "TIMEOUT", 60.0)


@contextmanager
def strict(clock: Callable[[], float]) -> Iterator[int]:
    """The port of a strict NAS with this clock."""
    authority = DynamicAuthorization(
        SECRET.encode(), SessionTable(), Faults(), VENDORS["mikrotik"], {}, lambda _: None, clock
    )
    link = DynamicAuthorizationPort("127.0.0.1", 0, authority)
    try:
        yield link.port
    finally:
        link.close()


def test_a_strict_nas_works_and_says_what_it_insists_on(tried: Callable[..., Told]) -> None:
    with NasSimulator(SECRET.encode()) as nas:
        told = tried(nas.coa_port)
        until(lambda: nas.seen["unsigned"] and nas.seen["undated"])
    assert (told["works"], told["error_cause"], told["advice"]) == (True, 503, "")
    assert (told["secret"], told["clock_skew_seconds"]) == ("same", None)
    assert told["requires"] == ["Message-Authenticator", "Event-Timestamp"]
    assert told["round_trip_ms"] > 0


@pytest.mark.usefixtures("answering")
def test_a_nas_that_takes_anything_is_seen_to(tried: Callable[..., Told]) -> None:
    with PuppetNas(acknowledge) as nas:
        told = tried(nas.port, PUPPET.decode())
    assert (told["works"], told["requires"]) == (True, [])


def test_a_nas_that_misses_an_attribute_has_that_told(tried: Callable[..., Told]) -> None:
    with NasSimulator(SECRET.encode(), faults=Faults(naks={402: 1.0})) as nas:
        told = tried(nas.coa_port)
    assert (told["works"], told["error_cause"]) == (True, 402)
    assert "wants more to identify the session" in told["advice"]


def test_a_port_where_nothing_listens_is_named(tried: Callable[..., Told]) -> None:
    with closed_port() as port:
        told = tried(port)
    assert (told["works"], told["result"], told["secret"]) == (False, "refused", "unknown")
    assert f"Nothing listens at 127.0.0.1, port {port}" in told["advice"]


def test_an_answer_with_another_secret_is_told_from_silence(
    tried: Callable[..., Told], monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(nas: PuppetNas, datagram: bytes, source: tuple[str, int]) -> None:
        nas.send(reply(datagram, nak=503, secret=b"of-the-other-end"), source)

    with PuppetNas(answer) as nas:
        # The first is answered before the second is heard.
        monkeypatch.setattr(probing, "PROBE", given_up_once(lambda: len(nas.received) >= 2))
        told = tried(nas.port, PUPPET.decode())
    assert (told["works"], told["secret"]) == (False, "different")
    assert "another secret" in told["advice"]


@pytest.mark.usefixtures("silent")
def test_silence_without_accounting_leaves_everything_open(tried: Callable[..., Told]) -> None:
    with PuppetNas(ignore) as nas:
        told = tried(nas.port)
    assert (told["works"], told["result"], told["secret"]) == (False, "timeout", "unknown")
    assert "no accounting either" in told["advice"]


@pytest.mark.usefixtures("silent")
def test_silence_while_accounting_comes_is_not_the_secret(
    tried: Callable[..., Told], database: Database
) -> None:
    start(database, "alice", "s1", ago=30)
    with PuppetNas(ignore) as nas:
        told = tried(nas.port)
    assert (told["works"], told["secret"]) == (False, "same")
    assert "is dynamic authorization on" in told["advice"]


@pytest.mark.usefixtures("silent", "answering")
@pytest.mark.parametrize("ahead", [-7200, 7200, -1_700_000_000])
def test_a_wrong_clock_is_told_from_silence_and_measured(
    tried: Callable[..., Told], database: Database, ahead: int
) -> None:
    """Its accounting carries its clock; one without a battery starts in 1970."""
    start(database, "alice", "s1", ago=-ahead + 60)
    with strict(lambda: time.time() + ahead) as port:
        told = tried(port)
    assert (told["works"], told["secret"]) == (False, "same")
    assert abs(told["clock_skew_seconds"] - ahead) < 300
    assert "Its clock is off" in told["advice"]
    assert ("ahead" if ahead > 0 else "behind") in told["advice"]


@pytest.mark.usefixtures("silent", "answering")
def test_a_nas_that_answers_the_undated_only_has_a_wrong_clock(
    tried: Callable[..., Told],
) -> None:
    def answer(nas: PuppetNas, datagram: bytes, source: tuple[str, int]) -> None:
        if b"\x37\x06" not in datagram[-6:]:
            nas.send(reply(datagram), source)

    with PuppetNas(answer) as nas:
        told = tried(nas.port, PUPPET.decode())
    assert (told["works"], told["secret"], told["clock_skew_seconds"]) == (False, "same", None)
    assert "Its clock is off" in told["advice"]


def test_what_a_nas_cannot_do_as_registered_is_told_with_it(tried: Callable[..., Told]) -> None:
    with NasSimulator(SECRET.encode(), vendor="juniper") as nas:
        told = tried(nas.coa_port, vendor="juniper")
    assert told["works"]
    assert [one["code"] for one in told["warnings"]] == ["rates_not_told"]
