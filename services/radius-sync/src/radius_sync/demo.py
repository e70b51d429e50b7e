"""The demo's part: the simulated NAS is registered, and its subscribers have arrived."""

from __future__ import annotations

import sys
import time
from typing import Any

from sqlalchemy import text

from radius_sync import registry, tasks
from radius_sync.nas_simulator import inventory
from radius_sync.settings import DEMO_NAS_SECRET, Settings
from radius_sync.subscriptions import SUBSCRIPTIONS
from shared import inbox
from shared.database import Database
from shared.operations import SYSTEM
from shared.tokens import service_token

# The demo's customers are in the feed already: this is for a slow machine that runs everything.
WAIT_SECONDS = 120.0


def run(settings: Settings) -> None:
    """Idempotent. Refuses outside the demo: the loopback secret is known to everybody."""
    if not settings.demo:
        sys.exit("demo data is off: set TENURE_DEMO=1")
    database = Database(settings)
    register_simulator(database, settings)
    deadline = time.monotonic() + WAIT_SECONDS
    while not walk_feeds(database, settings):
        if time.monotonic() > deadline:
            sys.exit("the demo's customers did not arrive: is customers running?")
        time.sleep(0.2)
    tasks.sweep(database)


def register_simulator(database: Database, settings: Settings) -> None:
    """The NAS simulator of the demo, at the address and port that it listens on."""
    ports: dict[str, Any] = {"coa_port": settings.nas_coa_port}
    if settings.nas_sessions_port:
        port = settings.nas_sessions_port
        ports["sessions_url"] = f"http://{settings.nas_address}:{port}{inventory.PATH}"
    values = {
        "name": "demo-nas", "address": settings.nas_address, "secret": DEMO_NAS_SECRET,
        "vendor": "mikrotik", **ports,
    }  # fmt: skip
    with database.transaction() as session:
        known = session.scalar(
            text("SELECT id FROM nas_device WHERE address = CAST(:address AS inet)"),
            {"address": settings.nas_address},
        )
        if known is None:
            registry.register(session, values, settings.secret_key, SYSTEM)
        else:
            registry.change(session, known, ports, settings.secret_key, SYSTEM)


def walk_feeds(database: Database, settings: Settings) -> bool:
    """Pull what customers and payments have told; whether any login has arrived."""
    for source in ("customers", "payments"):
        inbox.walk(
            database,
            SUBSCRIPTIONS,
            source,
            settings.urls[source],
            lambda: service_token(settings.service, settings.service_secret),
        )
    with database.transaction() as session:
        return bool(session.scalar(text("SELECT EXISTS (SELECT FROM login)")))
