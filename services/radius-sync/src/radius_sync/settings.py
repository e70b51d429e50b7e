"""What radius-sync reads from its environment."""

from __future__ import annotations

import hmac
from dataclasses import dataclass

from environs import Env

from shared import settings
from shared.settings import BadSetting

__all__ = ["Settings", "read"]

# The login role of FreeRADIUS on PostgreSQL: the stock name, so that its own tools fit.
FREERADIUS_ROLE = "radius"
# Of the loopback NAS of the demo and of a developer; FreeRADIUS' own example value.
DEMO_NAS_SECRET = "testing123"  # noqa: S105


@dataclass(frozen=True, kw_only=True)
class Settings(settings.Settings):
    """`radius_db_password` is what FreeRADIUS logs in to PostgreSQL with.

    `nas_address` and `nas_coa_port` are those of the demo's NAS simulator.
    """

    radius_db_password: str = ""
    nas_address: str = "127.0.0.1"
    nas_coa_port: int = 3799

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
    )
