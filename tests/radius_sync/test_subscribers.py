"""The list of logins: of each what it shows alone, with as many questions as for one."""

from sqlalchemy import event, text

from shared.database import Database
from tests.radius_sync.calling import Caller
from tests.radius_sync.facts import customer, hear, package


def test_the_list_shows_of_each_subscriber_what_it_shows_alone(
    admin: Caller, database: Database
) -> None:
    ends = "2026-12-31T18:00:00+00:00"
    hear(database, package(), customer("alice", holds=["spending"]))
    hear(database, customer("bob", expires_at=ends), customer("carol"))
    with database.transaction() as session:
        session.execute(text("UPDATE radcheck SET value = 'x' WHERE username = 'alice'"
                             " AND attribute ~ 'Password'"))  # fmt: skip
        session.execute(text("DELETE FROM radusergroup WHERE username = 'carol'"))
    listed = admin("GET", "/v1/subscribers?limit=10").json["items"]
    assert [(one["username"], one["in_sync"]) for one in listed] == [
        ("alice", False), ("bob", True), ("carol", False),
    ]  # fmt: skip
    for one in listed:
        assert one == admin("GET", f"/v1/subscribers/{one['username']}").json
    assert listed[1]["facts"]["expires_at"] == ends
    assert {row["place"] for row in listed[1]["applied"]} >= {"radcheck", "radusergroup"}


def test_a_list_of_many_subscribers_asks_no_more_than_one_of_few(
    admin: Caller, database: Database
) -> None:
    hear(database, package(), *(customer(f"many{number}") for number in range(30)))
    statements: list[str] = []

    def hear_statement(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        statements.append(statement)

    engine = admin.client.application.extensions["tenure.database"].engine
    event.listen(engine, "before_cursor_execute", hear_statement)
    asked = []
    for limit in (2, 25):
        statements.clear()
        assert len(admin("GET", f"/v1/subscribers?limit={limit}").json["items"]) == limit
        asked.append(len(statements))
    event.remove(engine, "before_cursor_execute", hear_statement)
    assert asked[0] == asked[1] > 4
