"""What of a package's own RADIUS attributes gets into its group (B8)."""

from __future__ import annotations

from collections.abc import Mapping

from shared.logs import logger
from shared.plan_attributes import fault

log = logger("plan_attributes")


def sendable(attributes: Mapping[str, object]) -> dict[str, str]:
    """Those that may be sent; the others are logged by name and left out, so that one odd attribute
    takes nobody offline."""
    kept = {}
    for name, value in attributes.items():
        if isinstance(value, str) and fault(name, value) is None:
            kept[name] = value
        else:
            log.warning("plan_attributes.left_out", attribute=name[:64])
    return kept
