"""What the tests of the transport share: timers, orders, and running them."""

import time
from collections.abc import Callable, Iterable

from radius_sync.disconnector import (
    Kind,
    Nas,
    Order,
    Outcome,
    Policy,
    Retransmission,
    exchange_all,
)
from radius_sync.nas_simulator import NasSimulator
from tests.radius_sync.puppet import SECRET

# Somebody answers, however long this process is kept from hearing it; nothing is sent twice.
ANSWERED = Retransmission(initial=30.0, maximum=30.0, count=3, duration=90.0)
# Nobody answers: the shape of RFC 5080's timers at a hundredth of their length.
UNANSWERED = Retransmission(initial=0.02, maximum=0.16, count=5, duration=0.3)
# Something is lost: it goes on until chance must have let something through.
STUBBORN = Retransmission(initial=0.02, maximum=0.05, count=10_000, duration=120.0)


def policy(**changes: object) -> Policy:
    return Policy(**{"retransmission": ANSWERED, **changes})  # type: ignore[arg-type]


def given_up_once(enough: Callable[[], object]) -> Policy:
    """Nothing that counts is answered: what is in flight is given up once it is `enough`, for then
    all the time that there was has passed at once. What has come by then is still heard."""
    passed = 0.0

    def clock() -> float:
        nonlocal passed
        now = time.monotonic() + passed
        if enough():
            passed = STUBBORN.duration
        return now

    return policy(retransmission=STUBBORN, monotonic=clock)


def nas_at(port: int, **changes: object) -> Nas:
    return Nas("127.0.0.1", port, SECRET, **changes)  # type: ignore[arg-type]


def orders(nas: Nas, count: int = 1, start: int = 0) -> list[Order]:
    return [
        Order(number, nas, Kind.DISCONNECT, (("User-Name", f"user{number}"),))
        for number in range(start, start + count)
    ]


def run(
    wanted: Iterable[Order], rules: Policy | None = None, **stores: object
) -> dict[object, Outcome]:
    outcomes = list(exchange_all(list(wanted), rules or policy(), **stores))  # type: ignore[arg-type]
    assert len({outcome.order_id for outcome in outcomes}) == len(outcomes)
    return {outcome.order_id: outcome for outcome in outcomes}


def cut_all(nas: NasSimulator, count: int) -> list[Order]:
    target = nas_at(nas.coa_port)

    def keys(number: int) -> tuple[tuple[str, str], ...]:
        session = nas.add_session(f"user{number}")
        return (("User-Name", session.username), ("Acct-Session-Id", session.session_id))

    return [Order(number, target, Kind.DISCONNECT, keys(number)) for number in range(count)]
