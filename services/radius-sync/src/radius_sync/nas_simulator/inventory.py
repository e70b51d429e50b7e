"""The simulated NAS's list of its live sessions, by HTTP, as `radius_sync.inventory` reads it."""

import hmac
import json
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

from radius_sync.nas_simulator.sessions import Session
from radius_sync.nas_simulator.simulator import NasSimulator

PATH = "/sessions"


class Inventory:
    """A thread that answers GET /sessions for `nas`. `port` 0 takes a free one; with a `token` only
    who shows it is answered. Close it, or use it as a context manager."""

    def __init__(
        self, nas: NasSimulator, address: str = "127.0.0.1", port: int = 0, *, token: str = ""
    ) -> None:
        self._server = ThreadingHTTPServer((address, port), _handler(token, nas))
        self._server.daemon_threads = True
        self.url = f"http://{address}:{self._server.server_address[1]}{PATH}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), name="nas-inventory", daemon=True
        )
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop listening: from now on the system refuses."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def listing(sessions: list[Session]) -> list[dict[str, str]]:
    """One object per session."""
    return [
        {
            "Acct-Session-Id": one.session_id,
            "User-Name": one.username,
            "Framed-IP-Address": one.framed_ip,
            "started": datetime.fromtimestamp(one.started, UTC).isoformat(),
        }
        for one in sessions
    ]


def _handler(token: str, nas: NasSimulator) -> type[BaseHTTPRequestHandler]:
    wanted = f"Bearer {token}".encode() if token else None

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            shown = self.headers.get("Authorization", "").encode()
            if wanted is not None and not hmac.compare_digest(shown, wanted):
                self._answer(401, b"[]")
            elif self.path != PATH:
                self._answer(404, b"[]")
            else:
                self._answer(200, json.dumps(listing(nas.sessions)).encode())

        def _answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """The command says what matters."""

    return Handler
