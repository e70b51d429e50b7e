"""Sends what is due: claim, exchange, record. No transaction is open while a NAS is asked."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from queue import Empty, SimpleQueue
from uuid import UUID

from radius_sync.disconnecting import claiming, recording
from radius_sync.disconnecting.claiming import Claimed
from radius_sync.disconnector import Breaker, Outcome, Policy, Result, exchange_all
from shared.database import Database
from shared.logs import logger

log = logger("disconnecting")
# Exchanges side by side. A silent NAS keeps one busy for 30 s; its breaker keeps it from a second.
SLOTS = 16
# Outcomes of one transaction at most: what came in while the one before was committed.
MOST_AT_ONCE = 200


class Sender:
    """`kick()` from timers and rings returns at once; `run()` works until nothing is due."""

    def __init__(self, database: Database, key: bytes, policy: Policy | None = None) -> None:
        self.database, self.key, self.policy = database, key, policy or Policy()
        self.pool = ThreadPoolExecutor(SLOTS, thread_name_prefix="disconnect")
        self.free = threading.BoundedSemaphore(SLOTS)

    def kick(self) -> None:
        """Look for due orders in a thread of its own; does nothing when all are busy."""
        if self.free.acquire(blocking=False):
            self.pool.submit(self._run_kicked)

    def _run_kicked(self) -> None:
        try:
            self.run()
        except Exception as error:
            # What was claimed is due again after its lease.
            log.warning("disconnecting.interrupted", error=repr(error)[:300])
        finally:
            self.free.release()

    def run(self) -> int:
        """Send until nothing is due, then compare with accounting; how many orders were sent."""
        sent = self._send_due()
        with self.database.transaction() as session:
            told_again = recording.confirm(session)
        return sent + (self._send_due() if told_again else 0)

    def _send_due(self) -> int:
        sent = 0
        while True:
            with self.database.transaction() as session:
                claimed = claiming.claim(session)
            if not claimed:
                return sent
            self._send(claimed)
            sent += len(claimed)

    def _send(self, claimed: list[Claimed]) -> None:
        orders, breakers = claiming.to_send(claimed, self.key)
        recorder = _Recorder(self.database, claimed, breakers)
        drops: Counter[tuple[str, str]] = Counter()
        recorder.start()
        try:
            for one in claimed:
                if one.unsendable:
                    recorder.put(Outcome(one.row.id, Result.UNSENDABLE, detail=one.unsendable))
            for outcome in exchange_all(orders, self.policy, breakers, drops):
                recorder.put(outcome)
        finally:
            recorder.finish()
            if drops:
                with self.database.transaction() as session:
                    recording.count_drops(session, drops)


class _Recorder:
    """Commits outcomes in a thread of its own, so that the exchange never waits for a disk, and as
    many at once as have come in meanwhile."""

    def __init__(
        self,
        database: Database,
        claimed: list[Claimed],
        breakers: dict[tuple[str, int], Breaker],
    ) -> None:
        self.database, self.breakers = database, breakers
        self.orders = {one.row.id: one for one in claimed}
        self.left = Counter(one.nas.id for one in claimed)
        self.waiting = set(self.orders)
        self.renewed = time.monotonic()
        self.queue: SimpleQueue[Outcome | None] = SimpleQueue()
        self.thread = threading.Thread(target=self._work, name="disconnect-record", daemon=True)
        self.error: Exception | None = None

    def start(self) -> None:
        self.thread.start()

    def put(self, outcome: Outcome) -> None:
        self.queue.put(outcome)

    def finish(self) -> None:
        """Wait until everything is committed. Raises what kept it from that."""
        self.queue.put(None)
        self.thread.join()
        if self.error is not None:
            raise self.error

    def _work(self) -> None:
        try:
            for batch in self._batches():
                self._commit(batch)
        except Exception as error:
            self.error = error

    def _batches(self) -> Iterator[list[Outcome]]:
        while True:
            batch: list[Outcome] = []
            outcome = self._next()
            while outcome is not None:
                batch.append(outcome)
                if self.queue.empty() or len(batch) == MOST_AT_ONCE:
                    break
                outcome = self.queue.get()
            if batch:
                yield batch
            if outcome is None:
                return

    def _next(self) -> Outcome | None:
        """Meanwhile the claim is kept: a silent NAS takes longer than the lease of a dead sender."""
        while True:
            self._renew()
            with suppress(Empty):
                return self.queue.get(timeout=claiming.RENEW_SECONDS)

    def _renew(self) -> None:
        if time.monotonic() - self.renewed >= claiming.RENEW_SECONDS and self.waiting:
            self.renewed = time.monotonic()
            with self.database.transaction() as session:
                claiming.renew(session, +self.left, self.waiting)

    def _commit(self, batch: list[Outcome]) -> None:
        landed = [(self.orders[_uuid(outcome)], outcome) for outcome in batch]
        for one, _ in landed:
            self.left[one.nas.id] -= 1
            self.waiting.discard(one.row.id)
        touched = {one.nas.id: self._breaker(one) for one, _ in landed}
        with self.database.transaction() as session:
            recording.record(session, landed)
            recording.keep_nases(session, touched, [nas for nas in touched if not self.left[nas]])

    def _breaker(self, one: Claimed) -> Breaker:
        found = self.breakers.get((one.nas.host, one.nas.coa_port), Breaker())
        return replace(found)


def _uuid(outcome: Outcome) -> UUID:
    assert isinstance(outcome.order_id, UUID)
    return outcome.order_id
