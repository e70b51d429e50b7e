"""A real FreeRADIUS on a real PostgreSQL, with our schema and our generated configuration."""

import time
from importlib.resources import files
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from local_site.freeradius import FreeRADIUS
from local_site.ports import free_port, free_ports
from radius_sync.freeradius import Client, Database, write_configuration
from radius_sync.nas_simulator import Method, NasSimulator
from radius_sync.radius_client import Server
from shared.sealing import seal
from tests.support.servers import start_freeradius

KEY = bytes(range(32))
# FreeRADIUS is given both: the first seals now, the other one sealed before.
OLDER_KEY = bytes(range(32, 64))
# Signs that FreeRADIUS, its templates or libpq could take for their own.
SECRET = "te\"st\\ing '1${x}%4 #5"
# The test server trusts everybody; this only has to pass the parsers.
PASSWORD = 'p\'a"ss\\\\w${ord}\\"'


class Site:
    """`books` is a connection with autocommit to the database FreeRADIUS uses."""

    def __init__(self, folder: Path, postgres: str, **changes: object) -> None:
        self.name = f"freeradius_{free_port()}"
        with psycopg.connect(postgres, autocommit=True) as server:
            server.execute(f"CREATE DATABASE {self.name}")
            server.execute(f"CREATE ROLE {self.name} LOGIN")
        url = urlsplit(postgres)
        own = f"{postgres.removesuffix(url.path)}/{self.name}"
        self.books = psycopg.connect(own, autocommit=True)
        schema = files("radius_sync.freeradius").joinpath("schema.sql").read_text()
        self.books.execute("CREATE EXTENSION pgcrypto")
        self.books.execute(schema)
        self._grant()
        self.folder = folder
        self.auth_port, self.acct_port = free_ports(2, "udp")
        write_configuration(
            folder,
            auth_port=self.auth_port,
            acct_port=self.acct_port,
            database=Database(url.hostname or "", url.port or 0, self.name, self.name, PASSWORD),
            clients=[Client("nas", "127.0.0.0/8", SECRET)],
            password_key=f"{KEY.hex()},{OLDER_KEY.hex()}",
            reject_delay=0,
            **changes,  # type: ignore[arg-type]
        )
        self.process: FreeRADIUS | None = None

    def start(self) -> None:
        self.process = start_freeradius(self.folder)

    def close(self) -> None:
        if self.process:
            self.process.stop()
        self.books.close()

    @property
    def server(self) -> Server:
        return Server(
            "127.0.0.1", self.auth_port, self.acct_port, SECRET.encode(), timeout=5.0, tries=12
        )

    def subscriber(self, username: str, password: str, *, sealed: bool = True) -> None:
        """A login with a password, as the provisioning writes it."""
        value = seal(password, KEY) if sealed else password
        self.check(username, "Cleartext-Password", value)

    def check(self, username: str, attribute: str, value: str) -> None:
        self.books.execute(
            "INSERT INTO radcheck (username, attribute, op, value) VALUES (%s, %s, ':=', %s)",
            (username, attribute, value),
        )

    def _grant(self) -> None:
        """The role of reliability.md 3.5, and nothing more."""
        for grant in (
            "SELECT ON radcheck, radreply, radgroupcheck, radgroupreply, radusergroup, radacct",
            "INSERT, UPDATE ON radacct",
            "INSERT ON radpostauth",
            "SELECT, INSERT, UPDATE ON nasreload",
            "USAGE ON ALL SEQUENCES IN SCHEMA public",
        ):
            self.books.execute(f"GRANT {grant} TO {self.name}")


def nas(site: Site, method: Method = Method.PAP, nas_ip: str = "127.0.0.1") -> NasSimulator:
    return NasSimulator(SECRET.encode(), server=site.server, method=method, nas_ip=nas_ip)


def fresh(name: str) -> str:
    return f"{name}{time.monotonic_ns()}"
