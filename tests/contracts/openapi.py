"""The committed OpenAPI documents: `python -m tests.contracts.openapi --check|--write`.

Each service's own application is built and asked; no database is needed.
"""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import orjson
from flask import Flask

from shared.http.blueprint import specification
from tests.support.databases import SECRETS

FOLDER = Path(__file__).parents[2] / "docs" / "openapi"
SERVICES = {"customers": "customers", "payments": "payments", "radius-sync": "radius_sync"}
# What a web role looks at in its database before it serves: there is none here.
LOOKS = ("radius_sync.web.refuse_executable_values",)


def present() -> dict[str, str]:
    """Service and module of those that have a web role; tells of those that have none yet."""
    found = {}
    for service, module in SERVICES.items():
        if importlib.util.find_spec(module) and importlib.util.find_spec(f"{module}.web"):
            found[service] = module
        else:
            print(f"{service}: has no web role yet, nothing to compare")
    return found


def application(module: str) -> Flask:
    """The service's own application, on no database."""
    with environment(), tempfile.TemporaryDirectory() as home:
        os.environ["TENURE_HOME"] = home
        web = importlib.import_module(f"{module}.web")
        for look in LOOKS:
            if look.startswith(f"{module}."):
                mock.patch(look).start()
        try:
            app: Flask = web.app()
        finally:
            mock.patch.stopall()
    return app


def document(module: str) -> dict[str, Any]:
    return specification(application(module))


@contextmanager
def environment() -> Iterator[None]:
    """Settings that are complete, and lead nowhere."""
    kept = dict(os.environ)
    nowhere = {
        "DATABASE_URL": "postgresql://nobody@127.0.0.1:1",
        "REDIS_URL": "redis://127.0.0.1:1/0",
    }
    os.environ.update({**SECRETS, **nowhere})
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(kept)


def rendered(found: dict[str, Any]) -> str:
    options = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE
    # Status codes are numbers in apispec's document and text on the wire.
    return orjson.dumps(found, option=options | orjson.OPT_NON_STR_KEYS).decode()


def main(arguments: list[str]) -> int:
    if arguments not in (["--check"], ["--write"]):
        print("usage: python -m tests.contracts.openapi --check|--write")
        return 2
    changed = 0
    for service, module in present().items():
        file, now = FOLDER / f"{service}.json", rendered(document(module))
        if arguments == ["--write"]:
            FOLDER.mkdir(parents=True, exist_ok=True)
            file.write_text(now)
            continue
        before = file.read_text() if file.exists() else ""
        if before != now:
            changed += 1
            lines = difflib.unified_diff(
                before.splitlines(), now.splitlines(), "committed", "code", n=1
            )
            print("\n".join([f"{file.name} is not what the code serves:", *list(lines)[:60]]))
            print("If that is meant: python -m tests.contracts.openapi --write")
    return 1 if changed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
