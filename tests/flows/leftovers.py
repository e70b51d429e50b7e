"""An independent look for words in everything that a site keeps: tables, Redis, files."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import redis as redis_client

from tests.flows.site import DATABASES, Site

# Every table with its rows as text: whatever column a word hides in, it is found.
_TABLES = (
    "SELECT table_name FROM information_schema.tables"
    " WHERE table_schema = 'public' AND table_type = 'BASE TABLE' ORDER BY table_name"
)

# A customer's number, but no phone's.
SHORT = 8


def places_that_name(site: Site, needles: Sequence[str]) -> list[str]:
    """`customers.outbox`, `redis:KEY`, `file:NAME` … where one of the words stands."""
    words = [_pattern(word.lower()) for word in needles]
    return [*_tables(site, words), *_keys(site, words), *_files(site, words)]


def _pattern(word: str) -> str:
    """For PostgreSQL as for Python. Six digits also stand in fractions of a second, and within ids."""
    if word.isdecimal() and len(word) <= SHORT:
        return rf"(?<![0-9a-z.]){word}(?![0-9a-z])"
    return re.escape(word)


def _tables(site: Site, words: list[str]) -> Iterable[str]:
    for database in DATABASES:
        for table in site.rows(database, _TABLES):
            name = table["table_name"]
            found = site.rows(
                database, f'SELECT FROM "{name}" t WHERE lower(t::text) ~ ANY(%s) LIMIT 1', words
            )
            if found:
                yield f"{database}.{name}"


def _keys(site: Site, words: list[str]) -> Iterable[str]:
    with redis_client.Redis.from_url(site.redis.url) as redis:
        for key in redis.scan_iter():
            dumped = (key + (redis.dump(key) or b"")).lower()
            if any(re.search(word.encode(), dumped) for word in words):
                yield f"redis:{key!r}"


def _files(site: Site, words: list[str]) -> Iterable[str]:
    """What a site keeps under its home beside the databases: exports, and the logs of its roles."""
    for file in site.folder.rglob("*"):
        if not file.is_file() or file.is_relative_to(site.postgres.folder):
            continue
        try:
            content = file.read_bytes().lower()
        except FileNotFoundError:
            continue  # it was there for a moment, as a file that is being replaced
        if any(re.search(word.encode(), content) for word in words):
            yield f"file:{file.relative_to(site.folder)}"
