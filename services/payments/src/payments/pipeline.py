"""The worker's part of a gateway's work: deliveries, intents, refunds, looks and methods that are due."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from payments import asking, enrolling, giving_back, refunding, webhooks
from payments.gateways.interface import Gateway
from payments.gateways.registry import Gateways
from payments.persistence import deliveries, gateway_refunds, methods, returns
from payments.persistence import intents as stored_intents
from payments.settings import PaymentsSettings
from shared.database import Database
from shared.logs import logger

log = logger("gateways")
# Calls at once to one gateway: enough for 40 payments a second at 100 ms a call, and each holds a
# connection of the pool for a moment only.
AT_ONCE = 4
BATCH = 20


class Turn:
    """One gateway's work, apart from the others': one that hangs holds up nobody else."""

    def __init__(self, database: Database, gateway: Gateway, settings: PaymentsSettings) -> None:
        self.database, self.gateway, self.settings = database, gateway, settings

    def __call__(self) -> int:
        """Do what is due, until nothing is; how many pieces of work."""
        done = 0
        while count := self._once():
            done += count
        return done

    def _once(self) -> int:
        name = self.gateway.name
        with self.database.transaction() as session:
            told, waiting, owed, looks, kept = deliveries.work_due(session, name)
            rows = [
                *((self._delivery, row) for row in
                  (deliveries.lease_due(session, name, BATCH) if told else [])),
                *((self._intent, row) for row in
                  (stored_intents.lease_due(session, name, BATCH) if waiting else [])),
                *((self._refund, row) for row in
                  (gateway_refunds.lease_due(session, name, BATCH) if owed else [])),
                *((self._look, row) for row in
                  (returns.lease_due(session, name, BATCH) if looks else [])),
                *((self._method, row) for row in
                  (methods.lease_due(session, name, BATCH) if kept else [])),
            ]  # fmt: skip
        if rows:
            self._all(rows)
        return len(rows)

    def _all(self, rows: Sequence[tuple[Callable[[Any], object], Any]]) -> None:
        with ThreadPoolExecutor(min(AT_ONCE, len(rows))) as pool:
            for (_, row), result in zip(
                rows, [pool.submit(work, row) for work, row in rows], strict=True
            ):
                error = result.exception()
                if error is not None:
                    # Its lease runs out, and it is tried again; the others are done.
                    log.error("gateways.failed", gateway=self.gateway.name, id=str(row.id),
                              error=repr(error)[:300])  # fmt: skip

    def _delivery(self, row: Any) -> None:
        webhooks.process(self.database, self.gateway, row, self.settings)

    def _intent(self, row: Any) -> None:
        asking.check(self.database, self.gateway, row, self.settings, "poll")

    def _refund(self, row: Any) -> None:
        refunding.carry_out(self.database, self.gateway, row, self.settings)

    def _method(self, row: Any) -> None:
        enrolling.check(self.database, self.gateway, row, self.settings)

    def _look(self, row: Any) -> None:
        giving_back.look(self.database, self.gateway, row, self.settings)


def turns(database: Database, settings: PaymentsSettings) -> list[Turn]:
    gateways = Gateways(settings.gateways, database, settings.secret_key)
    return [Turn(database, gateway, settings) for gateway in gateways]


def remove_old(database: Database, settings: PaymentsSettings) -> int:
    """Raw deliveries past their time: they name payers; how many."""
    removed = 0
    while True:
        with database.transaction() as session:
            count = deliveries.remove_old(session, settings.gateways.webhook_days, 5000)
        removed += count
        if count < 5000:
            return removed
