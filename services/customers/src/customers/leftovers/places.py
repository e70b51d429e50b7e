"""What a search outside this database tells of a place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from customers.leftovers.needles import Needles


@dataclass(frozen=True)
class Find:
    """`where` names the place and what to do there, never the person; `needles` the line of each, if
    there are lines. None: it could not be read, and may name anybody."""

    where: dict[str, Any]
    needles: Mapping[str, int | None] | None = None

    def of(self, wanted: Needles) -> dict[str, Any] | None:
        """As it is told to whom `wanted` concerns."""
        if self.needles is None:
            return self.where
        lines = [line for needle, line in self.needles.items() if needle in wanted.all]
        told = [line for line in lines if line is not None]
        return (self.where | ({"from_line": min(told)} if told else {})) if lines else None


@dataclass(frozen=True)
class Searched:
    """`told`: whether and how much was read; texts, whole numbers, true and false only: it is signed."""

    told: dict[str, Any]
    finds: list[Find] = field(default_factory=list)

    def of(self, wanted: Needles) -> list[dict[str, Any]]:
        """What of it concerns the persons of one erasure."""
        return [told for find in self.finds if (told := find.of(wanted)) is not None]


def union(many: Iterable[Needles]) -> Needles:
    """What all of them look for: a place is read once."""
    each = list(many)
    return Needles(
        frozenset().union(*(one.words for one in each)),
        frozenset().union(*(one.phrases for one in each)),
    )
