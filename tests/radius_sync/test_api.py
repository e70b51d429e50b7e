"""The routes: who may, what they answer, and what is refused."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from radius_sync.disconnecting import Sender
from radius_sync.jobs import jobs
from radius_sync.nas_simulator import NasSimulator
from radius_sync.settings import Settings
from shared.database import Database
from shared.jobs import run_due
from tests.radius_sync.accounting import start
from tests.radius_sync.calling import Caller
from tests.radius_sync.facts import customer, hear, package

SECRET = "sixteen-octets-at-least"
NAS = {"name": "north", "address": "192.0.2.7", "secret": SECRET, "vendor": "mikrotik"}


def test_a_nas_is_registered_read_changed_and_removed(admin: Caller) -> None:
    made = admin("POST", "/v1/nas", NAS)
    assert made.status_code == 201, made.json
    assert "secret" not in made.json
    assert made.json["coa_port"] == 3799
    place = f"/v1/nas/{made.json['id']}"
    got = admin("GET", place)
    changed = admin("PATCH", place, {"in_flight": 8}, **{"If-Match": got.headers["ETag"]})
    assert (changed.status_code, changed.json["in_flight"]) == (200, 8)
    assert admin("PATCH", place, {"in_flight": 9}).status_code == 428
    stale = admin("DELETE", place, **{"If-Match": got.headers["ETag"]})
    assert stale.status_code == 412
    assert admin("DELETE", place, **{"If-Match": changed.headers["ETag"]}).status_code == 204
    assert admin("GET", place).status_code == 404


@pytest.mark.parametrize(
    "broken",
    [
        {"address": "224.0.0.1"}, {"address": "169.254.169.254"}, {"address": "::"},
        {"address": "192.0.2.255"}, {"address": "nas.example.org"}, {"address": "192.0.2.0/24"},
        {"coa_port": 0}, {"coa_port": 70000}, {"secret": ""}, {"secret": "a\nb" * 8},
        {"vendor": "unknown"}, {"state": "reachable"}, {"strategy": "hope"},
        {"in_flight": 0}, {"walled_list": "`x`"},
    ],
)  # fmt: skip
def test_what_no_nas_can_have_is_refused_and_named_b26(
    admin: Caller, broken: dict[str, Any]
) -> None:
    answer = admin("POST", "/v1/nas", NAS | broken)
    assert answer.status_code == 422
    assert next(iter(broken)) in answer.text


def test_a_short_secret_and_loopback_are_for_the_demo_only_b26(
    admin: Caller, settings: Settings
) -> None:
    app = admin.client.application
    from dataclasses import replace

    app.extensions["tenure.settings"] = replace(settings, demo=False)
    assert admin("POST", "/v1/nas", NAS | {"secret": "testing123"}).status_code == 422
    assert admin("POST", "/v1/nas", NAS | {"address": "127.0.0.1"}).status_code == 422
    app.extensions["tenure.settings"] = settings
    demo = NAS | {"secret": "testing123", "address": "127.0.0.1"}
    assert admin("POST", "/v1/nas", demo).status_code == 201


def test_a_second_nas_with_the_address_is_a_conflict(admin: Caller) -> None:
    assert admin("POST", "/v1/nas", NAS).status_code == 201
    again = admin("POST", "/v1/nas", NAS | {"name": "other"})
    assert again.status_code == 409
    assert {each["pointer"] for each in again.json["errors"]} == {"/address", "/name"}


def test_a_nas_that_answers_works_and_one_with_another_secret_does_not(admin: Caller) -> None:
    with NasSimulator(SECRET.encode()) as nas:
        here = NAS | {"address": "127.0.0.1", "coa_port": nas.coa_port}
        place = f"/v1/nas/{admin('POST', '/v1/nas', here).json['id']}"
        tried = admin("POST", f"{place}/test")
        assert tried.status_code == 200
        assert (tried.json["works"], tried.json["error_cause"]) == (True, 503)
        admin("PATCH", place, {"secret": "another-secret-of-it"}, **{"If-Match": "*"})
        tried = admin("POST", f"{place}/test")
        assert tried.json["works"] is False
        assert "secret" in tried.json["advice"]


def test_a_secret_is_sealed_at_rest(admin: Caller, database: Database) -> None:
    admin("POST", "/v1/nas", NAS)
    with database.transaction() as session:
        everything = session.scalars(
            text("SELECT CAST(n.* AS text) FROM nas_device n UNION ALL"
                 " SELECT CAST(d.* AS text) FROM operation_detail d")
        ).all()  # fmt: skip
    assert everything
    assert all(SECRET not in str(row) for row in everything)


def test_a_subscriber_shows_desired_applied_and_why(admin: Caller, database: Database) -> None:
    hear(database, package(), customer("alice", holds=["spending"]))
    shown = admin("GET", "/v1/subscribers/alice").json
    assert (shown["access"], shown["reason"]) == ("walled", "spending")
    assert shown["in_sync"] is True
    assert shown["desired"] == shown["applied"]
    assert shown["facts"]["holds"] == ["spending"]
    assert "v1:" not in str(shown)
    with database.transaction() as session:
        session.execute(text("UPDATE radcheck SET value = 'x' WHERE attribute ~ 'Password'"))
    assert admin("GET", "/v1/subscribers/alice").json["in_sync"] is False


def test_a_reseller_sees_only_the_own_branch_b20(
    admin: Caller, north: Caller, database: Database
) -> None:
    hear(database, package(), customer("mine"), customer("theirs", path="1/5/"))
    theirs = start(database, "theirs", "s1", ago=-1)
    start(database, "mine", "s2", ago=-1)
    start(database, "stranger", "s3", ago=-1)
    names = [item["username"] for item in north("GET", "/v1/subscribers").json["items"]]
    assert names == ["mine"]
    assert north("GET", "/v1/subscribers/theirs").status_code == 404
    seen = [item["username"] for item in north("GET", "/v1/sessions").json["items"]]
    assert seen == ["mine"]
    assert north("POST", f"/v1/sessions/{theirs}/disconnect", {}).status_code == 404
    assert len(admin("GET", "/v1/sessions").json["items"]) == 3
    assert north("GET", "/v1/nas").status_code == 403
    assert north("POST", "/v1/reconciliations", {"heal": True}).status_code == 403


def test_sessions_are_paged_and_filtered(admin: Caller, database: Database) -> None:
    nas = admin("POST", "/v1/nas", NAS | {"address": "127.0.0.1"}).json["id"]
    hear(database, package(), customer("alice"), customer("bob"))
    for number in range(5):
        start(database, "alice", f"a{number}")
    start(database, "bob", "b", nas="192.0.2.9")
    first = admin("GET", "/v1/sessions?limit=4&username=alice&open=true")
    rest = admin(
        "GET", f"/v1/sessions?limit=4&username=alice&open=true&cursor={first.json['next_cursor']}"
    )
    found = [item["session_id"] for item in first.json["items"] + rest.json["items"]]
    assert found == ["a4", "a3", "a2", "a1", "a0"]
    assert rest.json["next_cursor"] is None
    assert len(admin("GET", f"/v1/sessions?nas_id={nas}").json["items"]) == 5
    assert admin("GET", "/v1/sessions?open=false").json["items"] == []
    assert admin("GET", "/v1/sessions?nonsense=1").status_code == 422


def test_usage_is_of_the_customer_not_of_the_login_f32(admin: Caller, database: Database) -> None:
    former, living = uuid4(), uuid4()
    hear(database, package(), customer("alice", former))
    start(database, "alice", "old", ago=60)
    hear(database, customer("alice", former, standing="deleted"), customer("alice", living))
    start(database, "alice", "new", ago=-1)

    def usage(customer_id: UUID) -> list[str]:
        items = admin("GET", f"/v1/usage?customer_id={customer_id}").json["items"]
        return [item["session_id"] for item in items]

    assert usage(former) == ["old"]
    assert usage(living) == ["new"]


def test_one_session_is_ended_on_request_and_the_attempt_is_shown(
    admin: Caller, north: Caller, database: Database, settings: Settings
) -> None:
    with NasSimulator(SECRET.encode()) as nas:
        admin("POST", "/v1/nas", NAS | {"address": "127.0.0.1", "coa_port": nas.coa_port})
        hear(database, package(), customer("alice"))
        live = nas.add_session("alice")
        session = start(database, "alice", live.session_id, framed=live.framed_ip, ago=-1)
        asked = north("POST", f"/v1/sessions/{session}/disconnect", {"reason": "stuck"})
        assert asked.status_code == 202, asked.json
        assert asked.headers["Location"] == f"/v1/disconnects/{asked.json['id']}"
        Sender(database, settings.secret_key).run()
        assert nas.sessions == []
    (shown,) = north("GET", "/v1/disconnects").json["items"]
    assert (shown["state"], shown["last_attempt"]["code"]) == ("acked", 41)
    whole = north("GET", f"/v1/disconnects/{shown['id']}").json
    assert whole["attempts"][0]["rtt_ms"] > 0


def test_a_reconciliation_is_a_job_with_a_report(
    admin: Caller, database: Database, settings: Settings
) -> None:
    hear(database, package(), customer("alice"))
    with database.transaction() as session:
        session.execute(text("DELETE FROM radusergroup"))
    asked = admin("POST", "/v1/reconciliations", {"heal": True})
    assert asked.status_code == 202
    run_due(database, jobs(settings))
    job = admin("GET", asked.headers["Location"]).json
    assert job["state"] == "succeeded"
    report = admin("GET", f"/v1/reconciliations/{job['id']}").json
    assert report["drift"] == {"embedded.missing_row": 1}
    assert report["rows"][0]["username"] == "alice"
    assert admin("GET", "/v1/reconciliations").json["items"][0]["id"] == report["id"]


def test_targets_are_added_seen_and_switched_off(admin: Caller, database: Database) -> None:
    hear(database, package(), customer("alice"))
    address = "postgresql://radius:secret-word@192.0.2.9:5432/radius"
    made = admin("POST", "/v1/targets", {"name": "south", "address": address})
    assert made.status_code == 201
    assert (made.json["health"], made.json["pending"]) == ("well", 1)
    assert "secret-word" not in made.text
    place = f"/v1/targets/{made.json['id']}"
    off = admin("PATCH", place, {"enabled": False}, **{"If-Match": made.headers["ETag"]})
    assert off.json["health"] == "disabled"
    names = [item["name"] for item in admin("GET", "/v1/targets").json["items"]]
    assert names == ["embedded", "south"]
    assert admin("POST", "/v1/targets", {"name": "x", "address": "http://a"}).status_code == 422
    embedded = "/v1/targets/00000000-0000-7000-8000-000000000001"
    assert admin("DELETE", embedded, **{"If-Match": "*"}).status_code == 409
