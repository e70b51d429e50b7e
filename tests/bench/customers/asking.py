"""What the measures of lists ask for, and how."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from werkzeug.test import EnvironBuilder, run_wsgi_app

from tests.customers.conftest import Caller

LIVING, GONE = "/v1/customers", "/v1/deleted-customers"


def somebody(caller: Caller, place: str) -> dict[str, Any]:
    rows: Any = caller.get(f"{place}?limit=500").get_json()["items"]
    return next(row for row in rows[250:] if row["phone"])


def getting(caller: Caller, url: str) -> Callable[[], bytes]:
    """A request as a server hands it to the application, without what a client takes to make it."""
    app, headers = caller.client.application, [("Authorization", f"Bearer {caller.token}")]
    environment = EnvironBuilder(path=url, headers=headers).get_environ()

    def run() -> bytes:
        body, status, _ = run_wsgi_app(app, dict(environment))
        assert status == "200 OK", status
        return b"".join(body)

    return run
