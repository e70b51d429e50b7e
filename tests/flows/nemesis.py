"""Faults by a seeded chance, and a supervisor that starts again what they ended."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from types import TracebackType
from typing import Self

import redis as redis_client

from tests.flows.site import Site

# A supervisor that looks this often is slower than none of the real ones.
LOOK_SECONDS = 0.2
# The console has no part in these flows.
SERVICES = ("customers", "payments", "radius_sync")


class Supervisor:
    """Starts again each role that has ended, as long as it is entered."""

    def __init__(self, site: Site) -> None:
        self.site, self.restarts = site, Counter[str]()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="supervisor", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(LOOK_SECONDS):
            for name, role in self.site.roles.items():
                if not role.running:
                    self.restarts[name] += 1
                    role.start()


class Nemesis:
    """Faults from a deck that is shuffled by the seed: each comes up once before any comes again."""

    def __init__(self, site: Site, seed: int) -> None:
        self.site, self.done = site, Counter[str]()
        self._chance = random.Random(seed)  # noqa: S311 - chance, not secrecy
        self._deck: list[tuple[str, Callable[[], None]]] = []

    def _new_deck(self) -> list[tuple[str, Callable[[], None]]]:
        killed = ["worker", "worker", "web", self._chance.choice(["relay", "beat"])]
        deck: list[tuple[str, Callable[[], None]]] = [
            (f"kill {role}", partial(self._kill, f"{service}-{role}"))
            for service in SERVICES
            for role in killed
        ]
        deck += [("kill redis", self._kill_redis), ("empty redis", self._empty_redis)] * 2
        deck += [("kill postgresql", self._kill_postgres)] * 2
        self._chance.shuffle(deck)
        return deck

    def strike_for(self, seconds: float, at_least: int) -> None:
        """Fault after fault, one to three seconds apart; every server runs when it returns."""
        end = time.monotonic() + seconds
        while time.monotonic() < end or sum(self.done.values()) < at_least:
            time.sleep(self._chance.uniform(1.0, 3.0))
            self._deck = self._deck or self._new_deck()
            name, strike = self._deck.pop()
            strike()
            self.done[name] += 1

    def _kill(self, name: str) -> None:
        """The supervisor starts it again; one that is still coming up dies once more."""
        if self.site.roles[name].running:
            self.site.roles[name].kill()

    def _kill_redis(self) -> None:
        """It comes back empty: this one keeps nothing on disk."""
        self.site.redis.kill()
        time.sleep(self._chance.uniform(0.2, 2.0))
        self.site.redis.start()

    def _empty_redis(self) -> None:
        with redis_client.Redis.from_url(self.site.redis.url, socket_timeout=60) as redis:
            redis.flushall()

    def _kill_postgres(self) -> None:
        self.site.postgres.kill()
        time.sleep(self._chance.uniform(0.2, 2.0))
        self.site.postgres.start()
