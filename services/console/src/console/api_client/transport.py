"""One call to one service: with a time limit, the operator's token, and errors a person can act on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import IO, Any, NoReturn

import orjson
import requests
from requests.adapters import HTTPAdapter

Query = Mapping[str, Any]
# A file of 20 MB, 100,000 rows, is kept in one transaction: 12 s on a busy machine.
FILE_SECONDS = 60.0


class Silent(Exception):
    """The service does not answer, or not in time."""

    def __init__(self, service: str) -> None:
        super().__init__(service)
        self.service = service


class TokenEnded(Exception):
    """The service does not take the operator's token any more."""


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong: `field` is the name in the form, empty for the whole."""

    field: str
    code: str
    detail: str
    suggestions: tuple[str, ...] = ()
    resolve: str = ""


class Refused(Exception):
    """The service said no: RFC 9457 problem details."""

    def __init__(self, service: str, status: int, body: Mapping[str, Any]) -> None:
        self.service, self.status, self.body = service, status, body
        self.kind = str(body.get("type", "")).rsplit("/", 1)[-1]
        self.title = str(body.get("title") or f"{service} answered {status}")
        self.detail = str(body.get("detail") or "")
        self.request_id = str(body.get("request_id") or "")
        self.faults = [_fault(error) for error in body.get("errors") or []]
        super().__init__(self.title)

    @classmethod
    def here(cls, title: str, field: str, code: str, detail: str) -> Refused:
        """What the console itself turns down, before it asks a service."""
        wrong = {"pointer": f"/{field}", "code": code, "detail": detail}
        return cls("console", 422, {"title": title, "errors": [wrong]})

    @property
    def by_field(self) -> dict[str, Fault]:
        return {fault.field: fault for fault in self.faults if fault.field}

    def has(self, code: str) -> bool:
        return any(fault.code == code for fault in self.faults)


def _fault(error: Mapping[str, Any]) -> Fault:
    pointer = str(error.get("pointer") or "").strip("/").replace("/", ".")
    return Fault(
        field=pointer or str(error.get("parameter") or error.get("field") or ""),
        code=str(error.get("code") or ""),
        detail=str(error.get("detail") or ""),
        suggestions=tuple(str(each) for each in error.get("suggestions") or ()),
        resolve=str(error.get("resolve") or ""),
    )


@dataclass(frozen=True)
class Answer:
    """What a service said. `etag` goes back as If-Match."""

    body: Any
    status: int = 200
    etag: str = ""
    location: str = ""


@dataclass(frozen=True)
class File:
    """A file on its way through, chunk by chunk, never whole in memory."""

    chunks: Iterator[bytes]
    headers: Mapping[str, str]


def pool() -> requests.Session:
    """Connections that all calls share; a proxy of the environment is not for our own services."""
    session = requests.Session()
    session.trust_env = False
    session.mount("http://", HTTPAdapter(pool_connections=4, pool_maxsize=32))
    return session


@dataclass(frozen=True)
class Line:
    """The line to one service on behalf of one operator (`token`; empty before sign-in).

    `headers` go with every call: where the operator's browser is.
    """

    service: str
    url: str
    http: requests.Session
    seconds: float
    token: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    def get(self, path: str, query: Query | None = None) -> Answer:
        return self._call("GET", path, query=query)

    def post(self, path: str, body: Any = None, *, key: str = "") -> Answer:
        return self._call("POST", path, body=body, headers={"Idempotency-Key": key} if key else {})

    def upload(
        self, path: str, query: Query, kind: str, content: IO[bytes], key: str = ""
    ) -> Answer:
        """A file as the body, sent as it is read; `kind` is its media type."""
        sent = {"Content-Type": kind} | ({"Idempotency-Key": key} if key else {})
        more = {"query": query, "content": content, "headers": sent}
        return self._call("POST", path, seconds=max(self.seconds, FILE_SECONDS), **more)

    def patch(self, path: str, body: Any, *, etag: str) -> Answer:
        return self._call("PATCH", path, body=body, headers={"If-Match": etag})

    def put(self, path: str, body: Any, *, etag: str) -> Answer:
        return self._call("PUT", path, body=body, headers={"If-Match": etag})

    def delete(self, path: str, *, etag: str) -> Answer:
        return self._call("DELETE", path, headers={"If-Match": etag})

    def text(self, path: str) -> str:
        response = self._send("GET", path)
        if response.status_code >= 400:
            self._refuse(response)
        return response.text

    def file(self, path: str) -> File:
        response = self._send("GET", path, stream=True)
        if response.status_code >= 400:
            self._refuse(response)
        wanted = ("Content-Type", "Content-Disposition", "Content-Length")
        headers = {name: response.headers[name] for name in wanted if name in response.headers}
        return File(response.iter_content(64 * 1024), headers)

    def _call(self, method: str, path: str, **more: Any) -> Answer:
        response = self._send(method, path, **more)
        if response.status_code >= 400:
            self._refuse(response)
        return Answer(
            _json(response),
            response.status_code,
            response.headers.get("ETag", ""),
            response.headers.get("Location", ""),
        )

    def _send(
        self,
        method: str,
        path: str,
        *,
        query: Query | None = None,
        body: Any = None,
        content: IO[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
        stream: bool = False,
        seconds: float | None = None,
    ) -> requests.Response:
        sent = {"Accept": "application/json", **self.headers, **(headers or {})}
        if self.token:
            sent["Authorization"] = f"Bearer {self.token}"
        if body is not None:
            sent["Content-Type"] = "application/json"
        try:
            return self.http.request(
                method,
                self.url + path,
                params={k: v for k, v in (query or {}).items() if v not in (None, "")},
                data=content if body is None else orjson.dumps(body),
                headers=sent,
                timeout=(2, seconds or self.seconds),
                allow_redirects=False,
                stream=stream,
            )
        except requests.RequestException as error:
            raise Silent(self.service) from error

    def _refuse(self, response: requests.Response) -> NoReturn:
        body = _json(response)
        if response.status_code == 401 and self.token:
            raise TokenEnded
        if response.status_code in (502, 504) or not isinstance(body, dict):
            raise Silent(self.service)
        raise Refused(self.service, response.status_code, body)


def _json(response: requests.Response) -> Any:
    try:
        return orjson.loads(response.content) if response.content else None
    except orjson.JSONDecodeError:
        return None
