"""Every route × every role, from the URL map: who may not is told so before anything is read."""

import re
from typing import Any

import pytest
from sqlalchemy import text

from shared.http.authentication import FRAMEWORK, permission_of
from shared.tokens import PERMISSIONS, Role, service_token
from tests.customers.conftest import Caller, Site

UNKNOWN = "01900000-0000-7000-8000-000000000000"
ROLES: tuple[Role, ...] = ("admin", "manager", "reseller", "service")


def routes(site: Site) -> list[tuple[str, str, str | None]]:
    """Method, place with ids of nobody, and the permission asked for."""
    found = []
    for rule in site.app.url_map.iter_rules():
        if rule.endpoint.startswith(FRAMEWORK):
            continue
        place = re.sub(r"<any\((\w+)[^>]*>", r"\1", rule.rule)
        place = re.sub(r"<[^>]+>", UNKNOWN, place)
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            found.append((method, place, permission_of(site.app, rule.endpoint)))
    assert len(found) > 80
    return found


def caller(site: Site, role: Role) -> Caller:
    if role != "service":
        return site.admin if role == "admin" else site.operator(f"a-{role}", role)
    token = service_token("payments", site.settings.service_secret)
    return Caller(site.app.test_client(), token, site.admin.id, "")


@pytest.mark.parametrize("role", ROLES)
def test_a_route_answers_403_to_a_role_exactly_when_it_lacks_the_permission(
    site: Site, role: Role
) -> None:
    asking, wrong, may = caller(site, role), [], PERMISSIONS[role]
    before = site.one("SELECT count(*) AS n FROM operation").n
    for method, place, needed in routes(site):
        if needed is None:
            continue
        allowed = "*" in may or needed in may
        # Nothing that fits a body: who may is told what is missing, and nothing is done.
        answer: Any = asking.call(method, place, None if method in ("GET", "DELETE") else [])
        refused = answer.status_code == 403 and "permission" in answer.get_json()
        if refused == allowed or (not allowed and answer.get_json()["permission"] != needed):
            wrong.append(f"{method} {place} as {role}: {answer.status_code}")
    assert wrong == []
    assert site.one("SELECT count(*) AS n FROM operation").n == before


def test_nobody_without_a_token_gets_beyond_what_is_public(site: Site) -> None:
    wrong = []
    for method, place, needed in routes(site):
        answer = site.app.test_client().open(place, method=method)
        if (answer.status_code == 401) != (needed is not None):
            wrong.append(f"{method} {place}: {answer.status_code}")
    # Signing in with nothing is a 401 or a 422 of its own.
    assert [one for one in wrong if "/v1/tokens" not in one] == []


def test_an_api_key_may_what_its_scopes_name_and_nothing_else(site: Site) -> None:
    """API2, B4."""
    made: Any = site.admin.post(
        f"/v1/operators/{site.admin.id}/api-keys", {"name": "list", "scopes": ["customers.read"]}
    )
    assert made.status_code == 201, made.text
    key = made.get_json()["key"]
    asking, wrong = Caller(site.app.test_client(), key, site.admin.id, "1/"), []
    for method, place, needed in routes(site):
        if needed is None:
            continue
        answer: Any = asking.call(method, place, None if method in ("GET", "DELETE") else [])
        refused = answer.status_code == 403 and "permission" in answer.get_json()
        if refused != (needed != "customers.read"):
            wrong.append(f"{method} {place}: {answer.status_code}")
    assert wrong == []
    with site.database.transaction() as session:
        assert session.scalar(text("SELECT count(*) FROM customer")) == 0
