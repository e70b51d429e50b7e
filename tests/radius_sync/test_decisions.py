"""The access simulator over HTTP."""

from sqlalchemy import text

from shared.database import Database
from tests.radius_sync.calling import Caller
from tests.radius_sync.facts import customer, hear, package


def test_the_deciding_rows_are_named_in_plain_words(admin: Caller, database: Database) -> None:
    hear(database, package(), customer("alice"), customer("bob", holds=["admin"]))

    alice = admin("GET", "/v1/subscribers/Alice/decision?password_form=chap").json
    assert (alice["answer"], alice["reason"]) == ("accept", "accepted")
    assert {"name": "Mikrotik-Rate-Limit", "value": "5000k/20000k"}.items() <= {
        name: value
        for pair in alice["attributes"]
        if pair["name"] == "Mikrotik-Rate-Limit"
        for name, value in pair.items()
    }.items()
    assert {row["table"] for row in alice["deciding_rows"]} >= {"radcheck", "radgroupreply"}
    assert "(sealed)" in {row["value"] for row in alice["deciding_rows"]}

    bob = admin("GET", "/v1/subscribers/bob/decision").json
    assert (bob["answer"], bob["reason"]) == ("reject", "auth_type_reject")
    assert [row["attribute"] for row in bob["deciding_rows"]] == ["Auth-Type"]
    assert bob["steps"][-1]["text"] == "A row says Auth-Type Reject."


def test_a_hand_edited_row_shows_in_the_decision(admin: Caller, database: Database) -> None:
    hear(database, package(), customer("alice"))
    with database.transaction() as session:
        session.execute(
            text("INSERT INTO radcheck (username, attribute, op, value) VALUES"
                 " ('alice', 'Called-Station-Id', '==', 'hotspot-7')")
        )  # fmt: skip
    place = "/v1/subscribers/alice/decision"
    assert admin("GET", place).json["reason"] == "no_password"
    assert admin("GET", f"{place}?called_station_id=hotspot-7").json["answer"] == "accept"


def test_who_may_ask_and_what_is_no_question(
    admin: Caller, north: Caller, database: Database
) -> None:
    hear(database, package(), customer("alice"), customer("south", path="1/5/"))
    place = "/v1/subscribers/alice/decision"
    assert north("GET", place).status_code == 200
    assert north("GET", "/v1/subscribers/south/decision").status_code == 404
    assert admin("GET", "/v1/subscribers/nobody/decision").status_code == 404
    for wrong in ("password_form=eap", "nas_id=x", f"nas_id={'0' * 32}", "called_station_id="):
        refused = admin("GET", f"{place}?{wrong}")
        assert refused.status_code == 422
        assert wrong.partition("=")[0] in refused.text
