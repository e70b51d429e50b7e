"""What the beat role rings for: task → seconds. Nothing of the work is imported here."""

from __future__ import annotations

from collections.abc import Mapping

SCHEDULE: Mapping[str, float] = {
    # Drift is found and repaired within a minute (F40).
    "radius-sync.reconcile": 60,
    # A session counts as stale after 1000 s: a minute more does not matter.
    "radius-sync.close_stale_sessions": 60,
    # As often as a session tells of itself.
    "radius-sync.usage": 300,
    # A day more in radacct does not matter.
    "radius-sync.archive": 3600,
    # Old ticks, attempts and reports are bounded by days.
    "radius-sync.clean": 3600,
}
