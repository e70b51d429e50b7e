"""Events on their way to a handler: the JSON that PostgreSQL wrote, parsed only if somebody looks.

A set-based handler gives the text to PostgreSQL again, so a worker that takes thousands of events a
second never makes a dictionary of one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import overload

import orjson

from shared.events import Wire


class Batch(Sequence[Wire]):
    """Events as a JSON array."""

    def __init__(self, json: str) -> None:
        self.json = json

    @classmethod
    def joined(cls, arrays: Iterable[str]) -> Batch:
        """One batch of several JSON arrays, none of them empty."""
        return cls(f"[{','.join(array[1:-1] for array in arrays)}]")

    @cached_property
    def events(self) -> list[Wire]:
        parsed: list[Wire] = orjson.loads(self.json)
        return parsed

    @overload
    def __getitem__(self, index: int) -> Wire: ...
    @overload
    def __getitem__(self, index: slice) -> list[Wire]: ...
    def __getitem__(self, index: int | slice) -> Wire | list[Wire]:
        return self.events[index]

    def __len__(self) -> int:
        return len(self.events)


def as_json(events: Sequence[Wire]) -> str:
    """A JSON array, for a statement that unfolds it."""
    return events.json if isinstance(events, Batch) else orjson.dumps(events).decode()
