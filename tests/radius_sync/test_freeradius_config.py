"""The generated configuration in a real FreeRADIUS: logins of every kind, and accounting."""

import os
import socket
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

from local_site.ports import free_port
from radius_sync.freeradius import Client, Database, main, write_configuration
from radius_sync.freeradius.configuration import service_file
from radius_sync.nas_simulator import Method
from radius_sync.protocol import Code
from radius_sync.radius import encode_access, encode_status
from radius_sync.radius_client import ask_status, is_alive
from shared.sealing import seal
from tests.radius_sync.freeradius_site import KEY, OLDER_KEY, PASSWORD, SECRET, Site, fresh, nas
from tests.support.waiting import PATIENCE, until

pytest_plugins = ("tests.radius_sync.freeradius_fixture",)

METHODS = list(Method)


def test_pgcrypto_opens_what_we_seal(freeradius: Site) -> None:
    sealed = seal("pässword", KEY)
    opened = freeradius.books.execute(
        "SELECT convert_from(decrypt_iv(decode(substr(%(v)s, 36), 'hex'), %(k)s,"
        " decode(substr(%(v)s, 4, 32), 'hex'), 'aes-cbc/pad:pkcs'), 'UTF8')",
        {"v": sealed, "k": KEY},
    ).fetchone()
    assert opened == ("pässword",)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("sealed", [True, False])
def test_a_sealed_password_logs_in_by_pap_chap_and_mschapv2(
    freeradius: Site, method: Method, sealed: bool
) -> None:
    username = fresh("alice")
    freeradius.subscriber(username, "s3cret", sealed=sealed)
    with nas(freeradius, method) as simulator:
        assert simulator.dial(username, "s3cret") is not None
        assert simulator.dial(username, "wrong") is None
        assert username in simulator.refused


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "password",
    ["'abc'", '"abc"', "`%{md5:x}`", "a\\b\\\\c\\n", "%{User-Name}", "${x}", "пароль", "a b", "'"],
)
def test_no_password_is_run_stripped_or_unescaped(
    freeradius: Site, password: str, method: Method
) -> None:
    """reliability.md 3.6: FreeRADIUS runs a stored value in back-quotes and strips other quotes."""
    username = fresh("quoted")
    freeradius.subscriber(username, password)
    with nas(freeradius, method) as simulator:
        assert simulator.dial(username, password) is not None, simulator.refused
        assert simulator.dial(username, "abc") is None


def test_a_reject_row_refuses_the_right_password(freeradius: Site) -> None:
    username = fresh("blocked")
    freeradius.subscriber(username, "s3cret")
    freeradius.check(username, "Auth-Type", "Reject")
    with nas(freeradius) as simulator:
        assert simulator.dial(username, "s3cret") is None


def test_groups_give_their_attributes_to_the_session(freeradius: Site) -> None:
    username = fresh("grouped")
    freeradius.subscriber(username, "s3cret")
    freeradius.books.execute(
        "INSERT INTO radusergroup (username, groupname, priority) VALUES (%s, %s, 10)",
        (username, f"plan:{username}"),
    )
    freeradius.books.execute(
        "INSERT INTO radgroupreply (groupname, attribute, op, value) VALUES"
        " (%s, 'Mikrotik-Rate-Limit', '=', '10M/50M')",
        (f"plan:{username}",),
    )
    with nas(freeradius) as simulator:
        session = simulator.dial(username, "s3cret")
    assert session is not None
    assert session.rate == "10M/50M"


def test_the_log_of_logins_holds_no_password(freeradius: Site) -> None:
    username = fresh("heidi")
    freeradius.subscriber(username, "s3cret")
    with nas(freeradius) as simulator:
        simulator.dial(username, "s3cret")
        simulator.dial(username, "wr0ng")
    found = freeradius.books.execute(
        "SELECT reply, pass FROM radpostauth WHERE username = %s ORDER BY id", (username,)
    ).fetchall()
    assert found == [("Access-Accept", None), ("Access-Reject", None)]
    log = (freeradius.folder / "freeradius.log").read_text()
    assert "s3cret" not in log
    assert "wr0ng" not in log
    assert KEY.hex() not in log


def test_a_request_without_message_authenticator_is_ignored(freeradius: Site) -> None:
    """CVE-2024-3596; encode_access always adds one, so it is cut out of the bytes here."""

    username = fresh("ivan")
    freeradius.subscriber(username, "s3cret")
    bare, raw = (
        encode_access(number, SECRET.encode(), [("User-Name", username)], password="s3cret").raw
        for number in (1, 2)
    )
    bare = bare[:2] + (len(bare) - 18).to_bytes(2) + bare[4:20] + bare[38:]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
        link.connect(("127.0.0.1", freeradius.auth_port))
        link.settimeout(PATIENCE)
        link.send(bare)
        link.send(raw)
        assert link.recv(4096)[:2] == b"\x02\x02"
        link.settimeout(0.5)
        with pytest.raises(TimeoutError):
            link.recv(4096)


def test_status_server_tells_whether_it_lives(freeradius: Site) -> None:
    assert is_alive(freeradius.server)


def test_a_watcher_has_a_port_and_a_secret_that_open_nothing_else(
    postgres: str, tmp_path: Path
) -> None:
    port = free_port("udp")
    site = Site(tmp_path / "freeradius", postgres, status_port=port, status_secret="watch 'me'")
    try:
        site.start()
        watcher = replace(site.server, auth_port=port, secret=b"watch 'me'")
        assert is_alive(watcher)
        brief = replace(watcher, timeout=0.5, tries=1)
        assert not is_alive(replace(brief, secret=SECRET.encode()))
        assert not is_alive(replace(brief, auth_port=site.auth_port))
    finally:
        site.close()


