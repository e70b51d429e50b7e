"""HTTP in: one module per resource."""

from radius_sync.api.nas import nas
from radius_sync.api.reconciliations import reconciliations
from radius_sync.api.sessions import sessions
from radius_sync.api.storm import storm
from radius_sync.api.subscribers import subscribers
from radius_sync.api.targets import targets
from radius_sync.api.usage import usage
from radius_sync.api.walled_garden import garden
from radius_sync.api.why_offline import why_offline

BLUEPRINTS = (
    nas, subscribers, why_offline, sessions, targets, reconciliations, garden, usage, storm,
)  # fmt: skip
