"""The search for leftovers in files: exports that an erasure should have removed, in any format."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from customers.leftovers.needles import Needles
from customers.leftovers.words import Matcher, pieces
from shared.exports import PARTIAL


def search(folder: Path, wanted: Needles) -> dict[str, Any]:
    """`files`: how many were read whole; `hits`: in which of them the erased are named."""
    there = sorted(folder.iterdir()) if folder.is_dir() and wanted.all else []
    matcher = Matcher(wanted.words, wanted.phrases)
    read, hits = 0, list[dict[str, Any]]()
    for path in there:
        # One that is being written has the erasure behind it, or is removed at its end.
        if path.name.startswith(PARTIAL):
            continue
        try:
            traced = any(matcher.found(piece) for piece in _pieces(path))
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
                yield from (text for _, text in pieces(member))


def _whole(path: Path) -> Iterator[str]:
    with path.open("rb") as file:
        yield from (text for _, text in pieces(file))
