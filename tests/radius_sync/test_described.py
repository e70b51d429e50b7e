"""What the routes answer of real rows is what the document says: with all that may be null null, and
with all of it filled."""

from typing import Any
from uuid import UUID

import schemathesis
from schemathesis.specs.openapi.checks import response_schema_conformance
from sqlalchemy import text

from shared.database import Database
from tests.radius_sync.accounting import start
from tests.radius_sync.calling import Caller
from tests.radius_sync.facts import account, customer, hear, package

WHO = UUID(int=7)
BARE, FULL = str(UUID(int=1)), str(UUID(int=2))
SECRET = "sixteen-octets-at-least"
LISTS: dict[str, dict[str, Any]] = {
    "/v1/nas": {}, "/v1/subscribers": {}, "/v1/sessions": {}, "/v1/disconnects": {},
    "/v1/targets": {}, "/v1/reconciliations": {}, "/v1/usage": {"customer_id": str(WHO)},
}  # fmt: skip
ROWS = (
    "UPDATE radacct SET nasportid = 'ether1', acctstoptime = now(), acctsessiontime = 60,"
    " acctinputoctets = 5000000000, acctoutputoctets = 7, callingstationid = '02:00:00:00:00:01',"
    " acctterminatecause = 'User-Request' WHERE acctsessionid = 'full'",
    "UPDATE radacct SET username = NULL, acctstarttime = NULL, acctupdatetime = NULL,"
    " framedipaddress = NULL WHERE acctsessionid = 'bare'",
    "INSERT INTO login (username, operator_path) VALUES ('nobodys', '1/')",
    "UPDATE subscriber SET credit_limit = 10.50, outstanding = 0, available_funds = -1,"
    " lift_suspension_until = now(), static_address = '100.64.0.9', holds = '{fair_use}'",
    "INSERT INTO usage_day VALUES (CAST(:who AS uuid), current_date, 1, 60, 5000000000, 7)",
    "INSERT INTO disconnect_order (id, acctuniqueid, acctsessionid, nas_address, username, kind,"
    " generation, reason) VALUES (:bare, 'u-1', 's-1', '192.0.2.7', 'anna', 'disconnect', 1, 'x')",
    "INSERT INTO disconnect_order (id, acctuniqueid, acctsessionid, nas_address, username, kind,"
    " generation, reason, session_started_at, customer_id, operator_path, change, state, attempts,"
    " confirmed_by, outcome, advice, finished_at) VALUES (:full, 'u-2', 's-2', '192.0.2.7', 'anna',"
    " 'coa', 1, 'x', now(), CAST(:who AS uuid), '1/', 'wall', 'acked', 2, 'ack', 'acked', 'none',"
    " now())",
    "INSERT INTO disconnect_attempt (order_id, result, transmissions) VALUES (:full, 'timeout', 5)",
    "INSERT INTO disconnect_attempt (order_id, result, code, error_cause, rtt_ms, transmissions)"
    " VALUES (:full, 'acked', 41, 503, 1.5, 1)",
    "INSERT INTO reconciliation (id, heal, actor) VALUES (:bare, false, 'schedule')",
    "INSERT INTO reconciliation (id, job_id, heal, actor, finished_at, checked, drift, healed)"
    " VALUES (:full, :full, true, 'admin', now(), 9, '{\"main.missing_row\": 2}', 1)",
    "INSERT INTO drift (reconciliation_id, target, class, username, customer_id, detail, healed)"
    " VALUES (:full, 'main', 'missing_row', 'anna', CAST(:who AS uuid), 'x', true),"
    " (:full, 'main', 'missing_row', NULL, NULL, 'y', false)",
    "UPDATE target SET error = 'away', failures = 3, applied_at = now(), radius_state = 'answering',"
    " radius_skew = -2.5, radius_seen_at = now() WHERE NOT embedded",
    "UPDATE nas_device SET pacing = 2.5, rate_policy = 'rate', sessions_url = 'https://192.0.2.7/',"
    " sessions_state = 'silent', sessions_listed = 3, sessions_listed_at = now(),"
    " sessions_error = 'no answer', last_answer_at = now() WHERE name = 'full'",
)


