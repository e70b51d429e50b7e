"""Nobody sees or touches another branch: every route that names something, from the URL map (B20)."""

import re
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from shared.database import Database, Scope
from tests.radius_sync.accounting import start
from tests.radius_sync.calling import Caller
from tests.radius_sync.facts import customer, hear, package
from tests.support.route_matrix import UNKNOWN

SOUTH, ADDRESS, ABSENT = "1/5/", "100.64.7.7", "nobody-here"
Found = dict[str, str]


@pytest.fixture
def foreign(database: Database, admin: Caller) -> Found:
    """Everything there is of a customer in the south: rows, a session, an order, usage, a job."""
    karim = UUID(str(uuid4()))
    hear(database, package(), customer("karim", karim, path=SOUTH))
    session_id = start(database, "karim", "karim-session", framed=ADDRESS, ago=60)
    order = admin("POST", f"/v1/sessions/{session_id}/disconnect", {"reason": "karim asked"})
    job = admin("POST", "/v1/reconciliations", {"heal": False})
    _by_hand(
        database,
        "INSERT INTO radpostauth (username, reply, callingstationid)"
        " VALUES ('karim', 'Access-Reject', 'AA-BB-CC-00-00-07')",
    )
    _by_hand(
        database,
        "INSERT INTO usage_day VALUES (:customer, current_date, 1, 60, 7, 7)",
        customer=karim,
    )
    with database.transaction() as session:
        event = session.scalar(text("SELECT max(CAST(id AS text)) FROM outbox"))
    return {
        "username": "karim", "customer_id": str(karim), "session_id": str(session_id),
        "order_id": order.json["id"], "job_id": job.headers["Location"].rpartition("/")[2],
        "event_id": str(event),
    }  # fmt: skip


def _by_hand(database: Database, statement: str, **values: Any) -> None:
    with database.engine.begin() as connection:
        connection.execute(text("RESET ROLE"))
        connection.execute(text(statement), values)
        connection.execute(text(f"SET ROLE {database.role}"))


def _absent() -> Found:
    return {
        "username": ABSENT, "customer_id": UNKNOWN, "session_id": "0", "order_id": UNKNOWN,
        "job_id": UNKNOWN, "event_id": UNKNOWN,
    }  # fmt: skip


def _url(rule: str, ids: Found) -> str:
    filled = re.sub(r"<any\(([a-z]+)[^>]*>", r"\1", rule)
    return re.sub(r"<(?:\w+:)?(\w+)>", lambda match: ids.get(match[1], UNKNOWN), filled)


def _state(database: Database) -> list[Any]:
    with database.transaction() as session:
        orders = session.execute(text("SELECT id, state, not_before FROM disconnect_order"))
        jobs = session.execute(text("SELECT id, state FROM job"))
        logins = session.execute(text("SELECT username, generation FROM login"))
        return [list(orders), list(jobs), list(logins)]


@pytest.mark.parametrize("role", ["manager", "reseller"])
def test_every_route_with_an_id_answers_a_foreign_operator_as_if_it_were_absent(
    client: FlaskClient, database: Database, foreign: Found, role: str
) -> None:
    north, before, seen = Caller(client, role, "1/4/"), _state(database), 0
    for rule in client.application.url_map.iter_rules():
        if not set(rule.arguments) & foreign.keys():
            continue
        for method in rule.methods - {"HEAD", "OPTIONS"}:  # type: ignore[operator]
            body: Any = None if method in ("GET", "DELETE") else {}
            theirs = north(method, _url(rule.rule, foreign), body, **{"If-Match": "*"})
            absent = north(method, _url(rule.rule, _absent()), body, **{"If-Match": "*"})
            assert theirs.status_code in (404, 403), f"{method} {rule.rule}: {theirs.text}"
            assert theirs.status_code == absent.status_code, f"{method} {rule.rule}"
            assert theirs.json["type"] == absent.json["type"], rule.rule
            seen += 1
    assert seen >= 10
    assert _state(database) == before


@pytest.mark.parametrize("role", ["manager", "reseller"])
def test_no_list_and_no_filter_shows_another_branch(
    client: FlaskClient, foreign: Found, role: str
) -> None:
    """Asked for all, and for exactly what is theirs."""
    north = Caller(client, role, "1/4/")
    customer_id = foreign["customer_id"]
    asked = [
        rule.rule
        for rule in client.application.url_map.iter_rules()
        if not rule.arguments and "GET" in (rule.methods or ()) and rule.rule.startswith("/v1/")
    ]
    assert len(asked) > 12
    asked += [
        "/v1/sessions?username=karim", f"/v1/sessions?customer_id={customer_id}",
        "/v1/disconnects?username=karim", f"/v1/disconnects?customer_id={customer_id}",
        "/v1/subscribers?q=karim", f"/v1/subscribers?customer_id={customer_id}",
        f"/v1/usage?customer_id={customer_id}", f"/v1/usage?customer_id={customer_id}&period=day",
        f"/v1/sessions/who-had?address={ADDRESS}", "/v1/events?after=0",
    ]  # fmt: skip
    own = [value for name, value in foreign.items() if name != "session_id"]
    for place in asked:
        answer = north("GET", place)
        shown = [one for one in (*own, ADDRESS) if one in answer.text]
        assert shown == [], f"{place} shows {shown}"


def test_the_own_branch_and_those_above_see_all_of_it(client: FlaskClient, foreign: Found) -> None:
    """Else the tests above would say nothing."""
    for path in (SOUTH, "1/"):
        south = Caller(client, "manager", path)
        for place in (
            "/v1/sessions?username=karim", "/v1/disconnects?username=karim",
            "/v1/subscribers?q=karim", f"/v1/sessions/who-had?address={ADDRESS}",
            f"/v1/usage?customer_id={foreign['customer_id']}&period=day",
        ):  # fmt: skip
            assert len(south("GET", place).json["items"]) == 1, place
        place = f"/v1/disconnects/{foreign['order_id']}"
        assert south("GET", place).json["username"] == "karim"
        assert south("GET", "/v1/subscribers/karim/why-offline").status_code == 200


def test_row_level_security_holds_where_a_query_forgets_the_branch(
    database: Database, foreign: Found
) -> None:
    """API1: the second line, of every table whose rows carry a branch."""
    assert foreign
    scoped = ("subscriber", "login", "disconnect_order", "outbox", "job", "operation")
    with database.transaction(Scope("1/4/")) as session:
        seen = [session.scalar(text(f"SELECT count(*) FROM {table}")) for table in scoped]
    assert seen == [0] * len(scoped)


def test_an_admin_below_the_root_is_told_that_a_nas_is_not_the_own_branchs(
    client: FlaskClient, database: Database
) -> None:
    """The rows of the whole site are shut to a branch by PostgreSQL itself: a refusal, not our fault."""
    body = {"name": "bras", "address": "192.0.2.1", "secret": "sixteen-octets-at-least",
            "vendor": "mikrotik"}  # fmt: skip
    refused = Caller(client, "admin", "1/4/")("POST", "/v1/nas", body)
    assert refused.status_code == 403
    assert "an operator at the root" in refused.get_json()["detail"]
    with database.transaction() as session:
        assert session.scalar(text("SELECT count(*) FROM nas_device")) == 0
