"""The web role: routes and nothing else; the database pool is the only thing behind it."""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask
from joserfc.jwk import KeySet

from payments import gauges
from payments.api import BLUEPRINTS
from payments.api.access import SHOWS
from payments.exporting import RESOURCES
from payments.gateways.registry import Gateways
from payments.jobs import kinds
from payments.persistence.erasing import UNCLAIMED
from payments.settings import PaymentsSettings, current
from payments.subscriptions import SUBSCRIPTIONS
from shared import metrics
from shared.database import Database
from shared.http import create_app, looking
from shared.http.exporting import exports_blueprint
from shared.tokens import PublishedKeys
from shared.tombstones import keep_closed


def build(
    settings: PaymentsSettings,
    database: Database | None = None,
    keys: Callable[[bool], KeySet] | None = None,
) -> Flask:
    """The application; `keys` verifies operators' tokens, those that customers publishes if left out."""
    database = database or Database(settings)
    keep_closed(database, settings, UNCLAIMED)
    app = create_app(
        settings,
        "payments",
        [*BLUEPRINTS, looking.access, exports_blueprint(RESOURCES)],
        keys=keys or PublishedKeys(settings.urls["customers"]),
        jobs=kinds(settings),
        subscriptions=SUBSCRIPTIONS,
        database=database,
    )
    app.extensions[metrics.SAMPLER] = gauges.sample
    looking.install(app, database, SHOWS)
    app.extensions["payments.gateways"] = Gateways(settings.gateways, database, settings.secret_key)
    return app


def app() -> Flask:
    """For granian (`--factory`)."""
    return build(current())
