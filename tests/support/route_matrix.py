"""Every route of an application × every role, from its URL map: a new route is in it by itself."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Flask

from shared.http.authentication import FRAMEWORK, permission_of

UNKNOWN = "01900000-0000-7000-8000-000000000000"
# Asks (method, place, body) in somebody's name.
Ask = Callable[[str, str, Any], Any]


@dataclass(frozen=True)
class Route:
    """`place` has ids of nobody; `needed` is the permission asked for, None for a public route."""

    method: str
    place: str
    needed: str | None

    @property
    def body(self) -> Any:
        """What fits no route: who may is told what is missing, and nothing is done."""
        return None if self.method in ("GET", "DELETE") else []


def routes(app: Flask) -> list[Route]:
    found = []
    for rule in app.url_map.iter_rules():
        if rule.endpoint.startswith(FRAMEWORK):
            continue
        place = re.sub(r"<any\((\w+)[^>]*>", r"\1", rule.rule)
        place = re.sub(r"<int:[^>]+>", "0", place)
        place = re.sub(r"<[^>]+>", UNKNOWN, place)
        needed = permission_of(app, rule.endpoint)
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            found.append(Route(method, place, needed))
    return found


def wrong_refusals(app: Flask, ask: Ask, may: Callable[[str], bool]) -> list[str]:
    """The routes that refuse, with a 403 that names the permission, whom they should not, and those
    that do not refuse whom they should."""
    wrong = []
    for route in routes(app):
        if route.needed is None:
            continue
        answer = ask(route.method, route.place, route.body)
        told = answer.get_json(silent=True) if answer.status_code == 403 else None
        refused = told is not None and told.get("permission") == route.needed
        if refused == may(route.needed) or answer.status_code >= 500:
            wrong.append(f"{route.method} {route.place}: {answer.status_code}")
    return wrong


def wrongly_open(app: Flask) -> list[str]:
    """Routes that answer somebody without a token otherwise than with a 401 though they are not
    public, or with one though they are."""
    wrong = []
    for route in routes(app):
        answer = app.test_client().open(route.place, method=route.method)
        if (answer.status_code == 401) != (route.needed is not None):
            wrong.append(f"{route.method} {route.place}: {answer.status_code}")
    return wrong
