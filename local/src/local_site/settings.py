"""What a run on one machine reads from the environment, checked before anything starts."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from local_site.errors import SiteError
from local_site.ports import Port

DEFAULT_PORTS = {
    "CONSOLE_PORT": 8000,
    "CUSTOMERS_PORT": 8001,
    "PAYMENTS_PORT": 8002,
    "RADIUS_SYNC_PORT": 8003,
    "NAS_COA_PORT": 3799,  # RFC 5176 section 2.1
    "NAS_SESSIONS_PORT": 3780,  # the simulated NAS's list of its sessions, of our own choice
    "RADIUS_AUTH_PORT": 1812,  # RFC 2865 section 3
    "RADIUS_ACCT_PORT": 1813,  # RFC 2866 section 3
    "RADIUS_STATUS_PORT": 18121,  # FreeRADIUS' own site "status"
    "PG_PORT": 54320,  # not 5432: the distribution's PostgreSQL may be running
    "REDIS_PORT": 63790,  # likewise
}
UDP_PORTS = {"NAS_COA_PORT", "RADIUS_AUTH_PORT", "RADIUS_ACCT_PORT", "RADIUS_STATUS_PORT"}


@dataclass(frozen=True)
class Settings:
    """A site's settings. `database_url` and `redis_url` are None where we start our own."""

    home: Path
    ports: Mapping[str, int]
    database_url: str | None
    redis_url: str | None
    demo: bool

    def port(self, setting: str) -> Port:
        return Port(self.ports[setting], setting, "udp" if setting in UDP_PORTS else "tcp")

    def url(self, port_setting: str) -> str:
        """Address of the web role on that port."""
        return f"http://127.0.0.1:{self.ports[port_setting]}"


def read(environment: Mapping[str, str]) -> Settings:
    """Settings from environment variables; SiteError names each one that is broken."""
    broken: list[str] = []
    settings = Settings(
        home=Path(environment.get("TENURE_HOME") or "var").resolve(),
        ports={
            name: _port(name, environment.get(name) or str(default), broken)
            for name, default in DEFAULT_PORTS.items()
        },
        database_url=_url(environment, "DATABASE_URL", ("postgresql", "postgres"), broken),
        redis_url=_url(environment, "REDIS_URL", ("redis", "rediss", "sentinel"), broken),
        demo=_switch(environment, "TENURE_DEMO", broken),
    )
    broken += _twice(settings)
    if broken:
        raise SiteError("\n".join(broken))
    return settings


def _port(name: str, text: str, broken: list[str]) -> int:
    if text.isascii() and text.isdecimal() and 1 <= int(text) <= 65535:
        return int(text)
    broken.append(f"{name}={text!r} is not a port: give a number from 1 to 65535")
    return 0


def _url(
    environment: Mapping[str, str], name: str, schemes: tuple[str, ...], broken: list[str]
) -> str | None:
    text = environment.get(name)
    if not text:
        return None
    example = f"give something like {schemes[0]}://user@host:port"
    try:
        parts = urlsplit(text)
        parts.port  # noqa: B018 - reading it is the check
    except ValueError as error:
        broken.append(f"{name} is not an address ({error}): {example}")
        return None
    if parts.scheme.partition("+")[0] not in schemes or not parts.hostname:
        # The address itself is not shown: it may hold a password.
        broken.append(f"{name} is not an address that starts with {schemes[0]}://: {example}")
    return text


def _switch(environment: Mapping[str, str], name: str, broken: list[str]) -> bool:
    text = environment.get(name) or "1"
    if text not in ("0", "1"):
        broken.append(f"{name}={text!r} is neither 0 nor 1: 0 leaves the demo data out")
    return text == "1"


def _twice(settings: Settings) -> list[str]:
    seen: dict[int, str] = {}
    broken = []
    for name, number in settings.ports.items():
        if number and number in seen:
            broken.append(f"{name}={number} is the same port as {seen[number]}: change one")
        seen.setdefault(number, name)
    return broken
