"""HTTP in: routes, one use case each; the transaction is opened here, in sight."""

from customers.api.access import heads
from customers.api.bulk import bulk
from customers.api.customers import customers
from customers.api.deleted import deleted
from customers.api.erasures import erasures
from customers.api.imports import imports
from customers.api.lives import lives
from customers.api.operators import operators
from customers.api.packages import packages
from customers.api.preferences import preferences
from customers.api.recalling import recalling
from customers.api.retention import retention
from customers.api.site import site
from customers.api.tokens import tokens
from customers.api.webhooks import webhooks
from customers.exporting import RESOURCES
from shared.http.exporting import exports_blueprint

BLUEPRINTS = (
    tokens,
    operators,
    packages,
    customers,
    lives,
    recalling,
    deleted,
    bulk,
    site,
    erasures,
    retention,
    preferences,
    imports,
    webhooks,
    heads,
    exports_blueprint(RESOURCES),
)

__all__ = ["BLUEPRINTS"]
