"""One NAS: what waits, what is in flight, its window, its pace and its breaker.

A lane has no clock and no selector: it is told the time and handed the datagrams, so that its
tests need neither. A dead NAS therefore costs the others nothing.
"""

import errno
import heapq
import itertools
from collections import Counter, deque
from math import inf
from typing import Any

from radius_sync.disconnector.breaker import Breaker
from radius_sync.disconnector.flight import Flight, Opener, Port
from radius_sync.disconnector.orders import Nas, Order, Outcome, Policy, Result
from radius_sync.error_causes import classify
from radius_sync.protocol import HEADER_BYTES, Code, Drop, Unencodable
from radius_sync.radius import Message, encode_dynamic, read_reply

UNREACHABLE = (errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH)
# A start that came late is made up for within this time, so that slow timers keep the pace.
CATCH_UP_SECONDS = 0.05
ACKS = (Code.DISCONNECT_ACK, Code.COA_ACK)


class Lane:
    """The orders for one NAS, in the order they were given."""

    def __init__(
        self,
        orders: deque[Order],
        breaker: Breaker,
        policy: Policy,
        ports: Opener,
        drops: Counter[tuple[str, str]],
    ) -> None:
        self.nas = orders[0].nas
        self.breaker = breaker
        self.outcomes: list[Outcome] = []
        self._waiting = orders
        self._policy = policy
        self._ports = ports
        self._drops = drops
        self._port: Port | None = None
        self._in_flight = 0
        self._timers: list[tuple[float, int, Flight]] = []
        self._sequence = itertools.count()
        self._next_start = -inf

    @property
    def idle(self) -> bool:
        """Nothing waits and nothing is in flight."""
        return not self._waiting and not self._in_flight

    def wake(self) -> float:
        """When (monotonic) `advance` has something to do, if nothing is heard before."""
        while self._timers and self._timers[0][2].landed:
            heapq.heappop(self._timers)
        due = self._timers[0][0] if self._timers else inf
        return min(due, self._next_start) if self._has_room() else due

    def advance(self, now: float) -> None:
        """Retransmit or give up what is due, then start what there is room for."""
        while self._timers and self._timers[0][0] <= now:
            flight = heapq.heappop(self._timers)[2]
            if not flight.landed:
                self._expire(flight, now)
        while self._has_room() and self._next_start <= now and not self._is_open():
            self._start(self._waiting.popleft(), now)
        if self._waiting and self._is_open():
            self._defer_waiting()

    def hear(self, port: Port, datagram: bytes, from_nas: bool) -> None:
        """A datagram came in. Whatever is not a verified answer is counted and dropped."""
        if not from_nas:
            return self._drop(Drop.SOURCE)
        if len(datagram) < HEADER_BYTES:
            return self._drop(Drop.SHAPE)
        flight = port.pending.get(datagram[1])
        if flight is None:
            return self._drop(Drop.IDENTIFIER)
        reply = read_reply(
            flight.request,
            datagram,
            now=self._policy.unix_time(),
            require_authenticator=flight.order.nas.require_ma_reply,
        )
        if isinstance(reply, Drop):
            return self._drop(reply, flight)
        return self._answered(flight, reply)

    def refuse(self, port: Port, error: OSError) -> None:
        """The network says that nobody listens: no point in waiting for answers to this port."""
        for flight in list(port.pending.values()):
            self._land(flight, Result.REFUSED, detail=f"{error.strerror or error}")

    def _is_open(self) -> bool:
        return self.breaker.is_open(self._policy.unix_time())

    def _has_room(self) -> bool:
        if not self._waiting:
            return False
        probing = self.breaker.is_half_open(self._policy.unix_time())
        return self._in_flight < (1 if probing else self.nas.window)

    def _start(self, order: Order, now: float) -> None:
        try:
            port = self._port_with_identifier(order.nas)
        except (OSError, ValueError) as error:
            return self._unsent(order, error)
        identifier = port.identifiers.pop()
        try:
            request = encode_dynamic(
                order.kind.code,
                identifier,
                order.nas.secret,
                order.attributes,
                timestamp=int(self._policy.unix_time()),
            )
        except Unencodable as error:
            port.identifiers.append(identifier)
            return self._unsent(order, error)
        wait = self._policy.retransmission.first(self._policy.random)
        flight = Flight(order, request, port, now, wait, now + wait)
        port.pending[identifier] = flight
        self._in_flight += 1
        if self.nas.pacing:
            behind = now - self._next_start
            base = self._next_start if behind < CATCH_UP_SECONDS else now
            self._next_start = base + 1 / self.nas.pacing
        self._schedule(flight)
        return self._transmit(flight)

    def _port_with_identifier(self, nas: Nas) -> Port:
        if self._port is None or not self._port.identifiers:
            spent, self._port = self._port, self._ports.open(nas)
            if spent and spent.spent:
                self._ports.close(spent)
        return self._port

    def _unsent(self, order: Order, error: Exception) -> None:
        if isinstance(error, OSError):
            self.breaker = self.breaker.unanswered(self._policy.unix_time(), self._policy)
        result = Result.REFUSED if isinstance(error, OSError) else Result.UNSENDABLE
        self.outcomes.append(Outcome(order.order_id, result, detail=str(error)))

    def _defer_waiting(self) -> None:
        while self._waiting:
            self.outcomes.append(
                Outcome(
                    self._waiting.popleft().order_id,
                    Result.DEFERRED,
                    not_before=self.breaker.not_before,
                    detail=f"the NAS left {self.breaker.failures} requests unanswered",
                )
            )

    def _schedule(self, flight: Flight) -> None:
        heapq.heappush(self._timers, (flight.due, next(self._sequence), flight))

    def _expire(self, flight: Flight, now: float) -> None:
        rules = self._policy.retransmission
        end = flight.started + rules.duration
        if flight.transmissions >= rules.count or now >= end:
            forged = flight.drops[Drop.VERIFY]
            detail = "answers came that its secret does not verify" if forged else ""
            return self._land(flight, Result.TIMEOUT, detail=detail)
        flight.wait = rules.next(flight.wait, self._policy.random)
        flight.due = min(now + flight.wait, end)
        self._schedule(flight)
        return self._transmit(flight)

    def _transmit(self, flight: Flight) -> None:
        """Send the same bytes from the same port; a datagram the system loses is simply lost."""
        flight.transmissions += 1
        for attempt in ("first", "again"):
            try:
                return flight.port.send(flight.request.raw)
            except OSError as error:
                if error.errno not in UNREACHABLE:
                    return None
                # An ICMP error is told at the next call: of the others, unless it comes again.
                if attempt == "first" and flight.transmissions == 1:
                    self._refuse_others(flight, error)
                    continue
                return self.refuse(flight.port, error)
        return None

    def _refuse_others(self, flight: Flight, error: OSError) -> None:
        for other in list(flight.port.pending.values()):
            if other is not flight:
                self._land(other, Result.REFUSED, detail=f"{error.strerror or error}")

    def _answered(self, flight: Flight, reply: Message) -> None:
        took = (self._policy.monotonic() - flight.started) * 1000
        acked = reply.code in ACKS
        cause = classify(reply.error_cause) if reply.error_cause or not acked else None
        self._land(
            flight,
            Result.ACKED if acked else Result.NAKED,
            code=reply.code,
            error_cause=reply.error_cause,
            error_class=cause.meaning if cause else None,
            round_trip_ms=took,
            detail=cause.advice if cause else "",
        )

    def _land(self, flight: Flight, result: Result, **known: Any) -> None:
        flight.landed = True
        self._in_flight -= 1
        del flight.port.pending[flight.request.identifier]
        if result in (Result.ACKED, Result.NAKED):
            self.breaker = self.breaker.answered()
        else:
            self.breaker = self.breaker.unanswered(self._policy.unix_time(), self._policy)
        if flight.port.spent and flight.port is not self._port:
            self._ports.close(flight.port)
        self.outcomes.append(
            Outcome(
                flight.order.order_id,
                result,
                transmissions=flight.transmissions,
                drops=dict(flight.drops),
                **known,
            )
        )

    def _drop(self, cause: Drop, flight: Flight | None = None) -> None:
        self._drops[self.nas.address, cause.value] += 1
        if flight:
            flight.drops[cause.value] += 1
