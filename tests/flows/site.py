"""A whole site for the tests of flows: every role a process, real servers, a strict NAS."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

from local_site.freeradius import FreeRADIUS
from local_site.ports import free_ports
from local_site.postgresql import PostgreSQL, Survives
from local_site.redis_server import Redis
from local_site.roles import MIGRATE, ROLES, Role, RoleProcess
from radius_sync.nas_simulator import Method, NasSimulator
from radius_sync.radius_client import Server
from tests.flows.front_end import RADIUS, Operator
from tests.support import radclient
from tests.support.databases import SECRETS
from tests.support.processes import start_role
from tests.support.servers import start_freeradius, start_postgres, start_redis
from tests.support.waiting import until

DATABASES = ("customers", "payments", "radius")
# Timers look every second or two; cores are shared with other tests, and machines stall.
PATIENCE = 120.0
# Thirteen roles that start at once on two cores that other tests use too.
START_SECONDS = 180.0
# Rings for the same work; what is looked for each minute, every two seconds.
QUICK = {"payments-beat": "tests.flows.quick_beat"}
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass
class Site:
    """`urls` by service as the services call each other; `roles` by `customers-worker` and so on."""

    folder: Path
    postgres: PostgreSQL
    redis: Redis
    ports: Mapping[str, int]
    interim_seconds: float | None = None
    nas_secret: str = field(default_factory=lambda: secrets.token_hex(16))
    database_secret: str = field(default_factory=lambda: secrets.token_hex(16))
    roles: dict[str, RoleProcess] = field(default_factory=dict)
    freeradius: FreeRADIUS | None = None
    nas: NasSimulator = field(init=False)
    admin: Operator = field(init=False)

    @property
    def urls(self) -> dict[str, str]:
        return {
            role.module.replace("_", "-"): f"http://127.0.0.1:{self.ports[role.port]}"
            for role in ROLES
            if role.port
        }

    @property
    def env(self) -> dict[str, str]:
        return {
            **SECRETS,
            **{name: str(number) for name, number in self.ports.items()},
            "DATABASE_URL": self.postgres.url.removesuffix("/postgres"),
            "REDIS_URL": self.redis.url,
            "TENURE_HOME": str(self.folder),
            "TENURE_LOG_FOLDER": str(self.logs),
            # Only for the first operator: no demo data is loaded.
            "TENURE_DEMO": "1",
            "RADIUS_DB_PASSWORD": self.database_secret,
            "PYTHONUNBUFFERED": "1",
        }

    @property
    def logs(self) -> Path:
        """Where each role has its own."""
        return self.folder / "log"

    @property
    def radius_server(self) -> Server:
        auth, acct = self.ports["RADIUS_AUTH_PORT"], self.ports["RADIUS_ACCT_PORT"]
        return Server("127.0.0.1", auth, acct, self.nas_secret.encode(), timeout=3.0, tries=6)

    def start(self) -> None:
        """Migrate, start every role, register the NAS, start FreeRADIUS."""
        self.nas = NasSimulator(
            self.nas_secret.encode(), server=self.radius_server, method=Method.MSCHAP,
            coa_port=self.ports["NAS_COA_PORT"],
            interim_every=self.interim_seconds,
        )  # fmt: skip
        self.run(MIGRATE)
        for role in ROLES:
            self.start_role(role)
        self.wait_until_ready(START_SECONDS)
        self.admin = Operator(self.urls, "admin", "admin-demo")
        self.admin.call(RADIUS, "POST", "/v1/nas", {
            "name": "simulated", "address": "127.0.0.1", "secret": self.nas_secret,
            "vendor": "mikrotik", "coa_port": self.nas.coa_port,
        })  # fmt: skip
        config = self.folder / "freeradius"
        # For all of loopback the secret of our NAS, not the one that everybody knows.
        self.run(
            [("radius_sync", "freeradius-config", "--out", str(config), "--reject-delay", "0")],
            TENURE_DEMO="0",
            NAS_SECRET=self.nas_secret,
        )
        self.freeradius = start_freeradius(config)

    def start_role(self, role: Role) -> None:
        self.roles[role.name] = start_role(
            QUICK.get(role.name, role.module), role.argument, folder=self.logs,
            stop_signal=role.stop_signal, env={**self.env, "TENURE_PULSE": str(self._pulse(role.name))},
        )  # fmt: skip

    def _pulse(self, role: str) -> Path:
        return self.folder / f"{role}.pulse"

    def run(self, commands: Sequence[Sequence[str]], **env: str) -> None:
        """Commands, side by side, to their end."""
        started = [
            subprocess.Popen([sys.executable, "-m", *words], env={**os.environ, **self.env, **env})
            for words in commands
        ]
        for words, process in zip(commands, started, strict=True):
            assert process.wait(timeout=START_SECONDS) == 0, f"{' '.join(words)} failed"

    def stop_roles(self) -> None:
        """All are asked at once."""
        for role in self.roles.values():
            if role.child:
                role.child.ask_to_stop()
        for role in self.roles.values():
            role.stop()

    def wait_until_ready(self, seconds: float) -> None:
        for name, url in self.urls.items():
            until(lambda url=url: _ready(url), seconds, f"{name} is not ready, see {self.folder}")  # type: ignore[misc]

    def wait_until_running(self, seconds: float) -> None:
        """Every web role answers, and every other one has shown its pulse since the call."""
        since = time.time()
        self.wait_until_ready(seconds)
        for role in ROLES:
            if not role.port:
                until(lambda role=role: self._beats(role.name, since), seconds,  # type: ignore[misc]
                      f"{role.name} does not run, see {self.folder}")  # fmt: skip

    def _beats(self, role: str, since: float) -> bool:
        pulse = self._pulse(role)
        return pulse.exists() and pulse.stat().st_mtime >= since

    def stop(self) -> None:
        """Everything, roles first."""
        self.nas.close()
        self.stop_roles()
        for server in (self.freeradius, self.redis, self.postgres):
            if server is not None:
                server.stop()

    def rows(self, database: str, sql: str, *values: Any) -> list[dict[str, Any]]:
        """What a query finds, as the owner of everything."""
        url = self.postgres.url.removesuffix("/postgres") + f"/{database}"
        with psycopg.connect(url, row_factory=dict_row) as connection:
            return connection.execute(sql.encode(), values or None).fetchall()

    def ask(
        self, username: str, password: str, method: radclient.Method = "pap"
    ) -> radclient.Reply:
        """An Access-Request by radclient."""
        port = self.ports["RADIUS_AUTH_PORT"]
        return radclient.access_request(port, self.nas_secret, username, password, method)

    def until_accepted(
        self, username: str, password: str, seconds: float = PATIENCE
    ) -> radclient.Reply:
        def accepted() -> radclient.Reply | None:
            reply = self.ask(username, password)
            return reply if reply.accepted else None

        return until(accepted, seconds, f"{username} is not accepted", interval=0.1)

    def until_rejected(self, username: str, password: str, seconds: float = PATIENCE) -> None:
        until(
            lambda: not self.ask(username, password).accepted, seconds,
            f"{username} is not rejected", interval=0.1,
        )  # fmt: skip


def start_site(
    folder: Path, survives: Survives = Survives.STOP, interim_seconds: float | None = None
) -> Site:
    """A site of its own in `folder`, ready. `survives`: what its PostgreSQL has to."""
    tcp = [role.port for role in ROLES if role.port]
    udp = ["NAS_COA_PORT", "RADIUS_AUTH_PORT", "RADIUS_ACCT_PORT"]
    ports = dict(zip(tcp, free_ports(len(tcp)), strict=True))
    ports |= dict(zip(udp, free_ports(len(udp), "udp"), strict=True))
    postgres = start_postgres(folder / "postgresql", survives=survives)
    site = Site(folder, postgres, start_redis(folder / "redis"), ports, interim_seconds)
    try:
        site.start()
    except BaseException:
        site.stop()
        raise
    return site


def _ready(url: str) -> bool:
    try:
        with _DIRECT.open(f"{url}/readyz", timeout=10) as answer:
            return bool(answer.status == 200)
    except (OSError, HTTPException):
        return False
