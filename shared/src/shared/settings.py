"""What every role reads from its environment, once, at start. A service adds its own in its `settings.py`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from environs import Env, EnvError
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from shared.addresses import Network, networks
from shared.sealing import Keys, oldest

# Long enough that nobody guesses it; `make run` makes one, a site brings its own (openssl rand -hex 32).
SECRET_KEY_BYTES = 32


class BadSetting(SystemExit):
    """A variable is missing or broken; the message names it and says what to put there."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """`secret_key` seals stored secrets; `service_secret` signs the calls of services among themselves.

    `tombstones` is the folder of the file that says who is erased, the same for every service.
    `digest_key` is the oldest of the keys: digests that must be found again are made under it.
    """

    service: str
    database_url: URL
    redis_url: str
    host: str
    port: int
    secret_key: bytes
    service_secret: str
    urls: Mapping[str, str]
    demo: bool
    home: Path
    tombstones: Path
    pool_size: int
    relay_interval: float
    feed_interval: float
    export_hours: int = 24
    trusted_proxies: tuple[Network, ...] = ()
    # IANA name: when a day begins, in every service alike.
    time_zone: str = "Asia/Dhaka"

    @property
    def role(self) -> str:
        """The database role that this service acts as."""
        return f"tenure_{self.service.replace('-', '_')}"

    @property
    def digest_key(self) -> bytes:
        return oldest(self.secret_key)


PORTS = {"customers": 8001, "payments": 8002, "radius-sync": 8003, "console": 8000}


def read(service: str, *, database: str, seals: bool = True) -> dict[str, Any]:
    """The fields of `Settings` from the environment, for a service to build its own settings of.

    `seals`: it keeps sealed values or digests, and needs TENURE_SECRET_KEY.
    Raises BadSetting, naming the variable and the fix.
    """
    env = Env()
    prefix = service.upper().replace("-", "_")
    try:
        server = _server(env.str("DATABASE_URL", "postgresql://postgres@127.0.0.1:54320"))
        port = env.int(f"{prefix}_PORT", PORTS[service])
        key = env.str("TENURE_SECRET_KEY", "")
        return {
            "service": service,
            "database_url": server.set(
                drivername="postgresql+psycopg",
                database=env.str(f"{prefix}_DATABASE", database),
            ),
            "redis_url": env.str("REDIS_URL", "redis://127.0.0.1:63790/0"),
            "host": env.str("TENURE_HOST", "127.0.0.1"),
            "port": port,
            "secret_key": _keys(key) if seals else Keys(),
            "service_secret": _required(env, "TENURE_SERVICE_SECRET"),
            "urls": {name: _url(env, name) for name in PORTS},
            "demo": env.bool("TENURE_DEMO", False),
            "home": (home := Path(env.str("TENURE_HOME", "var"))),
            # One folder for all roles, apart from what is backed up and restored.
            "tombstones": Path(env.str("TENURE_TOMBSTONES", "") or home / "tombstones"),
            "pool_size": env.int("DATABASE_POOL_SIZE", 10),
            # 25 ms keeps the wait of a fact for its relay below what a person or a Disconnect notices,
            # at the price of 40 empty looks a second at a partial index.
            "relay_interval": env.float("RELAY_INTERVAL_SECONDS", 0.025),
            # The pull is the certainty behind the push: 2 s is how late a fact may be with Redis down.
            "feed_interval": env.float("FEED_INTERVAL_SECONDS", 2.0),
            # A day: a file that names people should not outlive its use, and can be made again.
            "export_hours": env.int("EXPORT_HOURS", 24),
            # Whose X-Forwarded-For is believed: none, unless somebody says who stands in front.
            "trusted_proxies": _networks(env.str("TENURE_TRUSTED_PROXIES", "")),
            "time_zone": _zone(env.str("TENURE_TIME_ZONE", "Asia/Dhaka")),
        }
    except EnvError as error:
        raise BadSetting(f"Setting not understood: {error}") from error


def _server(text: str) -> URL:
    try:
        return make_url(text)
    except (ArgumentError, ValueError):
        # Without the text and the cause: it holds a password.
        raise BadSetting(
            "DATABASE_URL is no address such as postgresql://user:password@host:5432"
        ) from None


def _url(env: Env, name: str) -> str:
    prefix = name.upper().replace("-", "_")
    port = env.int(f"{prefix}_PORT", PORTS[name])
    return env.str(f"{prefix}_URL", f"http://127.0.0.1:{port}").rstrip("/")


def _networks(text: str) -> tuple[Network, ...]:
    try:
        return networks(text)
    except ValueError as error:
        raise BadSetting(
            f"TENURE_TRUSTED_PROXIES: {error}; say addresses or networks such as 10.0.0.0/8"
        ) from error


def _zone(name: str) -> str:
    try:
        return ZoneInfo(name).key
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise BadSetting(
            f"TENURE_TIME_ZONE: no time zone is called {name!r}; try Asia/Dhaka"
        ) from error


def _required(env: Env, name: str) -> str:
    value = env.str(name, "")
    if len(value) < SECRET_KEY_BYTES:
        raise BadSetting(f"{name} is missing or shorter than 32 characters: openssl rand -hex 32")
    return value


def _keys(text: str) -> Keys:
    try:
        return Keys.from_hex(text)
    except ValueError as error:
        raise BadSetting(
            "TENURE_SECRET_KEY must be 64 hexadecimal digits: openssl rand -hex 32; or several,"
            " with commas: the first seals, all open"
        ) from error
