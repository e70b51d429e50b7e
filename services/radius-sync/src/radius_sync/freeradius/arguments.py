"""What `freeradius-config` is told by this service's own settings."""

from __future__ import annotations

from radius_sync.settings import DEMO_NAS_SECRET, FREERADIUS_ROLE, Settings


def configuration_arguments(settings: Settings) -> list[str]:
    """Options of `freeradius-config` that this service knows: the login role. NASes are no part of
    the configuration: FreeRADIUS finds each in the table `nas` at its first packet."""
    url = settings.database_url.set(
        drivername="postgresql",
        username=FREERADIUS_ROLE,
        password=settings.freeradius_password(),
        port=settings.database_url.port or 5432,
    )
    arguments = ["--database-url", url.render_as_string(hide_password=False)]
    return (
        [*arguments, "--client", f"loopback,127.0.0.0/8,{DEMO_NAS_SECRET}"]
        if settings.demo
        else arguments
    )
