"""Events in: batches, poison, dead letters, and what passes by itself (F12, F20, F21)."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from shared import inbox
from shared.database import Database
from shared.events import AccessChanged, CustomerCreated, Wire
from shared.inbox import Subscriptions
from tests.shared.toy.service import SUBSCRIPTIONS, bearer


def wire(name: str, sequence: int = 1, subject: UUID | None = None) -> Wire:
    return {
        "specversion": "1.0", "id": str(uuid4()), "source": "/customers",
        "type": "customer.updated", "subject": str(subject or uuid4()),
        "time": datetime.now(UTC).isoformat(), "sequence": sequence, "operatorpath": "1/",
        "actorid": "test", "data": {"customer": {"name": name}},
    }  # fmt: skip


def take(database: Database, *events: Wire) -> inbox.Rings:
    return inbox.take(database, SUBSCRIPTIONS, "customers", events)


def names(database: Database) -> list[str]:
    with database.transaction() as session:
        return list(session.scalars(text("SELECT name FROM thing ORDER BY name")))


def dead(database: Database) -> list[Any]:
    with database.transaction() as session:
        return list(session.execute(text("SELECT * FROM dead_letter ORDER BY first_at")))


def test_a_batch_is_taken_in_one_transaction(database: Database) -> None:
    take(database, wire("a"), wire("b"), wire("c"))

    with database.transaction() as session:
        assert session.scalar(text("SELECT count(DISTINCT xmin::text) FROM thing")) == 1
    assert names(database) == ["a", "b", "c"]


def test_doubles_old_news_and_lost_order_change_nothing_f12(database: Database) -> None:
    subject = uuid4()
    first, second, third = (wire(f"v{n}", n, subject) for n in (1, 2, 3))

    for batch in ([third], [first], [second, first], [third, third], [second]):
        take(database, *batch)

    assert names(database) == ["v3"]


def test_an_unknown_type_is_nothing_to_do_f12(database: Database) -> None:
    assert take(database, {**wire("a"), "type": "weather.changed"}) == set()
    assert (names(database), dead(database)) == ([], [])


def test_a_poisonous_event_becomes_a_dead_letter_and_the_others_pass_f20(
    database: Database,
) -> None:
    poison = wire("poison")

    take(database, wire("a"), poison, wire("b"))

    assert names(database) == ["a", "b"]
    (letter,) = dead(database)
    assert (str(letter.event_id), letter.state, letter.source) == (
        poison["id"],
        "dead",
        "customers",
    )
    assert "NotNullViolation" in letter.error
    assert letter.event == poison


def test_the_same_poison_again_counts_and_is_one_letter(database: Database) -> None:
    poison = wire("poison")

    for _ in range(3):
        take(database, poison)

    (letter,) = dead(database)
    assert letter.attempts == 3


def test_an_event_without_its_data_is_a_dead_letter_too(database: Database) -> None:
    take(database, {**wire("a"), "data": {}})

    (letter,) = dead(database)
    assert "KeyError" in letter.error


def test_a_dead_letter_is_replayed_once_its_cause_is_mended_f21(
    client: FlaskClient, database: Database
) -> None:
    poison = wire("poison")
    take(database, poison)
    place = f"/v1/dead-letters/{poison['id']}/replay"

    still = client.post(place, headers=bearer()).get_json()
    with database.transaction() as session:
        session.execute(
            text(
                "UPDATE dead_letter SET event = jsonb_set(event, '{data,customer,name}', '\"well\"')"
            )
        )
    mended = client.post(place, headers=bearer()).get_json()

    assert (still["state"], still["attempts"]) == ("dead", 2)
    assert mended["state"] == "replayed"
    assert names(database) == ["well"]
    assert client.post(place, headers=bearer()).status_code == 404


def test_a_replayed_letter_does_not_undo_newer_news_f21(database: Database) -> None:
    subject = uuid4()
    poison = wire("poison", 1, subject)
    take(database, poison)
    take(database, wire("newer", 2, subject))
    with database.transaction() as session:
        session.execute(
            text(
                "UPDATE dead_letter SET event = jsonb_set(event, '{data,customer,name}', '\"old\"')"
            )
        )

    inbox.replay(database, SUBSCRIPTIONS, poison["id"])

    assert names(database) == ["newer"]


def test_a_letter_is_skipped_for_good_and_the_log_says_by_whom(
    client: FlaskClient, database: Database
) -> None:
    poison = wire("poison")
    take(database, poison)

    skipped = client.post(f"/v1/dead-letters/{poison['id']}/skip", headers=bearer())
    take(database, poison)

    assert skipped.get_json()["state"] == "skipped"
    assert [letter.state for letter in dead(database)] == ["skipped"]
    assert client.get("/v1/dead-letters", headers=bearer()).get_json()["items"] == []
    (line,) = client.get("/v1/operations", headers=bearer()).get_json()["items"]
    assert (line["action"], line["actor"]) == ("dead_letter.skipped", "operator 1/")
    again = client.post(f"/v1/dead-letters/{poison['id']}/skip", headers=bearer())
    assert again.status_code == 404


def test_dead_letters_are_listed_newest_first_with_their_error(
    client: FlaskClient, database: Database
) -> None:
    for _ in range(3):
        take(database, wire("poison"))

    first = client.get("/v1/dead-letters?limit=2", headers=bearer()).get_json()
    rest = client.get(
        f"/v1/dead-letters?cursor={first['next_cursor']}", headers=bearer()
    ).get_json()

    listed = [item["event_id"] for item in (*first["items"], *rest["items"])]
    assert listed == [str(letter.event_id) for letter in reversed(dead(database))]


def failing(error: str) -> Subscriptions:
    subscriptions = Subscriptions("payments")

    @subscriptions.hears(CustomerCreated)
    def fail(session: Session, events: Sequence[Wire]) -> None:
        session.execute(text(error))

    return subscriptions


@pytest.mark.parametrize(
    "error",
    [
        "RESET ROLE; SELECT pg_terminate_backend(pg_backend_pid())",
        "DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = 'deadlock_detected'; END $$",
        "DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = 'lock_not_available'; END $$",
    ],
    ids=["connection lost", "deadlock", "lock timeout"],
)
def test_what_passes_by_itself_is_raised_and_buries_nothing(database: Database, error: str) -> None:
    event = {**wire("a"), "type": "customer.created"}

    with pytest.raises(OperationalError):
        inbox.take(database, failing(error), "customers", [event, event])

    assert dead(database) == []


@pytest.mark.parametrize(
    "error", [PoolTimeout("all are in use"), psycopg.OperationalError("the connection is lost")]
)
def test_a_busy_pool_and_a_lost_copy_bury_nothing_either(
    database: Database, error: Exception
) -> None:
    subscriptions = Subscriptions("payments")

    @subscriptions.hears(CustomerCreated)
    def fail(_session: Session, _events: Sequence[Wire]) -> None:
        raise error

    with pytest.raises(type(error)):
        inbox.take(
            database, subscriptions, "customers", [{**wire("a"), "type": "customer.created"}]
        )

    assert dead(database) == []


def test_a_statement_that_always_runs_out_of_time_is_buried_and_holds_nobody_up(
    database: Database,
) -> None:
    slow = failing("SET LOCAL statement_timeout = 1; SELECT pg_sleep(5)")

    inbox.take(database, slow, "customers", [{**wire("a"), "type": "customer.created"}])

    (letter,) = dead(database)
    assert "QueryCanceled" in letter.error


def test_what_a_handler_rings_for_is_told_after_its_commit(database: Database) -> None:
    subscriptions = Subscriptions("payments")

    @subscriptions.hears(CustomerCreated)
    def ring(session: Session, events: Sequence[Wire]) -> None:
        inbox.ring_after_commit(session, "payments.follow_up", events[0]["subject"])
        if events[0]["data"]["customer"]["name"] == "poison":
            raise ValueError("no ring without a commit")

    good, bad = ({**wire(name), "type": "customer.created"} for name in ("a", "poison"))

    rings = inbox.take(database, subscriptions, "customers", [good])
    none = inbox.take(database, subscriptions, "customers", [bad])

    assert rings == {("payments.follow_up", (good["subject"],))}
    assert none == set()


def test_nobody_subscribes_to_what_the_contract_does_not_give_it() -> None:
    with pytest.raises(LookupError, match=r"access\.changed is not heard by payments"):
        Subscriptions("payments").hears(AccessChanged)(lambda _session, _events: None)
