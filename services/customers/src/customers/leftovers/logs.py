"""The search for leftovers in the logs of the roles: every file of a folder, rotated and packed ones too.

All persons of all erasures that wait are looked for in one reading. A file is known by its inode: one
that is rotated while others are read is read once, and what a rotation makes anew is read as well.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import sys
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import IO, Any

from customers.leftovers.places import Find, Searched
from customers.leftovers.words import Matcher, pieces

zstd = import_module("compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd")
BY_STDOUT = "logs leave this machine by standard output: TENURE_LOG_FOLDER names no folder of files"
# Known by how they begin, whatever they are called.
PACKED: tuple[tuple[bytes, Callable[[IO[bytes]], Any]], ...] = (
    (b"\x1f\x8b", gzip.open),
    (b"BZh", bz2.open),
    (b"\xfd7zXZ", lzma.open),
    (b"\x28\xb5\x2f\xfd", zstd.open),
)
_NOT_READ = (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError, zstd.ZstdError)
Inode = tuple[int, int]
TAKE_OUT = "take the lines out, or remove the file; what is rotated away counts too"
MAKE_READABLE = "let the worker of customers read it, or remove it"


def search(folder: Path | None, matcher: Matcher) -> Searched:
    """What the logs say of anybody; `searched` is false where there are no files to read."""
    if folder is None:
        return Searched({"searched": False, "because": BY_STDOUT})
    if not folder.is_dir():
        find = Find({"log": str(folder), "unreadable": True, "do": MAKE_READABLE})
        return Searched({"searched": False, "because": "the folder is not there"}, [find])
    read, finds = dict[Inode, int](), list[Find]()
    while new := [path for path in sorted(folder.rglob("*")) if _unread(path, read)]:
        for path in new:
            name = str(path.relative_to(folder))
            try:
                with path.open("rb") as file:
                    found = os.fstat(file.fileno())
                    read[found.st_dev, found.st_ino] = found.st_size
                    finds += _in_file(file, name, matcher)
            except FileNotFoundError:
                # Removed meanwhile, or it has another name, by which it is found again.
                continue
            except _NOT_READ:
                with suppress(FileNotFoundError):
                    read.setdefault(_inode(path), 0)
                finds.append(Find({"log": name, "unreadable": True, "do": MAKE_READABLE}))
    return Searched({"searched": True, "files": len(read), "bytes": sum(read.values())}, finds)


def _unread(path: Path, read: Mapping[Inode, int]) -> bool:
    try:
        return path.is_file() and _inode(path) not in read
    except FileNotFoundError:
        return False


def _inode(path: Path) -> Inode:
    found = path.stat()
    return found.st_dev, found.st_ino


def _in_file(file: IO[bytes], name: str, matcher: Matcher) -> Iterator[Find]:
    """Each needle with the line where it stands first, or one shortly before."""
    lines: dict[str, int | None] = {}
    for line, piece in pieces(_unpacked(file)):
        for needle in matcher.found(piece) - lines.keys():
            lines[needle] = line + piece.count("\n", 0, max(0, piece.lower().find(needle)))
    if lines:
        yield Find({"log": name, "do": TAKE_OUT}, lines)


def _unpacked(file: IO[bytes]) -> IO[bytes]:
    begins = file.read(6)
    file.seek(0)
    for magic, opens in PACKED:
        if begins.startswith(magic):
            unpacked: IO[bytes] = opens(file)
            return unpacked
    return file
