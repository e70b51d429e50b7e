"""A console over scripted services, with a browser of Flask's that is signed in."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import pytest
from flask import Flask
from flask.testing import FlaskClient
from jinja2.bccache import Bucket, BytecodeCache
from werkzeug.test import TestResponse

from console.settings import ConsoleSettings, read
from console.web import create_app
from tests.console.scripted_services import OPERATOR, TOKEN, Script, ScriptedServices
from tests.support.databases import SECRETS
from tests.support.waiting import PATIENCE

CSRF = re.compile(r'name="csrf" value="([0-9a-f]{64})"')


@pytest.fixture
def script() -> Script:
    """What the services say. Signing in works."""
    script = Script()
    script.says("POST", "/v1/tokens", TOKEN)
    script.says("GET", "/v1/me", OPERATOR)
    script.lists("/v1/customers")
    return script


@pytest.fixture
def services(script: Script) -> Iterator[ScriptedServices]:
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    services = ScriptedServices(script)
    yield services
    services.stop()


@pytest.fixture
def settings(
    services: ScriptedServices, redis_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> ConsoleSettings:
    for name, value in SECRETS.items():
        monkeypatch.setitem(os.environ, name, value)
    # Nothing here is slow but the machine: who is away refuses the connection.
    monkeypatch.setitem(os.environ, "REDIS_URL", f"{redis_url}?socket_timeout={PATIENCE}")
    monkeypatch.setattr("console.pages.attention.PATIENCE", PATIENCE)
    monkeypatch.setitem(os.environ, "TENURE_HOME", str(tmp_path))
    urls = dict.fromkeys(("customers", "payments", "radius-sync"), services.url)
    return replace(read(), urls={**urls, "console": "http://localhost"}, call_seconds=PATIENCE)


class Compiled(BytecodeCache):
    """Templates that an earlier application of this session has compiled, by their source."""

    codes: ClassVar[dict[tuple[str, str], bytes]] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if code := self.codes.get((bucket.key, bucket.checksum)):
            bucket.bytecode_from_string(code)

    def dump_bytecode(self, bucket: Bucket) -> None:
        self.codes[bucket.key, bucket.checksum] = bucket.bytecode_to_string()


@pytest.fixture
def app(settings: ConsoleSettings) -> Flask:
    app = create_app(settings)
    app.jinja_env.bytecode_cache = Compiled()
    return app


class Browser(FlaskClient):
    """Sends the CSRF token of the last page along, as its forms do."""

    csrf = ""

    def open(self, *args: object, **kwargs: object) -> TestResponse:
        response = super().open(*args, **kwargs)  # type: ignore[arg-type]
        if response.mimetype == "text/html":
            found = CSRF.search(response.get_data(as_text=True))
            self.csrf = found[1] if found else self.csrf
        return response

    def send(self, path: str, **fields: str | list[str]) -> TestResponse:
        """A form of the last page."""
        return self.post(path, data={"csrf": self.csrf, "key": "key-of-the-form", **fields})

    def sign_in(self) -> TestResponse:
        self.get("/sign-in")
        return self.send("/sign-in", username="admin", password="secret")


@pytest.fixture
def stranger(app: Flask) -> Browser:
    """A browser that is not signed in."""
    app.test_client_class = Browser
    client = app.test_client()
    assert isinstance(client, Browser)
    return client


@pytest.fixture
def browser(stranger: Browser) -> Browser:
    """A browser that is signed in."""
    assert stranger.sign_in().status_code == 303
    stranger.get("/customers")
    return stranger
