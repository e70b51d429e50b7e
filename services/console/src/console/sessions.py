"""Who is signed in: a random id in a cookie, everything else in Redis, revocable at once.

A login ends after 30 minutes without a request and after 12 hours in any case. Redis that loses its
data signs everybody out and loses nothing else.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from dataclasses import asdict, dataclass
from typing import Any, cast

import orjson
from redis import Redis

from console.settings import ConsoleSettings

# 256 bits: nobody guesses one.
ID_BYTES = 32


@dataclass
class Login:
    """One operator at one browser. `operator` is what `GET /v1/me` said; times are Unix seconds."""

    token: str
    token_expires_at: float
    since: float
    operator: dict[str, Any]


@dataclass(frozen=True)
class Message:
    """Told once, on the next page. `tone`: done | problem."""

    tone: str
    text: str
    more: tuple[str, ...] = ()


def new_id() -> str:
    return secrets.token_urlsafe(ID_BYTES)


class Sessions:
    def __init__(self, redis: Redis, settings: ConsoleSettings) -> None:
        self.redis, self.idle, self.most = redis, settings.idle_seconds, settings.session_seconds

    def start(self, token: str, expires_in: float, operator: dict[str, Any]) -> str:
        """The id of a new login; never one that the browser brought along (B17)."""
        session_id, now = new_id(), time.time()
        login = Login(token, now + expires_in, now, operator)
        self.redis.set(_key(session_id), orjson.dumps(asdict(login)), ex=self.idle)
        return session_id

    def find(self, session_id: str) -> Login | None:
        """The login, its idle time starting anew; None when it ended."""
        found = cast("bytes | None", self.redis.getex(_key(session_id), ex=self.idle))
        if found is None:
            return None
        login = Login(**orjson.loads(found))
        if time.time() - login.since > self.most:
            self.end(session_id)
            return None
        return login

    def keep(self, session_id: str, login: Login) -> None:
        """Store a renewed token, unless the login was ended meanwhile."""
        self.redis.set(_key(session_id), orjson.dumps(asdict(login)), ex=self.idle, xx=True)

    def end(self, session_id: str) -> None:
        self.redis.delete(_key(session_id), _messages(session_id))

    def tell(self, session_id: str, message: Message) -> None:
        """Say something on the next page of this browser."""
        with self.redis.pipeline() as pipe:
            pipe.rpush(_messages(session_id), orjson.dumps(asdict(message)))
            pipe.expire(_messages(session_id), self.idle)
            pipe.execute()

    def told(self, session_id: str) -> list[Message]:
        """What is to be said now; it is not said again."""
        with self.redis.pipeline() as pipe:
            pipe.lrange(_messages(session_id), 0, -1)
            pipe.delete(_messages(session_id))
            found, _ = pipe.execute()
        return [Message(**orjson.loads(each)) for each in found]


def _key(session_id: str) -> str:
    # A digest: who reads Redis' keys cannot take over a browser's login.
    return f"console:login:{hashlib.sha256(session_id.encode()).hexdigest()}"


def _messages(session_id: str) -> str:
    return f"{_key(session_id)}:messages"