def test_a_watcher_of_another_network_may_ask_there_and_nobody_else(
    postgres: str, tmp_path: Path
) -> None:
    """As containers ask the FreeRADIUS of the machine they run on."""
    port = free_port("udp")
    site = Site(
        tmp_path / "freeradius", postgres, status_port=port, status_secret="watch",
        status_network="127.9.0.1/24",
    )  # fmt: skip
    request = encode_status(1, b"watch")
    try:
        site.start()
        with (
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as watcher,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger,
        ):
            for link, source in ((stranger, "127.9.1.2"), (watcher, "127.9.0.2")):
                link.bind((source, 0))
                link.settimeout(PATIENCE)
                link.sendto(request.raw, ("127.9.0.1", port))
            # The stranger asked first: what the watcher is told, it would have been told before.
            assert watcher.recv(4096)[0] == Code.ACCESS_ACCEPT
            stranger.setblocking(False)
            with pytest.raises(BlockingIOError):
                stranger.recv(4096)
        # Also its clock, as on the port of the logins.
        here = replace(site.server, auth_port=port, secret=b"watch")
        assert ask_status(here).skew is not None
    finally:
        site.close()


@pytest.mark.parametrize("place", ["172.30.96.1/33", "somewhere", "172.30.96.0.1/24"])
def test_a_status_network_that_is_none_is_refused(tmp_path: Path, place: str) -> None:
    with pytest.raises(ValueError, match="status network"):
        write_configuration(
            tmp_path, auth_port=1, acct_port=2, database=Database("h", 5432, "r", "r"), clients=[],
            password_key="00" * 32, status_secret="x", status_network=place,
        )  # fmt: skip


def test_a_password_under_an_older_key_of_the_list_is_opened(freeradius: Site) -> None:
    """While TENURE_SECRET_KEY rotates; also one that was sealed before there were marks."""
    marked, unmarked = fresh("ken"), fresh("lea")
    freeradius.check(marked, "Cleartext-Password", seal("s3cret", OLDER_KEY))
    cipher = Cipher(AES(OLDER_KEY), CBC(bytes(16))).encryptor()
    sealed = "v1:" + (bytes(16) + cipher.update(b"s3cret" + b"\x0a" * 10)).hex()
    freeradius.check(unmarked, "Cleartext-Password", sealed)
    with nas(freeradius) as simulator:
        assert simulator.dial(marked, "s3cret") is not None
        assert simulator.dial(unmarked, "s3cret") is not None


def test_another_key_opens_nothing_and_lets_nobody_in(freeradius: Site) -> None:
    username = fresh("judy")
    freeradius.check(username, "Cleartext-Password", seal("s3cret", os.urandom(32)))
    with nas(freeradius) as simulator:
        assert simulator.dial(username, "s3cret") is None


def test_it_starts_without_a_database_and_finds_it_later(postgres: str, tmp_path: Path) -> None:
    site = Site(tmp_path / "radius", postgres)
    site.subscriber("late", "s3cret")
    with psycopg.connect(postgres, autocommit=True) as server:
        server.execute(f"ALTER ROLE {site.name} NOLOGIN")
        try:
            site.start()
            with nas(site) as simulator:
                assert simulator.dial("late", "s3cret") is None
                server.execute(f"ALTER ROLE {site.name} LOGIN")
                until(lambda: simulator.dial("late", "s3cret"))
        finally:
            site.close()


def test_the_files_are_readable_by_nobody_else(tmp_path: Path) -> None:
    assert main(["--out", str(tmp_path / "out"), "--password-key", KEY.hex()]) == 0
    for name in ("radiusd.conf", "queries.conf", "pg_service.conf", "dictionary"):
        assert (tmp_path / "out" / name).stat().st_mode & 0o077 == 0


@pytest.mark.unit
@pytest.mark.parametrize(
    ("client", "key", "message"),
    [
        (Client("a", "127.0.0.1", "x\\"), KEY.hex(), "secret of client a"),
        (Client("a", "127.0.0.1", "x\\'y"), KEY.hex(), "secret of client a"),
        (Client("a", "127.0.0.1", "x\ny"), KEY.hex(), "secret of client a"),
        (Client("a", "nas.example", "x"), KEY.hex(), "neither an address"),
        (Client("a", "127.0.0.1", "x"), "short", "password_key"),
    ],
)
def test_what_freeradius_would_misread_is_refused(
    tmp_path: Path, client: Client, key: str, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        write_configuration(
            tmp_path, auth_port=1, acct_port=2, database=Database("h", 1, "n", "u"),
            clients=[client], password_key=key,
        )  # fmt: skip


def test_libpq_reads_the_connection_as_it_was_meant(
    postgres: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = urlsplit(postgres)
    database = Database(url.hostname or "", url.port or 0, "postgres", "postgres", PASSWORD)
    (tmp_path / "services").write_text(service_file(database, KEY.hex()))
    monkeypatch.setenv("PGSERVICEFILE", str(tmp_path / "services"))
    with psycopg.connect("service=freeradius") as connection:
        assert connection.info.password == PASSWORD
        assert connection.execute("SELECT current_setting('radius.kek')").fetchone() == (KEY.hex(),)


@pytest.mark.unit
def test_an_option_that_makes_no_sense_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--out", str(tmp_path), "--password-key", KEY.hex(), "--client", "only-a-name"]
    assert main(options) == 2
    assert "NAME,ADDRESS,SECRET" in capsys.readouterr().err
