"""`make run`: a whole site on this machine, from nothing to `ready`."""

import os
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path

from local_site import foreign, freeradius, home, ports, secrets, settings
from local_site.children import arm, disarm
from local_site.demo import Demo
from local_site.errors import SiteError, Stopped
from local_site.freeradius import FreeRADIUS
from local_site.postgresql import PostgreSQL
from local_site.redis_server import Redis
from local_site.roles import DEMO, MIGRATE, NAS_SIMULATOR, ROLES, Role, RoleProcess
from local_site.saying import say
from local_site.settings import UDP_PORTS, Settings
from local_site.supervisor import Supervisor
from local_site.welcome import welcome

MIGRATE_SECONDS = 120.0
DEMO_SECONDS = 300.0
READY_SECONDS = 120.0  # a small machine that compiles every module for the first time
PROBE_SECONDS = 5.0
# A proxy that the person's environment names must not be asked for 127.0.0.1.
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def run() -> None:
    """Start the site and keep it until Ctrl-C or SIGTERM; SiteError when it cannot start."""
    chosen = settings.read(os.environ)
    with home.lock(chosen.home) as held:
        arm(held_until_done=[held.fileno()])
        supervisor = Supervisor(say)
        supervisor.obey_signals()
        try:
            Site(chosen, supervisor).start()
            supervisor.keep_running()
        except Stopped:
            say("stopping")
        except RuntimeError as error:  # a server's, with the end of its log
            raise SiteError(str(error)) from error
        finally:
            supervisor.stop()
            disarm()


@dataclass
class Site:
    """The steps of a start, in order."""

    settings: Settings
    supervisor: Supervisor
    env: dict[str, str] = field(default_factory=dict)
    cluster: int | None = None  # our own PostgreSQL's, when there is one

    def start(self) -> None:
        """Return when every web role is ready and the person knows where everything is."""
        radius = freeradius.install_if_allowed()
        if not radius:
            say(f"FreeRADIUS is left out; to have it: {freeradius.how_to_have_it()}")
        self._check_places(radius)
        say("starting PostgreSQL, Redis and every role of every service")
        self._start_servers()
        if radius:  # where radius-sync asks whether it answers
            self.env.setdefault("RADIUS_STATUS_ADDRESS", "127.0.0.1")
        self._run_all(MIGRATE, MIGRATE_SECONDS)
        for role in ROLES:
            self._start_role(role)
        radius = radius and self._start_freeradius()
        self._wait_until_ready()
        if self.settings.demo:
            self._load_demo()
        self._start_role(NAS_SIMULATOR)
        self._wait_until_ready()
        welcome(self.settings, radius)

    def _check_places(self, radius: bool) -> None:
        unused = set() if radius else UDP_PORTS - {"NAS_COA_PORT"}
        if self.settings.database_url:
            unused.add("PG_PORT")
        if self.settings.redis_url:
            unused.add("REDIS_PORT")
        wanted = [self.settings.port(name) for name in self.settings.ports if name not in unused]
        if wrong := ports.complaints(wanted) + foreign.complaints(self.settings):
            raise SiteError("\n".join(wrong))

    def _start_servers(self) -> None:
        folder, numbers = self.settings.home, self.settings.ports
        database_url, redis_url = self.settings.database_url, self.settings.redis_url
        if database_url is None:
            postgresql = PostgreSQL(
                folder / "postgresql", numbers["PG_PORT"], log=self._log("postgresql")
            )
            self.supervisor.start("postgresql", postgresql)
            database_url = postgresql.url.removesuffix("/postgres")
            self.cluster = postgresql.identifier
        if redis_url is None:
            redis = Redis(folder / "redis", numbers["REDIS_PORT"], log=self._log("redis"))
            self.supervisor.start("redis", redis)
            redis_url = redis.url
        self.env = self._environment(database_url, redis_url)

    def _environment(self, database_url: str, redis_url: str) -> dict[str, str]:
        own = secrets.load_or_make(self.settings.home / "secrets.env")
        services = ("CUSTOMERS", "PAYMENTS", "RADIUS_SYNC")
        return {
            **own,  # the person's own environment wins, here and for the rest
            **os.environ,
            **{name: str(number) for name, number in self.settings.ports.items()},
            **{f"{name}_URL": self.settings.url(f"{name}_PORT") for name in services},
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            "TENURE_HOME": str(self.settings.home),
            "TENURE_LOG_FOLDER": str(self._log("postgresql").parent),
            "TENURE_DEMO": str(int(self.settings.demo)),
            "PYTHONUNBUFFERED": "1",
        }

    def _start_freeradius(self) -> bool:
        folder = self.settings.home / "freeradius"
        make = ("radius_sync", "freeradius-config", "--out", str(folder))
        self._run_all([make], MIGRATE_SECONDS)
        self.supervisor.start("freeradius", FreeRADIUS(folder, self._log("freeradius")))
        return True

    def _load_demo(self) -> None:
        ports = f"{self.env['NAS_COA_PORT']}, {self.env['NAS_SESSIONS_PORT']}"
        nas = f"{self.env.get('NAS_ADDRESS', '127.0.0.1')}:{ports}"
        demo = Demo(self.settings.home, self.cluster, nas)
        if not demo.is_loaded:
            say("loading the demo data")
            for command in DEMO:
                self._run_all([command], DEMO_SECONDS)
            demo.remember()
        self.env["NAS_USERS"] = str(demo.list_subscribers())

    def _start_role(self, role: Role) -> None:
        process = RoleProcess(
            name=role.name,
            module=role.module,
            arguments=(role.argument,),
            env=self.env,
            log=self._log(role.name),
            stop_signal=role.stop_signal,
        )
        self.supervisor.start(role.name, process)

    def _run_all(self, commands: Sequence[Sequence[str]], seconds: float) -> None:
        self.supervisor.run([self._command(*words) for words in commands], seconds)

    def _command(self, module: str, *arguments: str) -> RoleProcess:
        name = f"{module}-{arguments[0]}"
        return RoleProcess(name, module, arguments, self.env, self._log(name))

    def _log(self, name: str) -> Path:
        return self.settings.home / "log" / f"{name}.log"

    def _wait_until_ready(self) -> None:
        try:
            self.supervisor.wait(lambda: not self._not_ready(), READY_SECONDS, "the web roles")
        except SiteError as error:
            logs = "\n".join(str(self._log(name)) for name in self._not_ready())
            raise SiteError(f"{error}; read\n{logs}") from error

    def _not_ready(self) -> list[str]:
        return [r.name for r in ROLES if r.port and not _is_ready(self.settings.url(r.port))]


def _is_ready(url: str) -> bool:
    try:
        with _DIRECT.open(f"{url}/readyz", timeout=PROBE_SECONDS) as answer:
            return bool(answer.status == 200)
    except (OSError, HTTPException):
        return False
