"""Why a login is offline, from rows as FreeRADIUS and the sender write them."""

from typing import Any

from sqlalchemy import text

from shared.database import Database
from tests.radius_sync.accounting import start, stop
from tests.radius_sync.calling import Caller
from tests.radius_sync.facts import customer, hear, package

NAS = {"name": "tower-1", "address": "10.1.2.3", "secret": "a-secret-of-16-octets"}
ACCEPT, REJECT = "Access-Accept", "Access-Reject"


def _change(database: Database, sql: str, **values: Any) -> None:
    """What FreeRADIUS, time or another role writes."""
    with database.engine.begin() as connection:
        connection.execute(text("RESET ROLE"))
        connection.execute(text(sql), values)
        connection.execute(text(f"SET ROLE {database.role}"))


def _answered(database: Database, username: str, *replies: str) -> None:
    for reply in replies:
        _change(
            database,
            "INSERT INTO radpostauth (username, reply, callingstationid)"
            " VALUES (:username, :reply, 'AA-BB-CC-00-00-01')",
            username=username, reply=reply,
        )  # fmt: skip


def _known(database: Database, username: str = "alice", **facts: Any) -> None:
    """A login since a day, so that what came before counts for it."""
    hear(database, package(), customer(username, **facts))
    _change(database, "UPDATE login_owner SET since = now() - interval '1 day'")
    _change(database, "UPDATE login SET changed_at = now() - interval '1 day'")


def _why(caller: Caller, username: str = "alice") -> Any:
    answer = caller("GET", f"/v1/subscribers/{username}/why-offline")
    assert answer.status_code == 200, answer.text
    told = answer.json
    assert all(one["detail"] and one["what_to_do"] for one in told["reasons"])
    return told


def _codes(caller: Caller, username: str = "alice") -> list[str]:
    return [one["code"] for one in _why(caller, username)["reasons"]]


def test_a_wrong_password_is_told_from_the_refusals_since_the_last_accept(
    admin: Caller, database: Database
) -> None:
    _known(database)
    _answered(database, "alice", REJECT, ACCEPT, REJECT, REJECT)
    told = _why(admin)
    assert told["online"] is False
    (reason,) = told["reasons"]
    assert reason["code"] == "wrong_password" and reason["at"]
    assert "2 times" in reason["detail"] and "AA-BB-CC-00-00-01" in reason["detail"]
    assert "password" in reason["what_to_do"]


def test_who_is_online_has_no_reasons(admin: Caller, database: Database) -> None:
    _known(database)
    _answered(database, "alice", REJECT, ACCEPT)
    start(database, "alice", "s-1")
    told = _why(admin, "Alice")
    assert (told["username"], told["online"], told["reasons"]) == ("alice", True, [])


def test_a_login_refused_beside_an_open_session_is_told(admin: Caller, database: Database) -> None:
    """A router that lost power asks anew while its session still seems open (Simultaneous-Use)."""
    _known(database)
    _answered(database, "alice", ACCEPT)
    session = start(database, "alice", "s-1", ago=60)
    _answered(database, "alice", REJECT)
    told = _why(admin)
    (reason,) = told["reasons"]
    assert told["online"] is True and reason["code"] == "already_logged_in"
    assert f"/v1/sessions/{session}/disconnect" in reason["what_to_do"]


def test_a_reject_row_comes_first_and_names_the_books(admin: Caller, database: Database) -> None:
    _known(database, holds=["admin"])
    _answered(database, "alice", ACCEPT, REJECT)
    reasons = _why(admin)["reasons"]
    assert [one["code"] for one in reasons] == ["rows_reject", "refused_by_rows"]
    assert "Auth-Type Reject" in reasons[0]["detail"]
    assert "blocked (admin)" in reasons[0]["what_to_do"]


def test_rows_edited_by_hand_are_not_those_of_the_books(admin: Caller, database: Database) -> None:
    _known(database)
    _change(
        database,
        "INSERT INTO radcheck (username, attribute, op, value)"
        " VALUES ('alice', 'Auth-Type', ':=', 'Reject')",
    )
    reasons = _why(admin)["reasons"]
    assert [one["code"] for one in reasons] == ["rows_reject", "rows_differ", "no_login_tried"]
    assert "POST /v1/reconciliations" in reasons[0]["what_to_do"]


