"""The table in docs/events.md, from shared/events: `python -m tests.contracts.events_page --write`."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

from shared.events import TYPES, CustomerFacts, Event

PAGE = Path(__file__).parents[2] / "docs" / "events.md"
MARK = "<!-- from here on made by `python -m tests.contracts.events_page --write` -->\n"
ENVELOPE = ("subject", "sequence", "operator_path")


def table() -> str:
    rows = [
        f"| `{name}` | {', '.join(kind.said_by)} | {heard(kind)} | {fields(kind)} |"
        for name, kind in TYPES.items()
    ]
    facts = ", ".join(field.name for field in dataclasses.fields(CustomerFacts))
    head = ["| type | said by | heard by | data |", "| --- | --- | --- | --- |"]
    return "\n".join([MARK, *head, *rows, "", f"`customer` holds: {facts}.", ""])


def heard(kind: type[Event]) -> str:
    return ", ".join(kind.heard_by) or "feed only"


def fields(kind: type[Event]) -> str:
    names = [field.name for field in dataclasses.fields(kind) if field.name not in ENVELOPE]
    return ", ".join(names)


def written() -> str:
    return PAGE.read_text().partition(MARK)[0] + table()


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        PAGE.write_text(written())
    elif PAGE.read_text() != written():
        sys.exit("docs/events.md is old: python -m tests.contracts.events_page --write")
