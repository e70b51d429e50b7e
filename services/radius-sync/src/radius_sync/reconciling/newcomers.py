"""Sessions that accounting tells of after their login has lost the right to be online.

A subscriber accepted a moment before the reject row, or a NAS whose Accounting-Start came late
because FreeRADIUS' database was away: provisioning saw no session to end. The reconciliation finds
them within a minute; this looks at the newest rows of radacct only, and so may look every second.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from sqlalchemy import text

from radius_sync.reconciling import BUDGET
from radius_sync.reconciling.comparing import order_sessions
from shared.database import Database

# Longer than any transaction of provisioning that may have looked before the row was there.
OVERLAP_SECONDS = 10.0
# After a start: how far back, in rows, the first look goes.
FIRST_LOOK = 10_000

_NEWEST = text("SELECT coalesce(max(radacctid), 0) FROM radacct")


class Newcomers:
    """`look()` every second or so; it remembers how far radacct reached a while ago."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.monotonic) -> None:
        self.database, self.clock = database, clock
        self.reached: deque[tuple[float, int]] = deque()

    def look(self) -> int:
        """Order the end of new sessions that nobody is entitled to; how many."""
        with self.database.transaction() as session:
            newest = int(session.scalar(_NEWEST) or 0)
            return order_sessions(session, most=BUDGET, after=self._after(newest))

    def _after(self, newest: int) -> int:
        now = self.clock()
        if not self.reached:
            self.reached.append((now, newest - FIRST_LOOK))
        self.reached.append((now, newest))
        while len(self.reached) > 1 and self.reached[1][0] <= now - OVERLAP_SECONDS:
            self.reached.popleft()
        return self.reached[0][1]
