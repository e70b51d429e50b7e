"""HTTP as every service speaks it: each answer is defined, each error is problem+json (B1 to B6)."""

import re
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from joserfc.jwk import KeySet
from openapi_spec_validator import validate
from sqlalchemy import text
from werkzeug.test import TestResponse

from shared.database import Database
from shared.http import Blueprint, create_app
from shared.http.blueprint import specification
from shared.settings import Settings
from shared.tokens import service_token
from tests.shared.toy import service
from tests.shared.toy.service import add_thing, bearer

ADMIN = bearer()
DEEP = b'{"name":' + b"[" * 100_000 + b"]" * 100_000 + b"}"


def is_problem(answer: TestResponse, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.get_data(as_text=True)
    assert answer.content_type == "application/problem+json"
    problem: dict[str, Any] = answer.get_json()
    assert problem["status"] == status
    assert problem["type"].startswith("https://")
    assert problem["title"]
    assert problem["instance"].startswith("/")
    assert problem["request_id"] == answer.headers["X-Request-Id"]
    return problem


def post(client: FlaskClient, body: bytes, content_type: str = "application/json") -> TestResponse:
    return client.post("/v1/things", data=body, content_type=content_type, headers=ADMIN)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{not json", 400),
        (b'{"name": "a"} trailing', 400),
        (b'{"name": "a", "name": "b"}', 400),
        (b'{"name": "a", "amount": NaN}', 400),
        (b'{"name": "a", "amount": -Infinity}', 400),
        (b'{"name": "a", "amount": 1e400}', 400),
        (b'{"name": "a", "number": 1000000000000000000000000000000}', 422),
        (b'{"name": "a", "number": ' + b"9" * 5000 + b"}", 400),
        (DEEP, 400),
        (b'{"name":' + b"[" * 60 + b"]" * 60 + b"}", 422),
        (b'{"name": "\xff\xfe"}', 400),
        (b'{"name": "\\ud800"}', 422),
        (b'{"\\ud800": "a"}', 422),
        (b'\xef\xbb\xbf{"name": "a"}', 400),
        (b"", 422),
        (b"[]", 422),
        (b'"name"', 422),
        (b"null", 422),
        (b" " * (2 * 1024 * 1024), 413),
    ],
    ids=[
        "no JSON", "trailing garbage", "doubled name", "NaN", "Infinity", "1e400", "10^30",
        "5000 digits", "depth 100000", "depth 60", "bad UTF-8", "half surrogate",
        "half surrogate in a name", "byte order mark", "empty", "a list", "a string", "null", "2 MiB",
    ],
)  # fmt: skip
def test_a_body_that_is_not_what_was_asked_for_is_a_problem_b1(
    client: FlaskClient, body: bytes, status: int
) -> None:
    began = time.process_time()

    problem = is_problem(post(client, body), status)

    assert problem["detail"]
    assert time.process_time() - began < 1


def test_a_body_that_is_no_object_is_pointed_to_as_a_whole_b2(client: FlaskClient) -> None:
    """RFC 6901, section 5: the whole document is the empty pointer."""
    problem = is_problem(post(client, b"[]"), 422)

    assert problem["errors"][0]["pointer"] == ""
    assert problem["detail"].startswith("the body: ")


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "text/xml"])
def test_a_body_of_another_type_is_refused_b1(client: FlaskClient, kind: str) -> None:
    is_problem(post(client, b'{"name": "a"}', kind), 415)


@pytest.mark.parametrize(
    "request_",
    [
        {"path": "/v1/things", "method": "POST", "json": {"name": "a\x00b"}},
        {"path": "/v1/things?q=a%00b", "method": "GET"},
        {"path": "/v1/jobs?kind=%00", "method": "GET"},
        {"path": "/v1/operations?actor=%00", "method": "GET"},
        {"path": "/v1/events?type=%00", "method": "GET"},
    ],
    ids=lambda request: request["path"],
)
def test_a_nul_character_is_refused_everywhere_b2(
    client: FlaskClient, request_: dict[str, Any]
) -> None:
    problem = is_problem(client.open(**request_, headers=ADMIN), 422)

    assert "NUL" in problem["errors"][0]["detail"]


def test_a_pointer_escapes_what_a_field_name_may_hold_b2(client: FlaskClient) -> None:
    answer = client.post("/v1/things", json={"name": "a", "a/b~c": 1}, headers=ADMIN)

    assert is_problem(answer, 422)["errors"][0]["pointer"] == "/a~1b~0c"


