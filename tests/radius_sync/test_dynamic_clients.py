"""NASes come, change and go while FreeRADIUS runs: registered over the API, asked by radclient."""

import random
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from local_site.freeradius import program
from local_site.ports import free_port
from radius_sync.freeradius import main as write_configuration
from radius_sync.installation import configuration_arguments
from radius_sync.settings import Settings
from shared.database import Database
from tests.radius_sync.calling import Caller
from tests.radius_sync.facts import customer, hear, package
from tests.support.servers import start_freeradius
from tests.support.waiting import until

SECRET = "sixteen-octets-at-least"
SIGNS = [
    "plain-and-long-enough", "with 'single' quotes", 'with "double" quotes', "with `back` quotes!",
    "\\n and \\\\ in the middle", "%{md5:x} is not run", "${confdir} {} is kept", "#no comment, no ; end",
    "'all in single quotes'", '"all in double quotes"', "`all in back quotes.`", "größer-als-ascii",
    "back\\slash", "back\\\\slashes", "back\\\\\\ slashes 16", "\\x41\\101 16 octets", "ends in two: \\\\",
]  # fmt: skip


class Server:
    """A FreeRADIUS that knows no NAS but those of the table; each is known for a second."""

    def __init__(self, settings: Settings, folder: Path, listen: str = "127.0.0.1") -> None:
        self.port, self.place = free_port(), f"[{listen}]" if ":" in listen else listen
        arguments = [word for word in configuration_arguments(settings)]
        del arguments[arguments.index("--client") :]
        ports = ("--auth-port", str(self.port), "--acct-port", str(free_port()))
        options = ("--out", str(folder), "--nas-seconds", "1", "--reject-delay", "0")
        key = ("--password-key", settings.secret_key.hex(), "--listen", listen)
        client = ("--client", "nobody,198.51.100.1,never-used-secret")
        assert write_configuration([*arguments, *ports, *options, *key, *client]) == 0
        self.process = start_freeradius(folder)

    def accepts(self, nas: str, secret: str) -> bool:
        """Whether alice is accepted by an Access-Request from this address; no answer is a no."""
        path = program("radclient")
        assert path is not None
        source = f"Packet-Src-IP{'v6' if ':' in nas else ''}-Address"
        request = (
            f'User-Name = "alice", User-Password = "secret-alice", {source} = {nas},'
            " Message-Authenticator = 0x00\n"
        )
        done = subprocess.run(
            [path, "-x", "-r", "2", "-t", "1", f"{self.place}:{self.port}", "auth", secret],
            input=request, capture_output=True, text=True, check=False,
        )  # fmt: skip
        return "Received Access-Accept" in done.stdout


@pytest.fixture
def server(settings: Settings, database: Database, tmp_path: Path) -> Iterator[Server]:
    hear(database, package(), customer("alice"))
    made = Server(settings, tmp_path / "freeradius")
    yield made
    made.process.stop()


def register(admin: Caller, address: str, secret: str = SECRET, **more: Any) -> str:
    nas = {"name": f"nas {address}", "address": address, "secret": secret, "vendor": "mikrotik"}
    made = admin("POST", "/v1/nas", nas | more)
    assert made.status_code == 201, made.json
    return f"/v1/nas/{made.json['id']}"


def test_a_nas_is_known_changed_and_forgotten_without_a_restart(
    admin: Caller, server: Server
) -> None:
    assert not server.accepts("127.0.0.2", SECRET)
    place = register(admin, "127.0.0.3")
    assert server.accepts("127.0.0.3", SECRET)
    assert not server.accepts("127.0.0.3", "some-other-secret-of-it")

    changed = {"secret": "another-secret-of-it"}
    assert admin("PATCH", place, changed, **{"If-Match": "*"}).status_code == 200
    until(lambda: server.accepts("127.0.0.3", "another-secret-of-it"))
    assert not server.accepts("127.0.0.3", SECRET)

    assert admin("DELETE", place, **{"If-Match": "*"}).status_code == 204
    until(lambda: not server.accepts("127.0.0.3", "another-secret-of-it"))


def test_a_nas_that_asked_too_early_is_known_soon_after_it_is_registered(
    admin: Caller, server: Server
) -> None:
    assert not server.accepts("127.0.0.4", SECRET)
    register(admin, "127.0.0.4")
    until(lambda: server.accepts("127.0.0.4", SECRET), timeout=15)


def test_every_secret_that_is_taken_works_as_it_was_typed(admin: Caller, server: Server) -> None:
    chance = random.Random(6)
    mixed = [
        "".join(chance.choices("\\'\"`%{}$#;=a1", k=chance.randint(16, 24))) for _ in range(25)
    ]
    secrets = {f"127.0.1.{n}": secret for n, secret in enumerate([*SIGNS, *mixed], start=1)}
    for address, secret in secrets.items():
        register(admin, address, secret)
    refused = [s for address, s in secrets.items() if not server.accepts(address, s)]
    assert refused == []


def test_a_nas_without_message_authenticator_must_be_excused(admin: Caller, server: Server) -> None:
    register(admin, "127.0.0.5")
    register(admin, "127.0.0.6", require_ma=False)
    path = program("radclient")
    assert path is not None
    answers = {}
    for nas in ("127.0.0.5", "127.0.0.6"):
        done = subprocess.run(
            [path, "-x", "-r", "1", "-t", "0.5", f"127.0.0.1:{server.port}", "auth", SECRET],
            input=f'User-Name = "alice", User-Password = "secret-alice", Packet-Src-IP-Address = {nas}\n',
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        answers[nas] = "Received Access-Accept" in done.stdout
    assert answers == {"127.0.0.5": False, "127.0.0.6": True}


def test_a_nas_with_an_ipv6_address_is_found_too(
    admin: Caller, settings: Settings, database: Database, tmp_path: Path
) -> None:
    hear(database, package(), customer("alice"))
    server = Server(settings, tmp_path / "freeradius", listen="::1")
    try:
        register(admin, "::1")
        assert server.accepts("::1", SECRET)
    finally:
        server.process.stop()


def test_no_table_holds_a_secret_that_could_be_read(
    admin: Caller, database: Database, server: Server
) -> None:
    register(admin, "127.0.0.7")
    with database.transaction() as session:
        kept = session.scalars(text("SELECT CAST(nas AS text) FROM nas")).all()
    assert len(kept) == 1
    assert SECRET not in kept[0]
