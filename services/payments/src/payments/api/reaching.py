"""The gateways of this site, for routes: one that has no settings is a 422 that names them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

from flask import current_app

from payments.gateways.interface import Gateway
from payments.gateways.registry import Gateways, NotConfigured
from shared.http.problems import Problem, invalid


def gateways() -> Gateways:
    return cast(Gateways, current_app.extensions["payments.gateways"])


# Of the ten threads of a web role, so that a gateway that hangs leaves most for everybody else.
_CALLS = threading.BoundedSemaphore(4)


@contextmanager
def call_allowed() -> Iterator[bool]:
    """Whether this request may wait for a gateway now; if not, the worker asks it a moment later."""
    mine = _CALLS.acquire(blocking=False)
    try:
        yield mine
    finally:
        if mine:
            _CALLS.release()


def wanted(name: str, field: str = "gateway") -> Gateway:
    """The gateway that a body names. Raises Problem 422."""
    try:
        return gateways()[name]
    except NotConfigured as error:
        raise invalid(field, str(error), "not_configured") from error


def addressed(name: str) -> Gateway:
    """The gateway that a path names. Raises Problem 404, and 422 when it is not configured."""
    try:
        return gateways()[name]
    except KeyError as error:
        raise Problem(404, "not-found", "Not found", "There is no such gateway.") from error
    except NotConfigured as error:
        raise Problem(
            422, "not-configured", "Not configured", str(error),
            errors=[{"parameter": "gateway", "code": "not_configured", "detail": str(error)}],
        ) from error  # fmt: skip
