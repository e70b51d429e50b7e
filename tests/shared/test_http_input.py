"""What a service is sent: bodies, parameters, ids, cursors; each fault named and pointed to (B1 to B5)."""

import time
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from shared.database import Database
from shared.settings import Settings
from tests.shared.asking import ADMIN, is_problem, post
from tests.shared.toy import service
from tests.shared.toy.service import add_thing, bearer

DEEP = b'{"name":' + b"[" * 100_000 + b"]" * 100_000 + b"}"


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
