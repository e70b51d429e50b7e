"""`python -m tests.bench [NAME …]`: measure, print a table, write `var/bench.json`."""

import importlib
import json
import pkgutil
import sys
from dataclasses import asdict
from pathlib import Path
from types import ModuleType

from tests import bench
from tests.bench import Measure

RESULTS = Path("var/bench.json")


def main(wanted: list[str]) -> int:
    """0 when every target holds, 1 when one does not, 2 for a name nobody measures."""
    known = {name: module for module in _modules() for name in module.NAMES}
    unknown = [name for name in wanted if name not in known]
    if unknown:
        print(f"no measure {', '.join(unknown)}; there are {', '.join(known)}", file=sys.stderr)
        return 2
    results: list[Measure] = []
    for module in _modules():
        names = tuple(name for name in module.NAMES if not wanted or name in wanted)
        if names:
            results += module.measures(names)
    print(table(results))
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps([asdict(item) for item in results], indent=2) + "\n")
    return 0 if all(item.holds for item in results) else 1


def table(results: list[Measure]) -> str:
    """The measures under one another, aligned."""
    lines = [("name", "value", "floor", "unit", "ratio", "target", "holds", "note")]
    lines += [
        (
            item.name,
            f"{item.value:.3f}",
            f"{item.floor:.3f}",
            item.unit,
            f"{item.ratio:.2f}",
            "" if item.target is None else f"{item.target:.2f}",
            "" if item.target is None else "yes" if item.holds else "NO",
            item.note,
        )
        for item in results
    ]
    widths = [max(len(line[n]) for line in lines) for n in range(len(lines[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def _modules() -> list[ModuleType]:
    names = [item.name for item in pkgutil.iter_modules(bench.__path__)]
    return [importlib.import_module(f"tests.bench.{name}") for name in names if name != "__main__"]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
