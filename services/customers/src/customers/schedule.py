"""What the beat role rings for: task → seconds. Nothing of the work is imported here."""

from __future__ import annotations

from collections.abc import Mapping

SCHEDULE: Mapping[str, float] = {
    # A minute is what an operator calls "at midnight"; the worker's timer is mostly there before.
    "customers.lapse": 60,
    # Sign-in looks at five minutes: the rest is only weight.
    "customers.clean": 3600,
    # The purge is done once a day: an hour is what a beat or worker that was away costs at most.
    "customers.purge": 3600,
    # Files name people, and must not lie about after their time.
    "customers.remove_exports": 600,
}
