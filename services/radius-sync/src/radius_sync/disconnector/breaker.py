"""The breaker of one NAS: after some silence, only a single probe now and then."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from radius_sync.disconnector.orders import Policy


@dataclass(frozen=True, slots=True)
class Breaker:
    """Plain values, so that the caller can store them between calls.

    `failures` orders in a row got no answer; `not_before` is the Unix time until which nothing is
    sent (None: closed); `pause` is how many seconds the breaker last stayed open.
    """

    failures: int = 0
    not_before: float | None = None
    pause: float = 0.0

    def is_open(self, now: float) -> bool:
        """Whether orders are deferred at `now`."""
        return self.not_before is not None and now < self.not_before

    def is_half_open(self, now: float) -> bool:
        """Whether a single probe may go out at `now`."""
        return self.not_before is not None and now >= self.not_before

    def answered(self) -> "Breaker":
        """Any verified answer, a NAK too, shows that the NAS is there."""
        return self if self == CLOSED else CLOSED

    def unanswered(self, now: float, policy: "Policy") -> "Breaker":
        """One more order without an answer. While it is open, late time-outs change nothing."""
        failures = self.failures + 1
        if self.is_open(now):
            return replace(self, failures=failures)
        if self.not_before is None and failures < policy.breaker_failures:
            return replace(self, failures=failures)
        pause = min(max(self.pause * 2, policy.probe_after), policy.probe_after_at_most)
        return Breaker(failures, now + pause, pause)


CLOSED = Breaker()