@pytest.mark.parametrize("field", ["id", "role", "balance", "state", "operator_path", "deleted_at"])
def test_a_field_that_is_not_the_callers_to_set_is_refused_b3(
    client: FlaskClient, field: str, database: Database
) -> None:
    answer = client.post("/v1/things", json={"name": "a", field: "1/"}, headers=ADMIN)

    problem = is_problem(answer, 422)
    assert problem["errors"] == [
        {"pointer": f"/{field}", "code": "invalid", "detail": "Unknown field."}
    ]
    with database.transaction() as session:
        assert session.scalar(text("SELECT count(*) FROM thing")) == 0


@pytest.mark.parametrize("path", ["/v1/things?color=red", "/v1/jobs?limit=5&offset=7"])
def test_an_unknown_parameter_is_refused(client: FlaskClient, path: str) -> None:
    problem = is_problem(client.get(path, headers=ADMIN), 422)

    assert problem["errors"][0]["parameter"] in ("color", "offset")


def test_a_route_without_parameters_refuses_them_too(client: FlaskClient) -> None:
    answer = client.get(f"/v1/jobs/{uuid4()}?verbose=1", headers=ADMIN)

    assert is_problem(answer, 422)["errors"][0]["parameter"] == "verbose"


def test_a_parameter_given_twice_has_no_meaning_and_is_refused(client: FlaskClient) -> None:
    is_problem(client.get("/v1/things?limit=5&limit=6", headers=ADMIN), 422)


@pytest.mark.parametrize(
    "tail", ["not-a-uuid", "..%2f..%2fetc", "1%20OR%201=1", "a" * 10_000, "%00"]
)
def test_what_is_no_id_is_not_found_b4(client: FlaskClient, tail: str) -> None:
    is_problem(client.get(f"/v1/jobs/{tail}", headers=ADMIN), 404)


def test_what_belongs_to_others_looks_exactly_like_what_is_absent_b4(
    client: FlaskClient, database: Database
) -> None:
    with database.transaction() as session:
        job_id = session.scalar(
            text(
                "INSERT INTO job (id, kind, operator_path, actor)"
                " VALUES (gen_random_uuid(), 'rename', '1/5/', 'south') RETURNING id"
            )
        )
    north = bearer("1/4/", "reseller")

    theirs = client.get(f"/v1/jobs/{job_id}", headers=north).get_json()
    absent = client.get(f"/v1/jobs/{UUID(int=0)}", headers=north).get_json()

    for answer in (theirs, absent):
        del answer["instance"], answer["request_id"]
    assert theirs == absent
    assert client.get(f"/v1/jobs/{job_id}", headers=ADMIN).status_code == 200


@pytest.mark.parametrize(
    "query",
    [
        "limit=-1", "limit=0", "limit=1000000000", "limit=ten", "limit=1.5", "limit=",
        "cursor=forged", "cursor=", "cursor=" + "A" * 3000, "sort=password", "sort=name;drop",
        "sort=name,name", "sort=-", "sort=", "include=everything", "q=",
    ],
)  # fmt: skip
def test_pages_cannot_be_asked_for_in_ways_that_have_no_answer_b5(
    client: FlaskClient, query: str
) -> None:
    problem = is_problem(client.get(f"/v1/things?{query}", headers=ADMIN), 422)

    assert problem["errors"][0]["parameter"] == query.partition("=")[0]


def test_a_cursor_of_another_sort_or_another_site_is_refused_b5(
    client: FlaskClient, settings: Settings, database: Database
) -> None:
    with database.transaction() as session:
        for name in "abc":
            add_thing(session, "1/", name)
    cursor = client.get("/v1/things?limit=1", headers=ADMIN).get_json()["next_cursor"]
    elsewhere = service.build(replace(settings, secret_key=b"x" * 32), database).test_client()

    is_problem(client.get(f"/v1/things?sort=-name&cursor={cursor}", headers=ADMIN), 422)
    is_problem(elsewhere.get(f"/v1/things?cursor={cursor}", headers=ADMIN), 422)
    is_problem(client.get(f"/v1/things?cursor={cursor[:-4]}AAAA", headers=ADMIN), 422)


