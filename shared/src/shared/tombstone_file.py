"""Who is erased, in a file outside PostgreSQL, so that no restored backup forgets it (F36, I10).

A line for each erased customer, appended and never changed:

    CUSTOMER-ID ERASURE-ID MODE OPERATOR-PATH TIME CHAIN

`CHAIN` is an HMAC-SHA-256 over the line and the chain value of the line before, under a key of the
site: an altered line is noticed, and nobody without the key has anybody erased. The ids are needed to
find the customers in a restored database; without one they say nothing of a person. A line may come
twice: who was killed before it could note a line writes it again.
"""

from __future__ import annotations

import fcntl
import hmac
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BufferedRandom
from itertools import islice
from pathlib import Path
from uuid import UUID

from shared.settings import Settings

NAME = "tombstones.txt"
CHAIN_CHARACTERS = 64


@dataclass(frozen=True, slots=True)
class Tombstone:
    customer_id: UUID
    erasure_id: UUID
    mode: str
    operator_path: str
    at: datetime

    def told(self) -> bytes:
        at = self.at.astimezone(UTC).isoformat(timespec="seconds")
        return (
            f"{self.customer_id} {self.erasure_id} {self.mode} {self.operator_path} {at}".encode()
        )


@dataclass(frozen=True, slots=True)
class Place:
    """Between two lines: so many bytes stand before it, and the last line of them ends with `chain`."""

    bytes: int = 0
    chain: str = ""


START = Place()


class Altered(Exception):
    """A line is not as it was written."""


class Moved(Exception):
    """Somebody appended meanwhile: read that first."""


@dataclass(frozen=True, slots=True)
class TombstoneFile:
    path: Path
    key: bytes

    def holds(self, place: Place) -> bool:
        """Whether the file goes as far as this place, and is the same file there."""
        if place == START:
            return True
        try:
            with self.path.open("rb") as file:
                file.seek(max(0, place.bytes - CHAIN_CHARACTERS - 1))
                return file.read(CHAIN_CHARACTERS + 1) == f"{place.chain}\n".encode()
        except FileNotFoundError:
            return False

    def read(self, after: Place, most: int) -> tuple[list[Tombstone], Place]:
        """The next tombstones behind a place that it `holds`, and the place behind them. Raises Altered.

        An incomplete last line is being written, or was left by a crash: it is not there yet.
        """
        found: list[Tombstone] = []
        place = after
        try:
            file = self.path.open("rb")
        except FileNotFoundError:
            return found, place
        with file:
            file.seek(place.bytes)
            for line in islice(file, most):
                if not line.endswith(b"\n"):
                    break
                found.append(self._parsed(line, place))
                place = Place(place.bytes + len(line), _chain_of(line))
        return found, place

    def append(self, tombstones: Iterable[Tombstone], after: Place) -> Place:
        """Write behind `after`, which must be the end, onto the disk; the new end. Raises Moved."""
        with self._locked() as file:
            if _end(file) != after:
                raise Moved
            place, lines = after, []
            for one in tombstones:
                told = one.told()
                chain = self._chain(place.chain, told)
                lines.append(told + b" " + chain.encode() + b"\n")
                place = Place(place.bytes + len(lines[-1]), chain)
            file.write(b"".join(lines))
            file.flush()
            os.fsync(file.fileno())
        return place

    @contextmanager
    def _locked(self) -> Iterator[BufferedRandom]:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        new = not self.path.exists()
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            if new:
                _sync_folder(self.path.parent)
            yield file

    def _chain(self, before: str, told: bytes) -> str:
        return hmac.digest(self.key, before.encode() + b"\n" + told, "sha256").hex()

    def _parsed(self, line: bytes, before: Place) -> Tombstone:
        told, _, chain = line[:-1].rpartition(b" ")
        if not hmac.compare_digest(chain, self._chain(before.chain, told).encode()):
            raise Altered(
                f"{self.path}: the line at byte {before.bytes} is not as it was written, or"
                " TENURE_SECRET_KEY lacks its last key. Put the newest good copy of the file in its"
                " place; without one move it away: customers writes what its database knows anew."
            )
        customer, erasure, mode, path, at = told.decode().split(" ")
        return Tombstone(UUID(customer), UUID(erasure), mode, path, datetime.fromisoformat(at))


def file_of(settings: Settings) -> TombstoneFile:
    key = hmac.digest(settings.digest_key, b"tombstone file", "sha256")
    return TombstoneFile(settings.tombstones / NAME, key)


def _chain_of(line: bytes) -> str:
    return line[-CHAIN_CHARACTERS - 1 : -1].decode()


def _end(file: BufferedRandom) -> Place:
    """Behind the last complete line; what a crash left behind it is cut off."""
    size = file.seek(0, os.SEEK_END)
    # Longer than any line.
    tail_begins = max(0, size - 4096)
    file.seek(tail_begins)
    complete, newline, _ = file.read().rpartition(b"\n")
    end = tail_begins + len(complete) + len(newline)
    file.truncate(end)
    file.seek(end)
    return Place(end, _chain_of(complete + newline)) if end else START


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