def test_a_refusal_before_the_rows_changed_asks_to_dial_in_again(
    admin: Caller, database: Database
) -> None:
    _known(database)
    _answered(database, "alice", REJECT)
    _change(database, "UPDATE login SET changed_at = now()")
    assert _codes(admin) == ["refused_before_change"]


def test_a_dead_nas_and_a_silent_server_are_named_after_the_last_session(
    admin: Caller, database: Database
) -> None:
    made = admin("POST", "/v1/nas", NAS).json
    _known(database)
    _answered(database, "alice", ACCEPT)
    session = start(database, "alice", "s-1", nas=NAS["address"], ago=3000)
    _change(database, "UPDATE radacct SET acctinterval = 300")
    _change(database, "UPDATE nas_device SET breaker_until = now() + interval '1 minute'")
    _change(
        database,
        "UPDATE target SET radius_address = '10.9.9.9', radius_port = 1812, radius_state = 'silent'",
    )
    told = _why(admin)
    assert told["online"] is False
    codes = [one["code"] for one in told["reasons"]]
    ends = ["stale_session", "nas_silent", "nas_not_heard", "radius_silent"]
    assert codes[-4:] == ends and codes[0] == "rows_reject"
    assert f"/v1/sessions/{session}/disconnect" in told["reasons"][-4]["what_to_do"]
    assert f"POST /v1/nas/{made['id']}/test" in told["reasons"][-3]["what_to_do"]


def test_the_last_disconnect_tells_when_why_and_what_came_of_it(
    admin: Caller, database: Database
) -> None:
    assert admin("POST", "/v1/nas", NAS).status_code == 201
    _known(database)
    session = start(database, "alice", "s-1", nas=NAS["address"])
    _answered(database, "alice", ACCEPT)
    cut = admin("POST", f"/v1/sessions/{session}/disconnect", {"reason": "operator"})
    assert cut.status_code == 202, cut.text
    stop(database, "s-1")
    (reason,) = _why(admin)["reasons"]
    assert reason["code"] == "disconnected"
    assert "Admin-Reset" in reason["detail"] and "operator" in reason["detail"]
    _change(database, "DELETE FROM disconnect_order")
    assert _codes(admin) == ["session_ended"]


def test_an_accept_without_accounting_is_told(admin: Caller, database: Database) -> None:
    _known(database)
    _answered(database, "alice", ACCEPT)
    assert _codes(admin) == ["no_accounting"]


def test_a_server_that_is_behind_is_named(admin: Caller, database: Database) -> None:
    _known(database)
    _change(
        database,
        "INSERT INTO target (id, name, address_sealed, error)"
        " VALUES (gen_random_uuid(), 'far', 'sealed', 'OperationalError: refused')",
    )
    reasons = _why(admin)["reasons"]
    assert [one["code"] for one in reasons] == ["target_behind", "no_login_tried"]
    assert "far" in reasons[0]["detail"] and "refused" in reasons[0]["detail"]


def test_what_came_before_the_login_was_this_customers_is_not_told(
    admin: Caller, database: Database
) -> None:
    """F32: nor whose session it was."""
    _known(database)
    _answered(database, "alice", REJECT)
    start(database, "alice", "s-1", nas=NAS["address"], ago=3000)
    _change(database, "UPDATE login_owner SET since = now() + interval '1 second'")
    assert _codes(admin)[-1] == "no_login_tried"


def test_why_a_login_of_another_branch_is_offline_is_not_told(
    admin: Caller, north: Caller, database: Database
) -> None:
    hear(database, package(), customer("alice"), customer("south", path="1/5/"))
    assert north("GET", "/v1/subscribers/ALICE/why-offline").status_code == 200
    assert north("GET", "/v1/subscribers/south/why-offline").status_code == 404
    assert admin("GET", "/v1/subscribers/nobody/why-offline").status_code == 404


def test_the_last_answers_are_found_by_an_index(database: Database) -> None:
    """A router with a wrong password asks every few seconds, for months."""
    _change(
        database,
        "INSERT INTO radpostauth (username, reply) SELECT CASE n % 2 WHEN 0 THEN 'alice' ELSE"
        " 'u' || n END, 'Access-Reject' FROM generate_series(1, 20000) n",
    )
    _change(database, "ANALYZE radpostauth")
    with database.transaction() as session:
        plan = "\n".join(
            session.scalars(
                text("EXPLAIN SELECT * FROM radpostauth WHERE username = 'alice'"
                     " ORDER BY id DESC LIMIT 100")
            )
        )  # fmt: skip
    assert "radpostauth_of_username" in plan
