"""Measures of speed, each beside a floor measured in the same run (`python -m tests.bench`).

A module here has `NAMES: tuple[str, ...]` and `measures(names) -> list[Measure]`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median
from time import perf_counter


@dataclass(frozen=True)
class Measure:
    """A figure against its floor: `ratio` must reach `target` (1.0 is as good as the floor), if any.

    Build it with `measure`, which computes the ratio so that more is always better.
    """

    name: str
    value: float
    floor: float
    ratio: float
    target: float | None
    holds: bool
    unit: str = "s"
    note: str = ""


def measure(
    name: str,
    value: float,
    floor: float,
    target: float | None,
    *,
    unit: str = "s",
    note: str = "",
    less_is_better: bool = True,
) -> Measure:
    """A `Measure` of seconds, megabytes (less is better) or of a rate (`less_is_better=False`)."""
    ratio = floor / value if less_is_better else value / floor
    holds = target is None or ratio >= target
    return Measure(name, value, floor, ratio, target, holds, unit, note)


def interleaved(
    runs: int,
    work: Mapping[str, Callable[[], object]],
    before: Callable[[str], object] = lambda name: None,
) -> dict[str, float]:
    """Median seconds of each piece of work, taken in turns so that noise strikes all alike.

    One turn before the first is not counted: it fills caches and imports modules. `before` is
    told the name of each piece of work ahead of it, and not counted either.
    """
    times: dict[str, list[float]] = {name: [] for name in work}
    for turn in range(runs + 1):
        for name, function in work.items():
            before(name)
            started = perf_counter()
            function()
            if turn:
                times[name].append(perf_counter() - started)
    return {name: median(values) for name, values in times.items()}