@pytest.mark.parametrize(
    "after", ["x", "1", "1.", "-1.0", "99999999999999999999.1", "1.1.1", "٣.٣"]
)
def test_a_feed_cursor_that_we_never_gave_is_refused(client: FlaskClient, after: str) -> None:
    answer = client.get("/v1/events", query_string={"after": after}, headers=ADMIN)

    assert is_problem(answer, 422)["errors"][0]["parameter"] == "after"


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


def test_every_answer_has_the_headers_that_keep_browsers_from_guessing(client: FlaskClient) -> None:
    for path in ("/livez", "/v1/things", "/v1/nothing"):
        answer = client.get(path)
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] == "no-store"
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


def test_the_request_id_is_ours_and_not_the_callers_b27(client: FlaskClient) -> None:
    answer = client.get("/livez", headers={"X-Request-Id": "forged\x1b[31m"})

    assert "forged" not in answer.headers["X-Request-Id"]


def test_health_says_what_works_and_what_does_not(settings: Settings, client: FlaskClient) -> None:
    assert client.get("/livez").get_json() == {"status": "ok"}
    assert client.get("/readyz").get_json()["checks"] == {"database": True, "redis": True}
    without_redis = service.build(replace(settings, redis_url="redis://127.0.0.1:1/0"))
    answer = without_redis.test_client().get("/readyz")
    assert (answer.status_code, answer.get_json()["checks"]["redis"]) == (200, False)
    without_redis.extensions["tenure.database"].close()


def test_metrics_are_prometheus_text_and_name_no_person(client: FlaskClient) -> None:
    client.get("/v1/things?q=Anna", headers=ADMIN)

    answer = client.get("/metrics")

    assert answer.content_type.startswith("text/plain; version=0.0.4")
    assert 'route="/v1/things"' in answer.get_data(as_text=True)
    assert "Anna" not in answer.get_data(as_text=True)


def test_the_specification_is_openapi_3_1_and_every_error_is_problem_json(app: Flask) -> None:
    document = specification(app)

    validate(document)
    assert document["openapi"] == "3.1.0"
    for path, operations in document["paths"].items():
        for method in operations.keys() - {"parameters"}:
            responses = operations[method]["responses"]
            assert responses["default"]["$ref"].endswith("DEFAULT_ERROR"), (method, path)
    for response in document["components"]["responses"].values():
        assert list(response["content"]) == ["application/problem+json"]


def test_all_who_ask_at_once_get_the_whole_specification(app: Flask) -> None:
    """It is written when it is first asked for."""
    with ThreadPoolExecutor(8) as people:
        documents = list(people.map(specification, [app] * 8))
    rules = {rule.rule for rule in app.url_map.iter_rules() if rule.rule.startswith("/v1/")}
    assert {re.sub(r"<([^<>]*:)?(\w+)>", r"{\2}", rule) for rule in rules} <= {
        *documents[0]["paths"]
    }
    assert all(document == documents[0] for document in documents)


def test_every_body_of_the_operating_routes_is_described(app: Flask) -> None:
    undescribed = [
        (method, path)
        for path, operations in specification(app)["paths"].items()
        for method in operations.keys() - {"parameters"}
        if not path.startswith("/v1/things")
        if not any("content" in r for r in operations[method]["responses"].values())
    ]

    assert undescribed == []


def test_the_docs_page_needs_no_script_and_names_every_call(
    client: FlaskClient, app: Flask
) -> None:
    answer = client.get("/docs")

    page = answer.get_data(as_text=True)
    assert answer.status_code == 200
    assert "<script" not in page
    assert "https://" not in page
    assert answer.headers["Content-Security-Policy"].startswith(
        "default-src 'none'; style-src 'sha256-"
    )
    for path in specification(app)["paths"]:
        assert f"<code>{path}</code>" in page


def test_a_route_that_says_neither_who_nor_public_keeps_the_service_from_starting(
    settings: Settings, database: Database
) -> None:
    careless = Blueprint("careless", __name__)

    @careless.get("/v1/open-to-all")
    @careless.response(200)
    def view() -> Any:
        return {}

    with pytest.raises(LookupError, match="neither @permission nor @public"):
        create_app(
            settings, "Careless", [careless], keys=lambda _: KeySet([service.KEY]),
            jobs=service.jobs(settings), subscriptions=service.SUBSCRIPTIONS, database=database,
        )  # fmt: skip
