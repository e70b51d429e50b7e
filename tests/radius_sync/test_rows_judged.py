"""What we write, judged by a real FreeRADIUS through the role it logs in with."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from local_site.ports import free_ports
from radius_sync.freeradius import main as write_configuration
from radius_sync.freeradius.arguments import configuration_arguments
from radius_sync.nas_simulator import Method, NasSimulator, Server
from radius_sync.settings import DEMO_NAS_SECRET, Settings
from shared.database import Database
from tests.radius_sync.facts import account, customer, hear, package
from tests.support.servers import start_freeradius


@pytest.fixture
def nas(settings: Settings, tmp_path: Path) -> Iterator[NasSimulator]:
    """A NAS that logs in at a FreeRADIUS over this test's database."""
    (auth, acct), folder = free_ports(2, "udp"), tmp_path / "freeradius"
    arguments = [
        *configuration_arguments(settings),
        *("--out", str(folder), "--auth-port", str(auth), "--acct-port", str(acct)),
        *("--password-key", settings.secret_key.hex(), "--reject-delay", "0"),
    ]
    assert write_configuration(arguments) == 0
    process = start_freeradius(folder)
    secret = DEMO_NAS_SECRET.encode()
    server = Server("127.0.0.1", auth, acct, secret, tries=30)
    with NasSimulator(secret, server=server, method=Method.MSCHAP) as simulator:
        yield simulator
    process.stop()


def test_each_access_is_what_freeradius_makes_of_its_rows(
    database: Database, nas: NasSimulator
) -> None:
    alice = uuid4()
    hear(database, package(), customer("alice", alice))
    session = nas.dial("alice", "secret-alice")
    assert session is not None
    assert session.rate == "5000k/20000k"
    assert session.value("Acct-Interim-Interval") == 300
    # No session outlasts a day, even if no Disconnect reaches it, nor the customer's own end.
    timeout = session.value("Session-Timeout")
    assert isinstance(timeout, int)
    assert 86_400 * 0.9 < timeout <= 86_400
    assert session.accounting_class is not None
    assert session.accounting_class.startswith(str(alice).encode())
    nas.hang_up(session.session_id)

    hear(database, account(alice, overdue=True))
    walled = nas.dial("alice", "secret-alice")
    assert walled is not None
    assert (walled.rate, walled.address_list) == (None, "walled")
    nas.hang_up(walled.session_id)

    hear(database, account(alice), customer("alice", alice, holds=["fair_use"]))
    limited = nas.dial("alice", "secret-alice")
    assert limited is not None
    assert limited.rate == "512k/512k"
    nas.hang_up(limited.session_id)

    hear(database, customer("alice", alice, activated=False))
    assert nas.dial("alice", "secret-alice") is None
    assert nas.refused["alice"] == "Your subscription is not active. Please renew it."

    hear(database, customer("alice", alice, standing="deleted"))
    assert nas.dial("alice", "secret-alice") is None


def test_who_came_back_together_does_not_have_to_every_day(
    database: Database, nas: NasSimulator
) -> None:
    """After an outage all log in within minutes: a day later their sessions would end so, too."""
    names = [f"u{number}" for number in range(60)]
    hear(database, package(), *(customer(name) for name in names))
    assert nas.dial_all([(name, f"secret-{name}") for name in names]) == []
    ends = {one.username: one.value("Session-Timeout") for one in nas.sessions}
    assert len(ends) == 60
    assert len(set(ends.values())) > 50
    for one in nas.sessions:
        nas.hang_up(one.session_id)
    again = nas.dial("u7", "secret-u7")
    assert again is not None
    assert again.value("Session-Timeout") == ends["u7"]


def test_a_package_says_how_long_its_sessions_last(database: Database, nas: NasSimulator) -> None:
    hear(database, package(attributes={"Session-Timeout": "604800"}), customer("alice"))
    session = nas.dial("alice", "secret-alice")
    assert session is not None
    assert session.value("Session-Timeout") == 604800


def test_validity_ends_at_freeradius_even_if_we_are_down(
    database: Database, nas: NasSimulator
) -> None:
    soon = datetime.now(UTC) + timedelta(hours=1)
    hear(database, package(), customer("alice", expires_at=soon.isoformat()))
    session = nas.dial("alice", "secret-alice")
    assert session is not None
    timeout = session.value("Session-Timeout")
    assert isinstance(timeout, int)
    assert 3000 <= timeout <= 3600


def test_a_second_login_at_once_is_refused(database: Database, nas: NasSimulator) -> None:
    hear(database, package(), customer("alice"))
    assert nas.dial("alice", "secret-alice") is not None
    assert nas.dial("alice", "secret-alice") is None
