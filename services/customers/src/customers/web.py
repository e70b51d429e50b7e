"""The web role."""

from __future__ import annotations

from flask import Flask

from customers import gauges, replaying, signing_in
from customers.api import BLUEPRINTS
from customers.api.access import SHOWS
from customers.api.answers import register_refusals
from customers.erasing_subscriptions import SUBSCRIPTIONS
from customers.jobs import kinds
from customers.settings import Settings, read
from customers.signing_keys import OwnKeys
from shared import metrics
from shared.database import Database
from shared.http import create_app, looking
from shared.tombstones import keep_closed


def build(settings: Settings) -> Flask:
    database = Database(settings)
    keep_closed(database, settings, replaying.UNCLAIMED)
    app = create_app(
        settings,
        "Customers",
        [*BLUEPRINTS, looking.access],
        keys=OwnKeys(database),
        jobs=kinds(settings),
        subscriptions=SUBSCRIPTIONS,
        find_key=signing_in.find_key,
        database=database,
    )
    app.extensions[metrics.SAMPLER] = gauges.sample
    register_refusals(app)
    looking.install(app, database, SHOWS)
    return app


def app() -> Flask:
    """For the server: settings from the environment."""
    return build(read())
