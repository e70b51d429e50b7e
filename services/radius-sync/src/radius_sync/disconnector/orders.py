"""What the caller orders, what it learns, and the policy in between."""

import time
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from random import Random, SystemRandom

from radius_sync.error_causes import ErrorClass
from radius_sync.protocol import Attributes, Code


class Kind(StrEnum):
    """Ending a session, or changing it while it runs (RFC 5176)."""

    DISCONNECT = "disconnect"
    COA = "coa"

    @property
    def code(self) -> Code:
        """The packet type of the request."""
        return Code.DISCONNECT_REQUEST if self is Kind.DISCONNECT else Code.COA_REQUEST


@dataclass(frozen=True, slots=True)
class Nas:
    """Where the requests go and how the NAS wants them.

    `address` is an IP address: no name is looked up here. `window` is how many requests may be
    unanswered at once, `pacing` how many new ones may start in a second (None: no limit).
    ValueError for settings under which nothing could ever be sent, or would be unsigned.
    """

    address: str
    coa_port: int
    secret: bytes = field(repr=False)
    window: int = 32
    pacing: float | None = None
    require_ma_reply: bool = False

    def __post_init__(self) -> None:
        if self.window < 1 or (self.pacing is not None and self.pacing <= 0):
            raise ValueError(f"{self.address}: window and pacing must be above 0")
        if not 0 < self.coa_port < 65536:
            raise ValueError(f"{self.address}: {self.coa_port} is no UDP port")
        if not self.secret:
            raise ValueError(f"{self.address}: the shared secret is empty")

    @property
    def key(self) -> tuple[str, int]:
        """What breakers are stored under."""
        return (self.address, self.coa_port)


@dataclass(frozen=True, slots=True)
class Order:
    """One session to end or to change; `order_id` is any key of the caller's."""

    order_id: Hashable
    nas: Nas
    kind: Kind
    attributes: Attributes


class Result(StrEnum):
    """How an order ended."""

    ACKED = "acked"
    NAKED = "naked"
    TIMEOUT = "timeout"  # sent, never answered: it may have taken effect all the same
    REFUSED = "refused"  # the network said at once that nobody listens there
    DEFERRED = "deferred"  # never sent: the breaker of its NAS is open
    UNSENDABLE = "unsendable"  # never sent: no packet can be made of it


@dataclass(frozen=True, slots=True)
class Outcome:
    """`not_before` is Unix time, of a deferred order; `detail` is for an operator."""

    order_id: Hashable
    result: Result
    code: Code | None = None
    error_cause: int | None = None
    error_class: ErrorClass | None = None
    round_trip_ms: float | None = None
    transmissions: int = 0
    drops: Mapping[str, int] = field(default_factory=dict)
    not_before: float | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Retransmission:
    """RFC 5080 section 2.2.1, in seconds; its section's own numbers are the defaults."""

    initial: float = 2.0  # IRT
    maximum: float = 16.0  # MRT
    count: int = 5  # MRC
    duration: float = 30.0  # MRD
    jitter: float = 0.1  # RAND

    def first(self, random_source: Random) -> float:
        """How long to wait for an answer to the first transmission."""
        return self.initial * (1 + self._rand(random_source))

    def next(self, previous: float, random_source: Random) -> float:
        """How long to wait after one more transmission."""
        doubled = previous * (2 + self._rand(random_source))
        if doubled <= self.maximum:
            return doubled
        return self.maximum * (1 + self._rand(random_source))

    def _rand(self, random_source: Random) -> float:
        return random_source.uniform(-self.jitter, self.jitter)


@dataclass(frozen=True, slots=True)
class Policy:
    """How to send. The clocks and the random source are replaced by tests.

    `breaker_failures` unanswered orders in a row open the breaker of a NAS, for `probe_after`
    seconds, doubling to `probe_after_at_most`. `source_address` is the local address the NAS
    expects, None for the system's choice.
    """

    retransmission: Retransmission = Retransmission()
    breaker_failures: int = 5
    probe_after: float = 15.0
    probe_after_at_most: float = 300.0
    source_address: str | None = None
    monotonic: Callable[[], float] = time.monotonic
    unix_time: Callable[[], float] = time.time
    random: Random = field(default_factory=SystemRandom)
