"""NASes that lose, repeat, reorder, forge, refuse and lie (F24 to F30, B23)."""

import socket
import threading
import time
from collections import Counter

import pytest

from radius_sync.disconnector import READ_AT_ONCE, Policy, Result
from radius_sync.nas_simulator import Faults, NasSimulator
from tests.radius_sync.exchanging import (
    STUBBORN,
    cut_all,
    given_up_once,
    nas_at,
    orders,
    policy,
    run,
)
from tests.radius_sync.puppet import SECRET, PuppetNas, Source, closed_port, reply

pytestmark = pytest.mark.unit


def test_b23_whatever_else_comes_is_dropped_and_counted_and_the_answer_still_taken() -> None:
    def noisy(nas: PuppetNas, datagram: bytes, source: Source) -> None:
        good = reply(datagram)
        now = int(time.time())
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            stranger.sendto(good, source)  # another source: the kernel keeps it from us
        for datagram_out in (
            b"",
            good[:10],
            bytes((5,)) + good[1:],
            good[:1] + bytes((good[1] ^ 1,)) + good[2:],
            good[:4] + bytes(16) + good[20:],
            reply(datagram, secret=b"forged"),
            reply(datagram, attributes=[("Event-Timestamp", now - 400)]),
            reply(datagram, attributes=[("Proxy-State", b"x")]),
            bytes(4096),
            good,
            good,
        ):
            nas.send(datagram_out, source)

    drops: Counter[tuple[str, str]] = Counter()
    with PuppetNas(noisy) as nas:
        found = run(orders(nas_at(nas.port)), drops=drops)
    assert found[0].result is Result.ACKED
    assert found[0].drops == {"code": 1, "verify": 2, "timestamp": 1, "proxy_state": 1}
    assert drops["127.0.0.1", "shape"] == 2
    assert drops["127.0.0.1", "id"] >= 1


def test_late_and_reordered_answers_find_their_own_request() -> None:
    held: list[tuple[bytes, Source]] = []

    def backwards(nas: PuppetNas, datagram: bytes, source: Source) -> None:
        held.append((datagram, source))
        if len(held) == 10:
            for request, asker in reversed(held):
                nas.send(reply(request, nak=503 if b"user7" in request else None), asker)
                nas.send(reply(request), asker)  # a second, different, late answer

    with PuppetNas(backwards) as nas:
        found = run(orders(nas_at(nas.port), 10))
    assert [number for number in range(10) if found[number].result is Result.NAKED] == [7]


def test_f29_a_wrong_secret_is_a_timeout_that_says_so() -> None:
    def other_secret(nas: PuppetNas, datagram: bytes, source: Source) -> None:
        nas.send(reply(datagram, secret=b"other"), source)

    drops: Counter[tuple[str, str]] = Counter()
    rules = given_up_once(lambda: drops["127.0.0.1", "verify"] >= 3)
    with PuppetNas(other_secret) as nas:
        found = run(orders(nas_at(nas.port)), rules, drops=drops)
    assert found[0].result is Result.TIMEOUT
    assert 3 <= found[0].drops["verify"] <= found[0].transmissions
    assert "secret" in found[0].detail


def test_f26_a_closed_port_fails_at_once() -> None:
    with closed_port() as port:
        found = run(orders(nas_at(port)))
    assert found[0].result is Result.REFUSED
    assert found[0].transmissions == 1


@pytest.mark.parametrize("loss", [0.1, 0.3, 0.6])
def test_f24_under_loss_each_session_is_cut_once(loss: float) -> None:
    with NasSimulator(SECRET, faults=Faults(loss=loss, seed=7)) as nas:
        wanted = cut_all(nas, 200)
        patient = policy(retransmission=STUBBORN)
        found = run(wanted, patient)
        assert {outcome.result for outcome in found.values()} == {Result.ACKED}
        assert nas.sessions == []
        assert set(nas.effects.values()) == {1}
        assert len(nas.effects) == 200
        assert sum(outcome.transmissions for outcome in found.values()) > 200


def test_f25_a_lost_reply_is_answered_from_the_nas_memory() -> None:
    with NasSimulator(SECRET, faults=Faults(drop_replies=0.5, seed=3)) as nas:
        found = run(cut_all(nas, 100), policy(retransmission=STUBBORN))
        assert {outcome.result for outcome in found.values()} == {Result.ACKED}
        assert nas.seen["duplicate"] > 0
        assert nas.seen["request"] == 100
        assert set(nas.effects.values()) == {1}


def test_f30_ten_thousand_sessions_are_all_cut() -> None:
    with NasSimulator(SECRET) as nas:
        wanted = cut_all(nas, 10_000)
        began = time.monotonic()
        found = run(wanted, Policy())
        print(f"{len(wanted) / (time.monotonic() - began):.0f} sessions/s")
        assert {outcome.result for outcome in found.values()} == {Result.ACKED}
        assert nas.sessions == []
        assert set(nas.effects.values()) == {1}


@pytest.mark.parametrize(
    ("cause", "meaning"),
    [(401, "ours"), (403, "ours"), (404, "ours"), (405, "ours"), (407, "ours"),
     (501, "prohibited"), (503, "gone"), (504, "prohibited"), (505, "retry"), (506, "retry"),
     (508, "split"), (0, "unexplained")],
)  # fmt: skip
def test_f28_every_error_cause_has_its_class_and_its_advice(cause: int, meaning: str) -> None:
    with NasSimulator(SECRET, faults=Faults(naks={cause: 1.0})) as nas:
        found = run(cut_all(nas, 1))
    outcome = next(iter(found.values()))
    assert outcome.result is Result.NAKED
    assert outcome.error_class == meaning
    assert outcome.detail


def test_b23_a_flood_of_forged_replies_stops_no_clock() -> None:
    flooding = threading.Event()

    def flood(nas: PuppetNas, datagram: bytes, source: Source) -> None:
        forged = datagram[:1] + datagram[1:2] + datagram[2:]
        wrong = bytes((41,)) + forged[1:4] + bytes(16) + forged[20:]
        while not flooding.is_set():
            nas.send(wrong, source)

    drops: Counter[tuple[str, str]] = Counter()
    rules = given_up_once(lambda: drops["127.0.0.1", "verify"] > 100)
    with PuppetNas(flood) as nas:
        found = run(orders(nas_at(nas.port)), rules, drops=drops)
        flooding.set()
    assert found[0].result is Result.TIMEOUT
    # Twice what is taken from the port at once: the time was over, and was looked at, in between.
    assert 100 < found[0].drops["verify"] <= 100 + 2 * READ_AT_ONCE
