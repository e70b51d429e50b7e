"""Who is let in, and what is answered when that, or something of ours, fails."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from shared.database import Database
from shared.settings import Settings
from shared.tokens import service_token
from tests.shared.asking import ADMIN, is_problem
from tests.shared.toy import service
from tests.shared.toy.service import bearer


def test_an_unknown_route_is_a_404_and_a_wrong_method_a_405_that_says_which(
    client: FlaskClient,
) -> None:
    is_problem(client.get("/v1/nothing", headers=ADMIN), 404)
    answer = client.delete("/v1/things", headers=ADMIN)

    is_problem(answer, 405)
    assert set(answer.headers["Allow"].split(", ")) >= {"GET", "POST"}


@pytest.mark.parametrize(
    "headers",
    [{}, {"Authorization": "Basic YTpi"}, {"Authorization": "Bearer"}, {"Authorization": "Bearer x.y.z"},
     {"Authorization": "Bearer tnr_unknown"}],
    ids=["nothing", "another scheme", "no token", "no JWT", "unknown key"],
)  # fmt: skip
def test_who_does_not_sign_in_gets_a_401_with_its_challenge(
    client: FlaskClient, headers: Mapping[str, str]
) -> None:
    answer = client.get("/v1/things", headers=headers)

    is_problem(answer, 401)
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_a_missing_permission_is_named(client: FlaskClient, settings: Settings) -> None:
    token = service_token("customers", settings.service_secret)

    answer = client.get("/v1/things", headers={"Authorization": f"Bearer {token}"})

    assert is_problem(answer, 403)["permission"] == "customers.read"


@pytest.mark.parametrize("path", ["/v1/dead-letters", "/v1/operations/verify"])
@pytest.mark.parametrize(("role", "status"), [("admin", 200), ("manager", 403), ("reseller", 403)])
def test_what_shows_the_whole_site_is_for_admins(
    client: FlaskClient, path: str, role: Any, status: int
) -> None:
    who = bearer("1/" if role == "admin" else "1/4/", role)

    assert client.get(path, headers=who).status_code == status


def test_a_fault_of_ours_is_a_500_that_tells_nothing_of_the_inside(client: FlaskClient) -> None:
    answer = client.post("/v1/things/explode", headers=ADMIN)

    is_problem(answer, 500)
    assert "secret detail" not in answer.get_data(as_text=True)


def test_without_postgresql_a_request_gets_a_503_and_may_come_back(settings: Settings) -> None:
    away = replace(settings, database_url=settings.database_url.set(port=1))
    client = service.build(away).test_client()

    answer = client.get("/v1/things", headers=ADMIN)

    is_problem(answer, 503)
    assert answer.headers["Retry-After"] == "2"
    assert client.get("/livez").status_code == 200
    assert client.get("/readyz").status_code == 503


def test_an_empty_pool_is_a_503_not_a_hang(settings: Settings) -> None:
    small = Database(replace(settings, pool_size=1))
    small.engine.pool._timeout = 0.05  # type: ignore[attr-defined]
    client = service.build(settings, small).test_client()

    with small.transaction() as one, small.transaction() as two:
        one.execute(text("SELECT 1"))
        two.execute(text("SELECT 1"))
        is_problem(client.get("/v1/things", headers=ADMIN), 503)

    assert client.get("/v1/things", headers=ADMIN).status_code == 200
    small.close()


def test_an_api_key_works_from_its_digest_until_it_is_revoked(
    client: FlaskClient, database: Database
) -> None:
    with database.transaction() as session:
        session.execute(
            text(
                "INSERT INTO api_key_fact (id, version, digest, operator_id, operator_path,"
                " operator_username, role, scopes, revoked) VALUES (gen_random_uuid(), 1,"
                " encode(sha256('tnr_secret'), 'hex'), gen_random_uuid(), '1/4/', 'north',"
                " 'reseller', '{customers.read}', false)"
            )
        )
    key = {"Authorization": "Bearer tnr_secret"}

    allowed = client.get("/v1/things", headers=key)
    beyond = client.post("/v1/things", json={"name": "a"}, headers=key)
    with database.transaction() as session:
        session.execute(text("UPDATE api_key_fact SET revoked = true"))

    assert (allowed.status_code, beyond.status_code) == (200, 403)
    is_problem(client.get("/v1/things", headers=key), 401)
