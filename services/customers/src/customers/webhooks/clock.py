"""What the worker does for webhooks by its own clock."""

from __future__ import annotations

from collections.abc import Callable

from customers.settings import Settings
from customers.webhooks.delivering import deliver_due
from customers.webhooks.fanning import SOURCES, fan_out
from shared.database import Database
from shared.timers import Timer

# A look is one probe of the few endpoints there are.
DELIVER_SECONDS = 1


def timers(database: Database, settings: Settings) -> list[Timer]:
    """Each feed apart, so that a service that is away delays no other's events."""

    def taking(source: str) -> Callable[[], int]:
        return lambda: fan_out(database, settings, source)

    return [
        Timer("webhooks", DELIVER_SECONDS, lambda: deliver_due(database, settings)),
        *(
            Timer(f"webhooks of {source}", settings.feed_interval, taking(source))
            for source in SOURCES
        ),
    ]
