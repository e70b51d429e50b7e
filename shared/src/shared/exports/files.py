"""A file that is either whole under its name or not there at all (fault F37)."""

import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO, Literal

Format = Literal["csv", "xlsx", "parquet"]

PARTIAL = ".export-"
"""Names of files still being written begin with this; no name given to a reader does."""


def download_name(kind: str, export_id: object, format: Format) -> str:
    """`payments-0192….csv`: from our own words and ids, never from what somebody typed."""
    name = f"{kind}-{export_id}"
    if not name.replace("-", "").replace("_", "").isalnum() or not name.isascii():
        raise ValueError(f"download name {name!r}: only letters, digits, - and _")
    return f"{name}.{format}"


@contextmanager
def placed(path: Path) -> Iterator[BinaryIO]:
    """A new 0600 file that takes the name `path` when the block ends without an error.

    The bytes are on disk before the name is, and the name before this returns. After an error the
    partial file is removed; after `kill -9` it stays under its `PARTIAL` name for `remove_stale`.
    """
    partial = path.with_name(f"{PARTIAL}{secrets.token_hex(8)}")
    descriptor = os.open(partial, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
    try:
        with os.fdopen(descriptor, "w+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        partial.rename(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_stale(folder: Path, older_than: timedelta = timedelta(hours=6)) -> int:
    """Remove what killed exports left behind; returns how many files went.

    A partial file that was written to within `older_than` may belong to an export still running.
    """
    limit = time.time() - older_than.total_seconds()
    stale = [p for p in folder.glob(f"{PARTIAL}*") if p.stat().st_mtime <= limit]
    for path in stale:
        path.unlink(missing_ok=True)
    return len(stale)
