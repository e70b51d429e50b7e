"""The search for leftovers in files: exports that an erasure should have removed, in any format."""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from customers.leftovers import EDGES, Needles
from shared.exports import PARTIAL

PIECE = 1 << 20
# What the database takes for a word, too (`leftovers`).
_WORD = re.compile(r"[\w@.+-]+")
# A word, and a name, that two pieces share is whole in one of them.
_OVERLAP = 300


def search(folder: Path, wanted: Needles) -> dict[str, Any]:
    """`files`: how many were read whole; `hits`: in which of them the erased are named."""
    there = sorted(folder.iterdir()) if folder.is_dir() and (wanted.words or wanted.phrases) else []
    read, hits = 0, list[dict[str, Any]]()
    for path in there:
        # One that is being written has the erasure behind it, or is removed at its end.
        if path.name.startswith(PARTIAL):
            continue
        try:
            traced = any(_traced(piece.lower(), wanted) for piece in _pieces(path))
        except FileNotFoundError:
            continue
        except (OSError, ValueError, zipfile.BadZipFile, zlib.error):
            # It may name anybody: somebody has to look.
            hits.append({"file": path.name, "unreadable": True})
            continue
        read += 1
        if traced:
            hits.append({"file": path.name})
    return {"files": read, "hits": hits}


def _traced(text: str, wanted: Needles) -> bool:
    words = {word.strip(EDGES) for word in _WORD.findall(text)}
    return bool(words & wanted.words) or any(phrase in text for phrase in wanted.phrases)


def _pieces(path: Path) -> Iterator[str]:
    if path.suffix == ".parquet":
        return _columns(path)
    if zipfile.is_zipfile(path):
        return _members(path)
    return _whole(path)


def _columns(path: Path) -> Iterator[str]:
    # Nobody but who searches reads this format: it takes 60 MB to be able to.
    from pyarrow import parquet  # type: ignore[import-untyped]

    with parquet.ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=10_000):
            for column in batch.columns:
                yield "\n".join(str(value) for value in column.to_pylist())


def _members(path: Path) -> Iterator[str]:
    """An XLSX is a ZIP of XML, what is held on a person one of JSON."""
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            with archive.open(name) as member:
                yield from _cut(member)


def _whole(path: Path) -> Iterator[str]:
    with path.open("rb") as file:
        yield from _cut(file)


def _cut(file: IO[bytes]) -> Iterator[str]:
    before = b""
    for piece in iter(lambda: file.read(PIECE), b""):
        yield (before + piece).decode(errors="replace")
        before = piece[-_OVERLAP:]
