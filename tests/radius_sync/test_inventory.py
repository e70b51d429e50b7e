"""What a NAS says of its sessions is read strictly: an answer that cannot be relied on is none."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from radius_sync import inventory
from radius_sync.inventory import Listed, Unanswered, ask, check_url, read
from radius_sync.nas_simulator import Inventory, NasSimulator
from tests.radius_sync.puppet import SECRET

ALICE = {"Acct-Session-Id": "81c0", "User-Name": "Alice"}


@contextmanager
def serving(answer: Callable[[BaseHTTPRequestHandler], None]) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer(self)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()
        thread.join()


def saying(status: int, body: bytes, **headers: str) -> Callable[[BaseHTTPRequestHandler], None]:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        try:
            handler.wfile.write(body)
        except OSError:
            return  # who asked has heard enough

    return answer


@pytest.mark.unit
def test_the_simulator_lists_its_sessions_for_who_shows_the_token() -> None:
    with NasSimulator(SECRET) as nas, Inventory(nas, token="let-me-in") as listed:
        made = nas.add_session("alice")
        started = datetime.fromtimestamp(made.started, UTC)
        expected = [Listed(made.session_id, "alice", made.framed_ip, started)]
        assert ask(listed.url, "let-me-in", loopback=True) == expected
        for token in ("another", None):
            with pytest.raises(Unanswered, match="the answer is 401"):
                ask(listed.url, token, loopback=True)


@pytest.mark.unit
def test_ids_are_kept_byte_for_byte_and_logins_as_accounting_has_them() -> None:
    body = json.dumps([{**ALICE, "Acct-Session-Id": "81C0/ä"}]).encode()
    assert read(body) == [Listed("81C0/ä", "alice")]


@pytest.mark.unit
@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (b"", "not JSON"), (b"{", "not JSON"), (b"\xff", "not JSON"), (b'{"items": []}', "not a list"),
        (b'["alice"]', "session 0 is no object"),
        (json.dumps([ALICE, {"User-Name": "bob"}]).encode(), "session 1: Acct-Session-Id"),
        (json.dumps([{**ALICE, "User-Name": "a\x00b"}]).encode(), "session 0"),
        (json.dumps([{**ALICE, "User-Name": "a" * 254}]).encode(), "253 octets"),
        (json.dumps([{**ALICE, "Framed-IP-Address": "dynamic"}]).encode(), "session 0"),
        (json.dumps([{**ALICE, "Framed-IP-Address": "fe80::1%eth0"}]).encode(), "without a zone"),
        (json.dumps([{**ALICE, "Framed-IP-Address": 7}]).encode(), "session 0"),
        (json.dumps([{**ALICE, "User-Name": "\ud800"}]).encode(), "session 0"),
        (json.dumps([{**ALICE, "started": "2026-11-22T08:30:00"}]).encode(), "time zone"),
        (json.dumps([{**ALICE, "started": 5}]).encode(), "session 0"),
    ],
)  # fmt: skip
def test_half_an_answer_is_no_answer(body: bytes, fault: str) -> None:
    """Of a list that lost its end every session would be over."""
    with pytest.raises(ValueError, match=fault):
        read(body)


@pytest.mark.unit
def test_a_list_nested_without_end_is_no_answer() -> None:
    with (
        serving(saying(200, b"[" * 200_000)) as url,
        pytest.raises(Unanswered),
    ):
        ask(url, None, loopback=True)


@pytest.mark.unit
def test_nobody_is_followed_elsewhere_with_the_token() -> None:
    with (
        serving(saying(302, b"", Location="http://127.0.0.1:9/")) as url,
        pytest.raises(Unanswered, match="the answer is 302"),
    ):
        ask(url, "secret", loopback=True)


@pytest.mark.unit
def test_an_answer_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inventory, "MOST_BYTES", 100_000)
    with (
        serving(saying(200, b" " * 1_000_000)) as url,
        pytest.raises(Unanswered, match="too long"),
    ):
        ask(url, None, loopback=True)


@pytest.mark.unit
def test_a_nas_that_says_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inventory, "TIMEOUT", (1.0, 0.1))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        with pytest.raises(Unanswered, match="no answer"):
            ask(url, None, loopback=True)
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/"
        with pytest.raises(Unanswered, match="no answer"):
            ask(url, None, loopback=True)


@pytest.mark.unit
@pytest.mark.parametrize(
    "url",
    [
        "ftp://192.0.2.1/", "file:///etc/passwd", "192.0.2.1", "http://", "http://192.0.2.1:0x/",
        "http://user:word@192.0.2.1/", "http://127.0.0.1/", "http://localhost/", "http://[::1]/",
        "http://169.254.169.254/latest", "http://[fe80::1]/", "http://224.0.0.1/", "http://0.0.0.0/",
        "http://[::ffff:127.0.0.1]/", "http://nas.invalid/", "http://192.0.2.1/a b",
        "http://192.0.2.1/#x", "http://192.0.2.1:70000/",
    ],
)  # fmt: skip
def test_what_is_no_nas_of_ours_is_not_asked_b26(url: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        check_url(url, loopback=False)


@pytest.mark.unit
def test_a_nas_in_a_private_network_is_asked() -> None:
    for url in ("https://10.0.0.1/sessions", "http://[fd00::1]:8080/x?y=z", "http://192.168.1.1"):
        check_url(url, loopback=False)
    check_url("http://127.0.0.1:8000/", loopback=True)
