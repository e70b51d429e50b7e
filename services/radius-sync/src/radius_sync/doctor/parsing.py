"""FreeRADIUS' configuration files as a tree: enough of unlang to find what is set where."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

_INCLUDE = re.compile(r"^-?\$INCLUDE\s+(\S+)")
_SETTING = re.compile(r"^([\w.-]+)\s*=\s*(.*)$")
# As the stock tree sets them; what else stands in a path is not followed.
_PATHS = {"${modconfdir}": "mods-config", "${.:name}": "sql", "${dialect}": "postgresql"}
DEEPEST = 8


@dataclass
class Section:
    """`name {...}`: what is set in it, bare words (modules called), sections in it."""

    name: str
    file: Path
    settings: dict[str, str] = field(default_factory=dict)
    words: list[str] = field(default_factory=list)
    sections: list[Section] = field(default_factory=list)

    def walk(self) -> Iterator[Section]:
        """This one and all below it."""
        yield self
        for section in self.sections:
            yield from section.walk()

    def below(self, name: str) -> Iterator[Section]:
        """All sections of this name (its first word), at any depth."""
        return (one for one in self.walk() if one.name.split(" ", 1)[0] == name)

    def calls(self, module: str) -> bool:
        """Whether the module is called anywhere in it, alone or with a block of its own."""
        return any(
            module in (word.lstrip("-") for word in one.words)
            or any(below.name == module for below in one.sections)
            for one in self.walk()
        )


def parse(folder: Path) -> Section:
    """The tree of `folder/radiusd.conf` with all it includes. OSError when it cannot be read."""
    start = folder / "radiusd.conf"
    root = Section("", start)
    _read(root, start, folder, 0)
    return root


def _read(root: Section, file: Path, folder: Path, depth: int) -> None:
    open_sections = [root]
    joined = re.sub(r"\\\n\s*", " ", file.read_text("utf-8", errors="replace"))
    for raw in joined.splitlines():
        line = _bare(raw)
        if not line:
            continue
        here = open_sections[-1]
        if included := _INCLUDE.match(line):
            for path in _included(included[1], file, folder):
                if depth < DEEPEST:
                    _read(here, path, folder, depth + 1)
        elif line == "}":
            if len(open_sections) > 1:
                open_sections.pop()
        elif line.endswith("{"):
            section = Section(" ".join(line[:-1].lstrip("} ").split()), file)
            here.sections.append(section)
            if line.startswith("}"):
                open_sections[-2].sections.append(here.sections.pop())
                open_sections.pop()
            open_sections.append(section)
        elif setting := _SETTING.match(line):
            name, value = setting.groups()
            kept = here.settings.get(name)
            here.settings[name] = value if kept is None else f"{kept}\n{value}"
        else:
            here.words.append(line.split()[0])


def _bare(line: str) -> str:
    """Without its comment: a `#` outside quotes."""
    quote = ""
    for place, sign in enumerate(line):
        if quote:
            quote = "" if sign == quote and line[place - 1] != "\\" else quote
        elif sign in "'\"":
            quote = sign
        elif sign == "#":
            return line[:place].strip()
    return line.strip()


def _included(text: str, file: Path, folder: Path) -> list[Path]:
    for variable, value in _PATHS.items():
        text = text.replace(variable, value)
    path = Path(text) if text.startswith("/") else folder / text
    if text.endswith("/") or path.is_dir():
        inside = sorted(path.iterdir()) if path.is_dir() else []
        return [one for one in inside if one.is_file() and re.fullmatch(r"[\w.-]+", one.name)]
    found = path if path.is_file() else file.parent / text
    return [found] if found.is_file() else []
