"""One sample of every event type, made from its annotations, and its committed JSON.

`python -m tests.contracts.samples --write` writes those of new types; a changed one is a changed
contract: add fields with a default, never rename or remove.
"""

from __future__ import annotations

import dataclasses
import sys
import types
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints
from uuid import UUID

import orjson

from shared import outbox
from shared.events import TYPES, Event, payload

FOLDER = Path(__file__).with_name("events")
PLAIN: dict[Any, Any] = {
    str: "text",
    int: 7,
    bool: True,
    Decimal: Decimal("12.50"),
    UUID: UUID("01a20000-0000-7000-8000-000000000001"),
    datetime: datetime(2026, 11, 21, 12, 0, tzinfo=UTC),
}


def value(hint: Any) -> Any:
    """A value of this annotation: of a union the first, of a literal the first, of a list two."""
    if hint in PLAIN:
        return PLAIN[hint]
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Literal:
        return inner[0]
    if origin in (Union, types.UnionType):
        return value(inner[0])
    if origin is tuple:
        return (value(inner[0]), value(inner[0]))
    if origin is dict:
        return {value(inner[0]): value(inner[1])}
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return hint(**fields(hint))
    raise TypeError(f"no sample of {hint}: add one")


def fields(kind: type) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {field.name: value(hints[field.name]) for field in dataclasses.fields(kind)}


def sample(kind: type[Event]) -> Event:
    return kind(**{**fields(kind), "operator_path": "1/4/9/"})


def wire(event: Event) -> dict[str, Any]:
    """The event as the feed and the relay give it."""
    row = types.SimpleNamespace(
        id=PLAIN[UUID], type=event.type, subject=event.subject, sequence=event.sequence,
        operator_path=event.operator_path, occurred_at=PLAIN[datetime], actor="north",
    )  # fmt: skip
    # Through bytes and back, as jsonb does.
    return outbox.envelope(event.said_by[0], row, orjson.loads(orjson.dumps(payload(event))))


def golden(kind: type[Event]) -> bytes:
    options = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE
    return orjson.dumps(wire(sample(kind)), option=options)


def main() -> None:
    for name, kind in TYPES.items():
        file = FOLDER / f"{name}.json"
        if "--write" in sys.argv:
            file.write_bytes(golden(kind))
        elif not file.exists() or file.read_bytes() != golden(kind):
            sys.exit(f"{file.name} is not what the code sends; see tests/contracts/samples.py")


if __name__ == "__main__":
    main()
