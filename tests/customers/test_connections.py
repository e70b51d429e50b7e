"""A connection that is kept alive stays usable whatever was answered on it before."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from local_site.ports import free_port
from tests.support.databases import SECRETS
from tests.support.processes import start_role
from tests.support.waiting import PATIENCE, until

HEAD = "POST /v1/customers HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"


@pytest.fixture
def port(postgres: str, tmp_path: Path) -> Iterator[int]:
    """Of a web role without a database: nobody is signed in, so no body is ever looked at."""
    found = free_port()
    settings = {
        "DATABASE_URL": postgres,
        "CUSTOMERS_PORT": str(found),
        "TENURE_HOME": str(tmp_path),
    }
    web = start_role("customers", "web", env=SECRETS | settings, folder=tmp_path)

    def listens() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", found)) == 0

    until(listens, 120, "the web role does not listen")
    yield found
    web.stop()


def _answered(connection: socket.socket) -> str:
    """Status line and headers; the whole answer is read."""
    with connection.makefile("rb") as answer:
        lines = list(iter(answer.readline, b"\r\n"))
        length = next(int(line.split()[1]) for line in lines if line.startswith(b"content-length"))
        answer.read(length)
    return b"".join(lines).decode()


def test_a_body_that_comes_after_its_head_leaves_the_connection_usable(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
        for _ in range(3):
            connection.sendall(f"{HEAD}Content-Length: 2\r\n\r\n".encode())
            # The answer needs nothing of the body, and would be made without it.
            assert not _arrives(connection)
            connection.sendall(b"{}")
            assert " 401 " in (told := _answered(connection))
            assert "connection: close" not in told.lower()


def _arrives(connection: socket.socket) -> bool:
    connection.settimeout(0.3)
    try:
        return bool(connection.recv(1, socket.MSG_PEEK))
    except TimeoutError:
        return False
    finally:
        connection.settimeout(PATIENCE)


def test_a_body_that_is_not_read_ends_the_connection_and_says_so(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
        connection.sendall(f"{HEAD}Content-Length: 9000000\r\n\r\n{{".encode())
        assert "connection: close" in _answered(connection).lower()
