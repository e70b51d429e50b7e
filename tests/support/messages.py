"""Events as the relay reads them from an outbox, for tests that hand them over themselves."""

from collections import defaultdict

import orjson

from shared.arrays import EMPTY
from shared.events import Wire
from shared.outbox import Unsent


def unsent(*events: Wire) -> list[Unsent]:
    """One message of these."""
    by_type: dict[str, list[Wire]] = defaultdict(list)
    for event in events:
        by_type[event["type"]].append(event)
    return [
        Unsent(0, type_, orjson.dumps(told).decode(), len(told), EMPTY)
        for type_, told in by_type.items()
    ]
