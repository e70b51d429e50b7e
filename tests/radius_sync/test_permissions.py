"""Every route × every role, from the URL map: who may not is told so before anything is read."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from radius_sync.settings import Settings
from shared.database import Database
from shared.tokens import PERMISSIONS, Role, service_token
from tests.radius_sync.calling import Caller
from tests.support.route_matrix import routes, wrong_refusals, wrongly_open

ROLES: tuple[Role, ...] = ("admin", "manager", "reseller", "service")


def caller(client: FlaskClient, settings: Settings, role: Role) -> Caller:
    asking = Caller(client, "admin" if role == "service" else role, "1/")
    if role == "service":
        token = service_token("customers", settings.service_secret)
        asking.headers = {"Authorization": f"Bearer {token}"}
    return asking


def everything(database: Database) -> list[tuple[Any, ...]]:
    """What a route would have left: versions, and the operations log."""
    with database.transaction() as session:
        found = session.execute(
            text(
                "SELECT 'target', count(*), sum(version) FROM target"
                " UNION ALL SELECT 'walled_cause', count(*), sum(version) FROM walled_cause"
                " UNION ALL SELECT 'storm', count(*), sum(version) FROM storm"
                " UNION ALL SELECT 'job', count(*), 0 FROM job"
                " UNION ALL SELECT 'operation', count(*), 0 FROM operation"
            )
        )
        return [tuple(row) for row in found]


@pytest.mark.parametrize("role", ROLES)
def test_a_route_answers_403_to_a_role_exactly_when_it_lacks_the_permission(
    client: FlaskClient, settings: Settings, database: Database, role: Role
) -> None:
    """B4, B20."""
    granted, before = PERMISSIONS[role], everything(database)
    asking = caller(client, settings, role)
    wrong = wrong_refusals(
        client.application, asking, lambda needed: "*" in granted or needed in granted
    )
    assert wrong == []
    assert everything(database) == before


def test_nobody_without_a_token_gets_beyond_what_is_public(client: FlaskClient) -> None:
    assert len(routes(client.application)) > 50
    assert wrongly_open(client.application) == []
