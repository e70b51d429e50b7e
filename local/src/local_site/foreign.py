"""Servers that the person runs: whether anybody is there, before anything else starts."""

import socket
from urllib.parse import urlsplit

from local_site.settings import Settings

PATIENCE_SECONDS = 5.0
_STANDARD_PORTS = {"DATABASE_URL": 5432, "REDIS_URL": 6379}


def complaints(settings: Settings) -> list[str]:
    """One line for each of their servers that does not answer: which, where, and the cure."""
    given = {"DATABASE_URL": settings.database_url, "REDIS_URL": settings.redis_url}
    return [line for name, url in given.items() if url and (line := _complaint(name, url))]


def _complaint(name: str, url: str) -> str | None:
    parts = urlsplit(url)
    if parts.scheme.startswith(
        "sentinel"
    ):  # several addresses; who of them must answer is its matter
        return None
    place = (parts.hostname or "", parts.port or _STANDARD_PORTS[name])
    try:
        socket.create_connection(place, PATIENCE_SECONDS).close()
    except OSError as error:
        where = f"{place[0]}:{place[1]}"
        return (
            f"{name}: nobody answers at {where} ({error.strerror or error});"
            f" start that server, or unset {name} and one is started here"
        )
    return None
