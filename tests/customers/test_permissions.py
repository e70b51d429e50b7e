"""Every route × every role, from the URL map: who may not is told so before anything is read."""

from typing import Any

import pytest
from sqlalchemy import text

from shared.tokens import PERMISSIONS, Role, service_token
from tests.customers.conftest import Caller, Site
from tests.support.route_matrix import routes, wrong_refusals, wrongly_open

ROLES: tuple[Role, ...] = ("admin", "manager", "reseller", "service")


def caller(site: Site, role: Role) -> Caller:
    if role != "service":
        return site.admin if role == "admin" else site.operator(f"a-{role}", role)
    token = service_token("payments", site.settings.service_secret)
    return Caller(site.app.test_client(), token, site.admin.id, "")


@pytest.mark.parametrize("role", ROLES)
def test_a_route_answers_403_to_a_role_exactly_when_it_lacks_the_permission(
    site: Site, role: Role
) -> None:
    asking, may = caller(site, role), PERMISSIONS[role]
    assert len(routes(site.app)) > 80
    before = site.one("SELECT count(*) AS n FROM operation").n
    wrong = wrong_refusals(site.app, asking.call, lambda needed: "*" in may or needed in may)
    assert wrong == []
    assert site.one("SELECT count(*) AS n FROM operation").n == before


def test_nobody_without_a_token_gets_beyond_what_is_public(site: Site) -> None:
    wrong = wrongly_open(site.app)
    # Signing in with nothing is a 401 or a 422 of its own.
    assert [one for one in wrong if "/v1/tokens" not in one] == []


def test_an_api_key_may_what_its_scopes_name_and_nothing_else(site: Site) -> None:
    """API2, B4."""
    made: Any = site.admin.post(
        f"/v1/operators/{site.admin.id}/api-keys", {"name": "list", "scopes": ["customers.read"]}
    )
    assert made.status_code == 201, made.text
    key = made.get_json()["key"]
    asking = Caller(site.app.test_client(), key, site.admin.id, "1/")
    assert wrong_refusals(site.app, asking.call, lambda needed: needed == "customers.read") == []
    with site.database.transaction() as session:
        assert session.scalar(text("SELECT count(*) FROM customer")) == 0