def _called(admin: Caller, method: str, path: str, status: int = 200, **more: Any) -> Any:
    """The answer, checked against its schema."""
    app = admin.client.application
    found = schemathesis.openapi.from_wsgi("/openapi.json", app)[path][method]
    told: Any = found.definition.raw["responses"]
    assert "content" in told[str(status)], path
    if "body" in more:
        more["media_type"] = "application/json"
    case = found.Case(**more)
    response = case.call(headers={**admin.headers, "If-Match": "*"})
    assert response.status_code == status, response.text
    case.validate_response(response, checks=[response_schema_conformance])
    return response.json()


def _filled(database: Database, admin: Caller) -> int:
    """Rows for every list; the id of a session that is open."""
    hear(database, package(), customer("anna", WHO), account(WHO))
    for name, address in (("bare", "192.0.2.7"), ("full", "192.0.2.8")):
        nas = {"name": name, "address": address, "secret": SECRET}
        assert admin("POST", "/v1/nas", nas).status_code == 201
    _called(
        admin, "POST", "/v1/targets", 201,
        body={
            "name": "north", "address": "postgresql://radius:x@192.0.2.9:5432/radius",
            "radius": {"address": "192.0.2.9", "secret": SECRET},
        },
    )  # fmt: skip
    for name in ("bare", "full", "open"):
        start(database, "anna", name, nas="192.0.2.8" if name == "full" else "192.0.2.99")
    given = {"who": WHO, "bare": BARE, "full": FULL}
    with database.engine.begin() as connection:
        connection.execute(text("RESET ROLE"))
        for row in ROWS:
            connection.execute(text(row), {k: v for k, v in given.items() if f":{k}" in row})
        found = connection.scalar(
            text("SELECT radacctid FROM radacct WHERE acctsessionid = 'open'")
        )
        connection.execute(text(f"SET ROLE {database.role}"))
    return int(found or 0)


def test_every_row_of_every_list_is_as_described(admin: Caller, database: Database) -> None:
    """C45: usage too, by session and by month."""
    _filled(database, admin)
    for path, query in LISTS.items():
        for more in ({"include": "total"}, {"limit": 1}):
            shown = _called(admin, "GET", path, query=query | more)
            assert shown["items"], path
    sums = _called(admin, "GET", "/v1/usage", query={"customer_id": str(WHO), "period": "month"})
    assert sums["items"][0]["upload_octets"] == 5_000_000_000
    assert _called(admin, "GET", "/v1/sessions/who-had", query={"address": "100.64.0.1"})["items"]


def test_every_single_row_is_as_described(admin: Caller, database: Database) -> None:
    session = _filled(database, admin)
    for name in ("anna", "nobodys"):
        _called(admin, "GET", "/v1/subscribers/{username}", path_parameters={"username": name})
    attempts = []
    for one in (BARE, FULL):
        place = {"order_id": one}
        order = _called(admin, "GET", "/v1/disconnects/{order_id}", path_parameters=place)
        place = {"report_id": one}
        report = _called(admin, "GET", "/v1/reconciliations/{report_id}", path_parameters=place)
        attempts.append((len(order["attempts"]), len(report["rows"])))
    assert attempts == [(0, 0), (2, 2)]
    for target in _called(admin, "GET", "/v1/targets")["items"]:
        place = {"target_id": target["id"]}
        _called(admin, "GET", "/v1/targets/{target_id}", path_parameters=place)
        for change in ({"enabled": False}, {"radius": None}):
            _called(admin, "PATCH", "/v1/targets/{target_id}", path_parameters=place, body=change)
    _called(admin, "POST", "/v1/reconciliations", 202, body={"heal": False})
    place = {"session_id": str(session)}
    _called(
        admin, "POST", "/v1/sessions/{session_id}/disconnect", 202, path_parameters=place,
        body={"reason": "asked"},
    )  # fmt: skip
