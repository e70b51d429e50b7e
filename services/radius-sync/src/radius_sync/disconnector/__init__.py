"""Disconnect- and CoA-Requests to many NASes at once, from inside one plain function call.

RFC 5176 says what is sent, RFC 5080 section 2.2.1 when it is sent again. Nothing here knows a
database: outcomes are yielded as they are known, and the caller records each at once.
"""

from collections import Counter, deque
from collections.abc import Iterator, MutableMapping, Sequence
from math import inf

from radius_sync.disconnector.breaker import CLOSED, Breaker
from radius_sync.disconnector.flight import Port
from radius_sync.disconnector.lane import Lane
from radius_sync.disconnector.orders import (
    Kind,
    Nas,
    Order,
    Outcome,
    Policy,
    Result,
    Retransmission,
)
from radius_sync.disconnector.ports import Ports

__all__ = [
    "Breaker",
    "Kind",
    "Nas",
    "Order",
    "Outcome",
    "Policy",
    "Result",
    "Retransmission",
    "exchange_all",
]

# Datagrams taken from one port before timers get their turn: a flood cannot stop the clock.
READ_AT_ONCE = 128

NasKey = tuple[str, int]


def exchange_all(
    orders: Sequence[Order],
    policy: Policy | None = None,
    breakers: MutableMapping[NasKey, Breaker] | None = None,
    drops: Counter[tuple[str, str]] | None = None,
) -> Iterator[Outcome]:
    """Send every order; yield exactly one outcome for each, as soon as it is known.

    `breakers` is read at the start and kept up to date under (address, port), for the caller to
    store. `drops` counts thrown away datagrams by (address, cause), those too that belonged to no
    order. Leaving the iteration early closes the sockets; what was in flight then has no outcome
    and may have taken effect.
    """
    policy = policy or Policy()
    ports = Ports(policy)
    breakers = {} if breakers is None else breakers
    lanes = _lanes(orders, policy, breakers, ports, Counter() if drops is None else drops)
    try:
        while active := {key: lane for key, lane in lanes.items() if not lane.idle}:
            now = policy.monotonic()
            pause = max(0.0, min(lane.wake() for lane in active.values()) - now)
            _read(ports, lanes, None if pause == inf else pause)
            for key, lane in active.items():
                lane.advance(policy.monotonic())
                breakers[key] = lane.breaker
            for lane in active.values():
                finished, lane.outcomes = lane.outcomes, []
                yield from finished
    finally:
        ports.close_all()


def _lanes(
    orders: Sequence[Order],
    policy: Policy,
    breakers: MutableMapping[NasKey, Breaker],
    ports: Ports,
    drops: Counter[tuple[str, str]],
) -> dict[NasKey, Lane]:
    queues: dict[NasKey, deque[Order]] = {}
    for order in orders:
        queues.setdefault(order.nas.key, deque()).append(order)
    return {
        key: Lane(queue, breakers.get(key, CLOSED), policy, ports, drops)
        for key, queue in queues.items()
    }


def _read(ports: Ports, lanes: dict[NasKey, Lane], pause: float | None) -> None:
    if pause is None and not ports.selector.get_map():
        return  # nothing can be heard
    for key, _ in ports.selector.select(pause):
        port: Port = key.data
        lane = lanes[port.nas.key]
        for _ in range(READ_AT_ONCE):
            if port.closed:
                break
            try:
                datagram, from_nas = port.receive()
            except BlockingIOError:
                break
            except OSError as error:
                lane.refuse(port, error)
                break
            lane.hear(port, datagram, from_nas)
