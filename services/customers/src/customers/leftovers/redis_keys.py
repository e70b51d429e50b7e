"""The search for leftovers in Redis: what waits there for a worker, and whatever else somebody put there.

A message to a queue is a copy of events that stand in an outbox and its feed: Redis may lose it at any
time, and one that names the erased is removed. Messages are packed, so they are unpacked to be read. Any
other key is named, and keeps the certificate back. Then Redis writes its files anew, where it keeps any:
what was taken or removed stands in them until it does.

Read in steps, beside the work: a list is read from where messages are put in, so what moves up meanwhile
is read twice and never missed; what workers have in hand before and after, since it may come back.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson
from kombu.compression import decompress
from redis import Redis

from customers.leftovers.places import Find, Searched
from customers.leftovers.redis_files import write_anew
from customers.leftovers.words import OVERLAP, PIECE, Matcher
from shared.events import TYPES
from shared.messaging import queues

STEP = 100
# Messages that kombu's transport has handed to a worker and not yet seen acknowledged.
IN_HAND, IN_HAND_SINCE = b"unacked", b"unacked_index"
QUEUES = frozenset(
    name.encode()
    for kind in TYPES.values()
    for service in (*kind.said_by, *kind.heard_by)
    for name in queues(service)
)
REMOVE = "see what keeps it there, and remove the key"


@dataclass
class _Look:
    """One reading of all keys."""

    redis: Any
    matcher: Matcher
    keys: int = 0
    size: int = 0
    removed: int = 0

    def at(self, key: bytes) -> Find | None:
        kind = bytes(self.redis.type(key))
        found = self.matcher.found(key.decode(errors="replace"))
        self.keys += kind != b"none"
        for field, value in _values(self.redis, key, kind):
            self.size += len(value)
            named = self.matcher.found(_text(value))
            if named and _is_message(value) and self._removes(key, kind, field, value):
                self.removed += 1
            else:
                found |= named
        if not found:
            return None
        return Find({"redis": _shown(key, found), "do": REMOVE}, dict.fromkeys(found))

    def _removes(self, key: bytes, kind: bytes, field: bytes, value: bytes) -> bool:
        """Whether it was a message that waited, or was in a worker's hand."""
        if key in QUEUES and kind == b"list":
            self.redis.lrem(key, 1, value)
            return True
        if key == IN_HAND:
            self.redis.hdel(key, field)
            self.redis.zrem(IN_HAND_SINCE, field)
            return True
        return False


def search(url: str, matcher: Matcher) -> Searched:
    """What Redis says of anybody. Raises RedisError while it cannot be asked."""
    with Redis.from_url(url, socket_timeout=5, socket_connect_timeout=2) as redis:
        removed = 0
        while True:
            look = _Look(redis, matcher)
            others = {bytes(key) for key in redis.scan_iter(count=STEP)} | QUEUES
            each = [IN_HAND, *sorted(others - {IN_HAND}), IN_HAND]
            finds = [find for key in each if (find := look.at(key)) is not None]
            removed += look.removed
            if not look.removed:
                break
        told = {"searched": True, "keys": look.keys, "bytes": look.size, "removed": removed}
        return Searched(told | {"files": write_anew(redis)}, finds)


def _values(redis: Any, key: bytes, kind: bytes) -> Iterator[tuple[bytes, bytes]]:
    """(field, value) of all that a key holds."""
    ways: dict[bytes, Any] = {
        b"string": _string, b"list": _list, b"hash": _hash, b"set": _set, b"zset": _sorted,
        b"stream": _stream,
    }  # fmt: skip
    if kind in ways:
        yield from ways[kind](redis, key)
    elif kind != b"none":
        # Of a module: as it would be copied to another server.
        yield b"", redis.dump(key) or b""


def _string(redis: Any, key: bytes) -> Iterator[tuple[bytes, bytes]]:
    for at in range(0, redis.strlen(key), PIECE):
        yield b"", redis.getrange(key, max(0, at - OVERLAP), at + PIECE - 1)


def _list(redis: Any, key: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 0
    while part := redis.lrange(key, at, at + STEP - 1):
        yield from ((b"", value) for value in part)
        at += len(part)


def _hash(redis: Any, key: bytes) -> Iterator[tuple[bytes, bytes]]:
    for field, value in redis.hscan_iter(key, count=STEP):
        yield field, field
        yield field, value


def _set(redis: Any, key: bytes) -> Iterator[tuple[bytes, bytes]]:
    yield from ((b"", value) for value in redis.sscan_iter(key, count=STEP))


def _sorted(redis: Any, key: bytes) -> Iterator[tuple[bytes, bytes]]:
    yield from ((b"", value) for value, _ in redis.zscan_iter(key, count=STEP))


def _stream(redis: Any, key: bytes) -> Iterator[tuple[bytes, bytes]]:
    after = "-"
    while part := redis.xrange(key, min=after, count=STEP):
        for number, fields in part:
            yield from ((number, text) for pair in fields.items() for text in pair)
        after = f"({part[-1][0].decode()}"


def _text(value: bytes) -> str:
    """As it stands; of a message what is packed in it, since the letters of base64 spell any short word."""
    message = _message(value)
    if message is None:
        return value.decode(errors="replace")
    headers, properties = message.get("headers") or {}, message.get("properties") or {}
    body = str(message["body"]).encode()
    try:
        if properties.get("body_encoding") == "base64":
            body = base64.b64decode(body)
        if packing := headers.get("compression"):
            body = decompress(body, packing)
    except (KeyError, ValueError, zlib.error, OSError):
        return value.decode(errors="replace")
    return f"{headers} {body.decode(errors='replace')}"


def _is_message(value: bytes) -> bool:
    return _message(value) is not None


def _message(value: bytes) -> dict[str, Any] | None:
    """Celery's envelope: alone in a queue, first of three in a worker's hand."""
    try:
        found = orjson.loads(value)
    except orjson.JSONDecodeError:
        return None
    first = found[0] if isinstance(found, list) and found else found
    return first if isinstance(first, dict) and "body" in first else None


def _shown(key: bytes, found: set[str]) -> str:
    """A key may itself name somebody; what is told of it must not."""
    shown = key.decode(errors="replace").lower()
    for needle in found:
        shown = shown.replace(needle, "[…]")
    return shown
