"""The services behind the console as real processes, with demo data, for tests in a real browser."""

from __future__ import annotations

import os
import subprocess
import sys
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path

from local_site.ports import free_ports
from local_site.roles import SOFT
from tests.support.databases import SECRETS
from tests.support.processes import RoleProcess, start_role
from tests.support.waiting import until

WEB = ("customers", "payments", "radius_sync", "console")
WORKERS = ("customers", "payments", "radius_sync")
# Other tests run on the same cores; a cold start compiles every module.
START_SECONDS = 120.0
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass
class Site:
    """`url` is the console's; `urls` those of every web role."""

    urls: Mapping[str, str]
    roles: Mapping[str, RoleProcess]

    @property
    def url(self) -> str:
        return self.urls["console"]

    def stop(self) -> None:
        for role in self.roles.values():
            role.stop()


def start_site(postgres: str, redis_url: str, folder: Path) -> Site:
    """Migrate, start web and worker of each service, fill in the demo data."""
    ports = dict(zip(WEB, free_ports(len(WEB)), strict=True))
    urls = {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}
    env = {
        **SECRETS,
        **{f"{name.upper()}_PORT": str(port) for name, port in ports.items()},
        **{f"{name.upper()}_DATABASE": f"console_{name}" for name in WORKERS},
        "DATABASE_URL": postgres,
        "REDIS_URL": redis_url,
        "TENURE_HOME": str(folder),
        "TENURE_DEMO": "1",
        "FEED_INTERVAL_SECONDS": "0.2",
    }
    run_all("migrate", WORKERS, env)
    roles = {f"{name}-web": start_role(name, "web", env=env, folder=folder) for name in WEB} | {
        f"{name}-worker": start_role(name, "worker", env=env, folder=folder, stop_signal=SOFT)
        for name in WORKERS
    }
    site = Site(urls, roles)
    for name, url in urls.items():
        until(lambda url=url: ready(url), START_SECONDS, f"{name} is not ready, see {folder}")  # type: ignore[misc]
    for name in ("customers", "payments"):
        run_all("demo", [name], env)
    return site


def run_all(command: str, names: tuple[str, ...] | list[str], env: Mapping[str, str]) -> None:
    """`python -m NAME command`, side by side."""
    started = [
        subprocess.Popen([sys.executable, "-m", name, command], env={**os.environ, **env})
        for name in names
    ]
    for name, process in zip(names, started, strict=True):
        assert process.wait(timeout=START_SECONDS) == 0, f"{name} {command} failed"


def ready(url: str) -> bool:
    try:
        with _DIRECT.open(f"{url}/readyz", timeout=START_SECONDS) as answer:
            return bool(answer.status == 200)
    except (OSError, HTTPException):
        return False
