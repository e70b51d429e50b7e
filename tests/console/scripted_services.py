"""Stands in for the three APIs where a test needs an answer that the real ones give rarely: an error,
silence, a strange body. It says what the script says, and 404 as problem+json to everything else."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from werkzeug.serving import BaseWSGIServer, make_server
from werkzeug.wrappers import Request, Response

OPERATOR = {"id": "01990000-0000-7000-8000-000000000001", "username": "admin", "name": "Ada Admin",
            "role": "admin", "permissions": ["*"]}  # fmt: skip
TOKEN = {"access_token": "a-token", "token_type": "Bearer", "expires_in": 600}


@dataclass
class Reply:
    status: int
    body: Any
    headers: Mapping[str, str]


@dataclass
class Script:
    """`says` sets an answer; `heard` is every request that came, newest last."""

    replies: dict[tuple[str, str], Reply] = field(default_factory=dict)
    heard: list[tuple[str, str, dict[str, str], Any]] = field(default_factory=list)
    authorizations: list[str] = field(default_factory=list)
    addresses: list[str] = field(default_factory=list)
    matches: list[str] = field(default_factory=list)

    def says(self, method: str, path: str, body: Any, status: int = 200, **headers: str) -> None:
        self.replies[method, path] = Reply(status, body, headers)

    def refuses(self, method: str, path: str, status: int, kind: str, **more: Any) -> None:
        """Problem details (RFC 9457)."""
        body = {"type": f"https://tenure.dev/problems/{kind}", "title": kind, "status": status}
        self.says(method, path, body | more, status)

    def lists(self, path: str, *items: Mapping[str, Any], **more: Any) -> None:
        self.says("GET", path, {"items": list(items), "next_cursor": None} | more)

    def sent(self, method: str, path: str) -> list[Any]:
        """The bodies (or query arguments of a GET) that came to one route."""
        return [
            query if method == "GET" else body
            for verb, at, query, body in self.heard
            if (verb, at) == (method, path)
        ]

    def answer(self, request: Request) -> Response:
        data = request.get_data()
        body = orjson.loads(data) if data and request.is_json else data or None
        self.heard.append((request.method, request.path, request.args.to_dict(), body))
        self.authorizations.append(request.headers.get("Authorization", ""))
        self.addresses.append(request.headers.get("Tenure-Client-Address", ""))
        self.matches += filter(None, [request.headers.get("If-Match")])
        reply = self.replies.get((request.method, request.path))
        if reply is None:
            missing = {
                "type": "https://tenure.dev/problems/not-found",
                "title": "Not found",
                "status": 404,
            }
            reply = Reply(404, missing, {})
        if isinstance(reply.body, str):
            return Response(reply.body, reply.status, reply.headers, content_type="text/html")
        kind = "application/problem+json" if reply.status >= 400 else "application/json"
        return Response(orjson.dumps(reply.body), reply.status, reply.headers, content_type=kind)


class ScriptedServices:
    """One server that plays all three services; `url` is where."""

    def __init__(self, script: Script) -> None:
        def application(environ: Any, start_response: Any) -> Any:
            return script.answer(Request(environ))(environ, start_response)

        self.server: BaseWSGIServer = make_server("127.0.0.1", 0, application, threaded=True)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True)
        self.thread.start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()
