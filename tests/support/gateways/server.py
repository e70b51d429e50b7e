"""What the fake gateways share: an HTTP server on 127.0.0.1, and the ways in which one fails."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson

from tests.support.waiting import PATIENCE


@dataclass
class Request:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        found: dict[str, Any] = orjson.loads(self.body)
        return found

    @property
    def form(self) -> dict[str, str]:
        return {k: v[0] for k, v in parse_qs(self.body.decode(), keep_blank_values=True).items()}


@dataclass
class Response:
    body: Any = None
    status: int = 200
    raw: bytes | None = None


Route = Callable[[Request], Response]


@dataclass
class FakeGateway:
    """`answer` is the gateway itself. Faults are set per path, and hold until taken away:

    `silent`: does what is asked, then cuts the connection without an answer: a time-out after success.
    `broken`: answers 500 and does nothing.
    """

    silent: set[str] = field(default_factory=set)
    broken: set[str] = field(default_factory=set)
    asked: list[Request] = field(default_factory=list)
    numbers: Any = field(default_factory=lambda: itertools.count(1))
    # Taken by every request that changes or reads the state.
    lock: threading.RLock = field(default_factory=threading.RLock)
    # A test may hold every answer here.
    gate: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.gate.set()
        self.server = _Server(("127.0.0.1", 0), _handler(self))
        threading.Thread(target=self.server.serve_forever, args=[0.05], daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def calls(self, path: str) -> int:
        return sum(request.path.endswith(path) for request in self.asked)

    def answer(self, request: Request) -> Response:
        raise NotImplementedError

    def stop(self) -> None:
        self.gate.set()
        self.server.shutdown()
        self.server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Who asked was killed: that is what some tests are about."""


def _handler(fake: FakeGateway) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Head and body in one packet: in two, the second waits 40 ms for the first one's receipt.
        wbufsize = 64 * 1024

        def do_GET(self) -> None:
            self.serve()

        def do_POST(self) -> None:
            self.serve()

        def do_DELETE(self) -> None:
            self.serve()

        def serve(self) -> None:
            parts = urlsplit(self.path)
            length = int(self.headers.get("Content-Length") or 0)
            request = Request(
                self.command, parts.path, {k: v[0] for k, v in parse_qs(parts.query).items()},
                {name.lower(): value for name, value in self.headers.items()},
                self.rfile.read(length),
            )  # fmt: skip
            fake.asked.append(request)
            fake.gate.wait(PATIENCE)
            if any(parts.path.endswith(path) for path in fake.broken):
                self.reply(Response({"message": "internal error"}, 500))
                return
            with fake.lock:
                response = fake.answer(request)
            if any(parts.path.endswith(path) for path in fake.silent):
                self.close_connection = True
                return
            self.reply(response)

        def reply(self, response: Response) -> None:
            body = orjson.dumps(response.body) if response.raw is None else response.raw
            self.send_response(response.status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Quiet."""

    return Handler
