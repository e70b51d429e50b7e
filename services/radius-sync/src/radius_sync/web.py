"""The web role: who may be online, sessions, NASes, targets, drift."""

from __future__ import annotations

from flask import Flask

from radius_sync import gauges
from radius_sync.api import BLUEPRINTS
from radius_sync.api.access import SHOWS
from radius_sync.erasure import UNCLAIMED
from radius_sync.jobs import jobs
from radius_sync.scanning import refuse_executable_values
from radius_sync.settings import Settings, read
from radius_sync.subject_data import PLACES
from radius_sync.subscriptions import SUBSCRIPTIONS
from shared import metrics, subject_data
from shared.database import Database
from shared.http import create_app, looking
from shared.tokens import PublishedKeys
from shared.tombstones import keep_closed


def build(settings: Settings) -> Flask:
    database = Database(settings)
    with database.transaction() as session:
        refuse_executable_values(session)
    keep_closed(database, settings, UNCLAIMED)
    app = create_app(
        settings,
        "radius-sync",
        [*BLUEPRINTS, looking.access],
        keys=PublishedKeys(settings.urls["customers"]),
        jobs=jobs(settings),
        subscriptions=SUBSCRIPTIONS,
        database=database,
    )
    app.extensions[metrics.SAMPLER] = gauges.sample
    looking.install(app, database, SHOWS)
    app.extensions[subject_data.PLACES] = PLACES
    return app


def app() -> Flask:
    """What granian calls."""
    return build(read())
