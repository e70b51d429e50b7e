"""What radius-sync reads from its environment."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from functools import cache
from ipaddress import ip_address

from environs import Env

from shared import settings
from shared.settings import BadSetting

__all__ = ["Settings", "current", "read"]

# The login role of FreeRADIUS on PostgreSQL: the stock name, so that its own tools fit.
FREERADIUS_ROLE = "radius"
# Of the loopback NAS of the demo and of a developer; FreeRADIUS' own example value.
DEMO_NAS_SECRET = "testing123"  # noqa: S105


@dataclass(frozen=True, kw_only=True)
class Settings(settings.Settings):
    """`radius_db_password` is what FreeRADIUS logs in to PostgreSQL with.

    Sessions that ended more than `archive_months` ago are moved to the archive.
    `nas_address`, `nas_coa_port` and `nas_sessions_port` are those of the demo's NAS simulator; it
    lists its sessions at the last, unless that is 0. `radius_status_address`,
    if it is named, is where the site's own FreeRADIUS is asked whether it answers (RFC 5997).
    """

    radius_db_password: str = ""
    nas_address: str = "127.0.0.1"
    nas_coa_port: int = 3799
    nas_sessions_port: int = 0
    radius_status_address: str = ""
    radius_status_port: int = 18121
    radius_status_secret: str = ""
    # Half a year of sessions in radacct is what its indexes hold in memory at a large site.
    archive_months: int = 6

    def freeradius_password(self) -> str:
        """Of the environment; in the demo made from the site's own key, so never a known word."""
        if self.radius_db_password:
            return self.radius_db_password
        if not self.demo:
            raise BadSetting("RADIUS_DB_PASSWORD is missing: openssl rand -hex 32")
        return hmac.digest(self.digest_key, b"freeradius database role", "sha256").hex()


def read() -> Settings:
    env = Env()
    return Settings(
        **settings.read("radius-sync", database="radius"),
        radius_db_password=env.str("RADIUS_DB_PASSWORD", ""),
        nas_address=env.str("NAS_ADDRESS", "127.0.0.1"),
        nas_coa_port=env.int("NAS_COA_PORT", 3799),
        nas_sessions_port=env.int("NAS_SESSIONS_PORT", 0),
        radius_status_address=_watched(
            env.str("RADIUS_STATUS_ADDRESS", ""), env.str("RADIUS_HEALTH_SECRET", "")
        ),
        radius_status_port=env.int("RADIUS_STATUS_PORT", 18121),
        radius_status_secret=env.str("RADIUS_HEALTH_SECRET", ""),
        archive_months=_months(env.int("SESSION_ARCHIVE_MONTHS", 6)),
    )


def _watched(address: str, secret: str) -> str:
    if not address:
        return ""
    try:
        found = str(ip_address(address))
    except ValueError as error:
        raise BadSetting(f"RADIUS_STATUS_ADDRESS: {address!r} is no IP address") from error
    if not secret:
        raise BadSetting("RADIUS_HEALTH_SECRET is missing: RADIUS_STATUS_ADDRESS needs it")
    return found


def _months(number: int) -> int:
    if number < 1:
        raise BadSetting("SESSION_ARCHIVE_MONTHS must be at least 1")
    return number


@cache
def current() -> Settings:
    """The settings of this process, for what is called without any: handlers of events."""
    return read()
