"""NASes come, change and go while FreeRADIUS runs: registered over the API, asked by radclient."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from radius_sync.settings import Settings
from shared.database import Database
from tests.radius_sync.calling import Caller
from tests.radius_sync.dynamic_site import SECRET, Server, register
from tests.radius_sync.facts import customer, hear, package
from tests.support.waiting import until

SIGNS = [
    "plain-and-long-enough", "with 'single' quotes", 'with "double" quotes', "with `back` quotes!",
    "\\n and \\\\ in the middle", "%{md5:x} is not run", "${confdir} {} is kept", "#no comment, no ; end",
    "'all in single quotes'", '"all in double quotes"', "`all in back quotes.`", "größer-als-ascii",
    "back\\slash", "back\\\\slashes", "back\\\\\\ slashes 16", "\\x41\\101 16 octets", "ends in two: \\\\",
]  # fmt: skip


@pytest.fixture
def server(settings: Settings, database: Database, tmp_path: Path) -> Iterator[Server]:
    hear(database, package(), customer("alice"))
    made = Server(settings, tmp_path / "freeradius")
    yield made
    made.process.stop()


def test_a_nas_is_known_changed_and_forgotten_without_a_restart(
    admin: Caller, server: Server
) -> None:
    assert not server.accepts("127.0.0.2", SECRET)
    place = register(admin, "127.0.0.3")
    until(lambda: server.accepts("127.0.0.3", SECRET))
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
    until(lambda: server.accepts("127.0.0.4", SECRET))


def test_every_secret_that_is_taken_works_as_it_was_typed(admin: Caller, server: Server) -> None:
    chance = random.Random(6)
    mixed = [
        "".join(chance.choices("\\'\"`%{}$#;=a1", k=chance.randint(16, 24))) for _ in range(25)
    ]
    secrets = {f"127.0.1.{n}": secret for n, secret in enumerate([*SIGNS, *mixed], start=1)}
    for address, secret in secrets.items():
        register(admin, address, secret)
    for address, secret in secrets.items():
        until(lambda a=address, s=secret: server.accepts(a, s), message=f"{secret} is refused")  # type: ignore[misc]


def test_a_nas_without_message_authenticator_must_be_excused(admin: Caller, server: Server) -> None:
    register(admin, "127.0.0.5")
    register(admin, "127.0.0.6", require_ma=False)
    until(lambda: server.accepts_unsigned("127.0.0.6"))
    assert not server.accepts_unsigned("127.0.0.5")


def test_an_excused_nas_may_send_no_proxy_state_where_the_server_can_tell(
    admin: Caller, server: Server
) -> None:
    """CVE-2024-3596: who may leave out Message-Authenticator is the one to be impersonated."""
    register(admin, "127.0.0.8", require_ma=False)
    until(lambda: server.accepts_unsigned("127.0.0.8"))
    if server.version() >= (3, 2, 5):
        assert not server.accepts_unsigned("127.0.0.8", ", Proxy-State = 0x01")
    else:
        until(lambda: server.accepts_unsigned("127.0.0.8", ", Proxy-State = 0x01"))


def test_a_nas_with_an_ipv6_address_is_found_too(
    admin: Caller, settings: Settings, database: Database, tmp_path: Path
) -> None:
    hear(database, package(), customer("alice"))
    server = Server(settings, tmp_path / "freeradius", listen="::1")
    try:
        register(admin, "::1")
        until(lambda: server.accepts("::1", SECRET))
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
