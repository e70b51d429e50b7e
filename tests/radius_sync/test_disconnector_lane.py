"""A lane without sockets or clocks: what the network says between two sends."""

import errno
from collections import Counter, deque

import pytest

from radius_sync.disconnector import Breaker, Nas, Order, Policy, Result
from radius_sync.disconnector.flight import Port
from radius_sync.disconnector.lane import Lane
from radius_sync.disconnector.ports import Ports, RecentPorts
from tests.radius_sync.exchanging import nas_at, orders
from tests.radius_sync.puppet import SECRET, reply

pytestmark = pytest.mark.unit

REFUSED = ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused")


class PaperPort(Port):
    """`fate` gives what each send meets: an error or None."""

    def __init__(self, nas: Nas, fate: deque[OSError | None]) -> None:
        self.nas = nas
        self.identifiers = list(range(256))
        self.pending = {}
        self.sent: list[bytes] = []
        self._fate = fate

    def send(self, raw: bytes) -> None:
        if self._fate and (error := self._fate.popleft()):
            raise error
        self.sent.append(raw)


class PaperPorts:
    def __init__(self, *fate: OSError | None) -> None:
        self.fate = deque(fate)
        self.opened: list[PaperPort] = []

    def open(self, nas: Nas) -> Port:
        self.opened.append(PaperPort(nas, self.fate))
        return self.opened[-1]

    def close(self, port: Port) -> None:
        raise AssertionError("no port is spent here")


def lane(
    ports: PaperPorts, wanted: list[Order], drops: Counter[tuple[str, str]], now: float = 0.0
) -> Lane:
    policy = Policy(monotonic=lambda: now, unix_time=lambda: 1_700_000_000.0)
    return Lane(deque(wanted), Breaker(), policy, ports, drops)


def test_a_refusal_told_late_is_of_the_earlier_request_and_the_new_one_is_sent_again() -> None:
    """Linux reports an ICMP error at the next call on the socket, whatever that call is about."""
    ports = PaperPorts(None, REFUSED, None)
    subject = lane(ports, orders(nas_at(3799), 2), Counter())
    subject.advance(0.0)
    assert [(o.order_id, o.result) for o in subject.outcomes] == [(0, Result.REFUSED)]
    assert len(ports.opened[0].sent) == 2
    assert not subject.idle


def test_a_refusal_told_twice_is_of_the_new_request_too() -> None:
    ports = PaperPorts(REFUSED, REFUSED)
    subject = lane(ports, orders(nas_at(3799)), Counter())
    subject.advance(0.0)
    assert [o.result for o in subject.outcomes] == [Result.REFUSED]
    assert subject.idle


def test_a_datagram_the_system_could_not_send_is_only_lost() -> None:
    ports = PaperPorts(PermissionError(errno.EPERM, "filtered"))
    subject = lane(ports, orders(nas_at(3799)), Counter())
    subject.advance(0.0)
    assert subject.outcomes == []
    assert 1.8 <= subject.wake() <= 2.2
    subject.advance(subject.wake())
    assert len(ports.opened[0].sent) == 1


def test_an_answer_from_another_source_is_dropped() -> None:
    ports, drops = PaperPorts(), Counter[tuple[str, str]]()
    subject = lane(ports, orders(nas_at(3799)), drops)
    subject.advance(0.0)
    port = ports.opened[0]
    subject.hear(port, reply(port.sent[0]), from_nas=False)
    assert subject.outcomes == []
    assert drops == {("127.0.0.1", "source"): 1}
    subject.hear(port, reply(port.sent[0]), from_nas=True)
    assert [o.result for o in subject.outcomes] == [Result.ACKED]


def test_the_round_trip_is_told_in_milliseconds() -> None:
    ports = PaperPorts()
    subject = lane(ports, orders(nas_at(3799)), Counter(), now=10.0125)
    subject.advance(10.0)
    port = ports.opened[0]
    subject.hear(port, reply(port.sent[0]), from_nas=True)
    assert [o.round_trip_ms for o in subject.outcomes] == [pytest.approx(12.5)]


@pytest.mark.parametrize(
    ("late", "starts"),
    [(0.0, [0.0, 0.01, 0.02, 0.03, 0.04]), (0.02, [0.0, 0.03, 0.03, 0.03, 0.04]),
     (1.0, [0.0, 1.01, 1.02, 1.03, 1.04])],
)  # fmt: skip
def test_pacing_keeps_its_rate_and_makes_up_for_a_moment_but_not_for_a_stall(
    late: float, starts: list[float]
) -> None:
    ports = PaperPorts()
    subject = lane(ports, orders(nas_at(3799, pacing=100.0), 5), Counter())
    now, found = 0.0, list[float]()
    while len(found) < 5:
        before = len(ports.opened[0].sent) if ports.opened else 0
        subject.advance(now)
        found += [now] * (len(ports.opened[0].sent) - before)
        now = subject.wake() + (late if len(found) == 1 else 0.0)
    assert found == pytest.approx(starts)


def test_the_default_timers_give_up_after_thirty_seconds() -> None:
    ports = PaperPorts()
    subject = lane(ports, orders(nas_at(3799)), Counter())
    now = 0.0
    while not subject.idle:
        subject.advance(now)
        now = subject.wake()
        assert now <= 30.0 or subject.idle
    assert [o.result for o in subject.outcomes] == [Result.TIMEOUT]
    assert len(set(ports.opened[0].sent)) == 1
    assert len(ports.opened[0].sent) in (4, 5)


def test_a_port_number_of_the_last_300_seconds_is_not_taken_again() -> None:
    class First(RecentPorts):
        def __init__(self) -> None:
            super().__init__()
            self.refused: list[int] = []

        def holds(self, nas: object, number: int, now: float) -> bool:
            if len(self.refused) < 3:
                self.refused.append(number)
                return True
            return False

    recent = First()
    ports = Ports(Policy(), recent)
    port = ports.open(Nas("127.0.0.1", 3799, SECRET))
    ports.close_all()
    assert len(recent.refused) == 3
    assert port.number not in recent.refused


def test_when_every_number_was_used_the_order_is_refused() -> None:
    class All(RecentPorts):
        def holds(self, nas: object, number: int, now: float) -> bool:
            return True

    ports = Ports(Policy(), All())
    with pytest.raises(OSError, match="no source port is free"):
        ports.open(Nas("127.0.0.1", 3799, SECRET))
    ports.close_all()
