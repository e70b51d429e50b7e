"""Identifiers, windows, pace and breakers: what the transport never exceeds."""

import random
import threading
import time
from collections import Counter, defaultdict
from itertools import islice

import pytest

from radius_sync.disconnector import (
    Breaker,
    Kind,
    Order,
    Policy,
    Result,
    Retransmission,
    exchange_all,
)
from radius_sync.disconnector.lane import CATCH_UP_SECONDS
from radius_sync.disconnector.ports import RECENT_PORTS, RecentPorts
from tests.radius_sync.exchanging import UNANSWERED, nas_at, orders, policy, run
from tests.radius_sync.puppet import PuppetNas, Source, acknowledge, ignore, reply

pytestmark = pytest.mark.unit


def test_retransmission_follows_rfc_5080_section_2_2_1() -> None:
    waits = [Retransmission().first(random.Random(1))]
    for _ in range(6):
        waits.append(Retransmission().next(waits[-1], random.Random(1)))
    assert 1.8 <= waits[0] <= 2.2
    assert all(later / earlier <= 2.1 for earlier, later in zip(waits, waits[1:], strict=False))
    assert 14.4 <= waits[-1] <= 17.6


def test_rfc_5176_6_3_at_most_256_requests_per_source_port_and_no_identifier_twice() -> None:
    with PuppetNas(acknowledge) as nas:
        found = run(orders(nas_at(nas.port), 1000))
        found |= run(orders(nas_at(nas.port), 300, start=1000))
    assert {outcome.result for outcome in found.values()} == {Result.ACKED}
    used = defaultdict(list)
    for (_, port), datagram in set(nas.received):
        used[port].append(datagram[1])
    assert all(len(ids) <= 256 and len(ids) == len(set(ids)) for ids in used.values())
    assert len(used) == 6


def test_a_port_number_rests_for_300_seconds() -> None:
    recent = RecentPorts()
    recent.remember("nas", 5000, now=10.0)
    assert recent.holds("nas", 5000, now=309.9)
    assert not recent.holds("nas", 5000, now=310.1)
    assert not recent.holds("other", 5000, now=11.0)
    with PuppetNas(acknowledge) as nas:
        run(orders(nas_at(nas.port)))
        (_, port), _ = nas.received[0]
        assert RECENT_PORTS.holds(("127.0.0.1", nas.port), port, time.monotonic())


def test_the_window_is_kept() -> None:
    waiting: list[tuple[bytes, Source]] = []
    most = 0
    lock = threading.Lock()

    def slowly(nas: PuppetNas, datagram: bytes, source: Source) -> None:
        nonlocal most
        with lock:
            waiting.append((datagram, source))
            most = max(most, len(waiting))
            if len(waiting) == 4 or b"user39" in datagram:
                for request, asker in waiting:
                    nas.send(reply(request), asker)
                waiting.clear()

    with PuppetNas(slowly) as nas:
        found = run(orders(nas_at(nas.port, window=4), 40))
    assert {outcome.result for outcome in found.values()} == {Result.ACKED}
    assert most == 4


def test_pacing_spreads_the_starts() -> None:
    began = time.monotonic()
    with PuppetNas(acknowledge) as nas:
        found = run(orders(nas_at(nas.port, pacing=100.0), 21))
    assert {outcome.result for outcome in found.values()} == {Result.ACKED}
    # The last one starts a fifth of a second after the first, or so much earlier as is made up for.
    assert time.monotonic() - began >= 0.2 - CATCH_UP_SECONDS


def test_f26_a_breaker_opens_and_defers_the_rest() -> None:
    breakers: dict[tuple[str, int], Breaker] = {}
    rules = policy(retransmission=UNANSWERED, unix_time=lambda: 1000.0)
    with PuppetNas(ignore) as nas:
        found = run(orders(nas_at(nas.port, window=5), 50), rules, breakers=breakers)
    results = Counter(outcome.result for outcome in found.values())
    assert results == {Result.TIMEOUT: 5, Result.DEFERRED: 45}
    assert found[49].not_before == 1015.0
    assert breakers["127.0.0.1", nas.port] == Breaker(5, 1015.0, 15.0)


def test_an_open_breaker_sends_nothing_and_a_half_open_one_sends_a_probe() -> None:
    clock = [1000.0]
    rules = policy(retransmission=UNANSWERED, unix_time=lambda: clock[0])
    with PuppetNas(ignore) as nas:
        key = ("127.0.0.1", nas.port)
        breakers = {key: Breaker(5, 1015.0, 15.0)}
        found = run(orders(nas_at(nas.port), 10), rules, breakers=breakers)
        assert {outcome.result for outcome in found.values()} == {Result.DEFERRED}
        assert nas.received == []
        clock[0] = 1016.0
        found = run(orders(nas_at(nas.port), 10), rules, breakers=breakers)
        assert Counter(o.result for o in found.values()) == {
            Result.TIMEOUT: 1,
            Result.DEFERRED: 9,
        }
        assert len(set(nas.received)) == 1
        assert breakers[key] == Breaker(6, 1046.0, 30.0)


def test_a_probe_that_is_answered_closes_the_breaker_for_all() -> None:
    with PuppetNas(acknowledge) as nas:
        breakers = {("127.0.0.1", nas.port): Breaker(9, 1.0, 300.0)}
        found = run(orders(nas_at(nas.port), 100), breakers=breakers)
    assert {outcome.result for outcome in found.values()} == {Result.ACKED}
    assert breakers["127.0.0.1", nas.port] == Breaker()


def test_the_pause_of_a_breaker_doubles_to_five_minutes() -> None:
    breaker, now, pauses = Breaker(), 0.0, []
    for _ in range(12):
        breaker = breaker.unanswered(now, Policy())
        pauses.append(breaker.pause)
        now = breaker.not_before or now
    assert pauses == [0, 0, 0, 0, 15, 30, 60, 120, 240, 300, 300, 300]


def test_f26_a_dead_nas_delays_nobody_else() -> None:
    with PuppetNas(ignore) as dead, PuppetNas(acknowledge) as alive:
        mixed = [
            Order((name, number), nas_at(nas.port), Kind.DISCONNECT, (("User-Name", "a"),))
            for number in range(100)
            for name, nas in (("dead", dead), ("alive", alive))
        ]
        outcomes = exchange_all(mixed, policy())
        first = list(islice(outcomes, 100))
        outcomes.close()  # type: ignore[attr-defined]
    assert {outcome.order_id[0] for outcome in first} == {"alive"}  # type: ignore[index]
    assert {outcome.result for outcome in first} == {Result.ACKED}
    assert len(set(dead.received)) == 32, "the window of the dead one was full all the while"
