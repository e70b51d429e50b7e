"""A mass suspension is paced, can be stopped and released; what is no cut-off never waits for it."""

from uuid import UUID, uuid4

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import text

from radius_sync import gauges
from radius_sync.disconnecting import Sender
from radius_sync.nas_simulator import NasSimulator
from radius_sync.settings import Settings
from shared.database import Database
from tests.radius_sync.calling import Caller
from tests.radius_sync.cutting import online, register
from tests.radius_sync.facts import customer, hear, package
from tests.support.waiting import until

PEOPLE = 12


@pytest.fixture
def people(database: Database, settings: Settings, nas: NasSimulator) -> dict[str, UUID]:
    """Online customers; a storm begins above ten cut-offs, and lets one through in three hours."""
    with database.transaction() as session:
        session.execute(text("UPDATE storm SET threshold = 10, per_second = 0.0001"))
    register(database, settings, nas)
    made = {f"u{number}": uuid4() for number in range(PEOPLE)}
    hear(database, package(), *(customer(name, person) for name, person in made.items()))
    for name in made:
        online(database, nas, name)
    return made


def suspend(database: Database, people: dict[str, UUID], number: int = PEOPLE) -> None:
    chosen = list(people.items())[:number]
    hear(database, *(customer(name, person, holds=["admin"]) for name, person in chosen))


def test_a_few_cut_offs_go_out_at_once(
    database: Database, sender: Sender, nas: NasSimulator, people: dict[str, UUID], admin: Caller
) -> None:
    suspend(database, people, 10)
    sender.run()
    assert len(nas.sessions) == PEOPLE - 10
    assert admin("GET", "/v1/storm").json["state"] == "calm"


def test_a_mass_suspension_is_paced_and_says_so(
    database: Database, sender: Sender, nas: NasSimulator, people: dict[str, UUID], admin: Caller
) -> None:
    suspend(database, people)
    sender.run()
    assert len(nas.sessions) == PEOPLE
    told = admin("GET", "/v1/storm").json
    assert (told["state"], told["waiting"]) == ("pacing", PEOPLE)
    with database.transaction() as session:
        gauges.sample(session)
        refused = session.scalar(text("SELECT count(*) FROM radcheck WHERE value = 'Reject'"))
    assert REGISTRY.get_sample_value("tenure_cut_offs_waiting") == PEOPLE
    assert REGISTRY.get_sample_value("tenure_storm", {"state": "pacing"}) == 1
    assert refused == PEOPLE  # nobody can dial in again meanwhile

    etag = admin("GET", "/v1/storm").headers["ETag"]
    faster = admin("PATCH", "/v1/storm", {"per_second": 40}, **{"If-Match": etag})
    assert faster.json["per_second"] == 40

    def through() -> bool:
        sender.run()
        return not nas.sessions

    until(through)


def test_a_pace_below_one_in_a_second_lets_one_through_in_its_time(
    database: Database, sender: Sender, nas: NasSimulator, people: dict[str, UUID]
) -> None:
    suspend(database, people)
    sender.run()
    for left in (PEOPLE - 1, PEOPLE - 2):
        with database.transaction() as session:
            # Not two at once, however long nobody asked.
            session.execute(text("UPDATE storm SET refilled_at = now() - interval '1 day'"))
        sender.run()
        sender.run()
        assert len(nas.sessions) == left


def test_what_opens_again_does_not_wait_for_a_storm(
    database: Database, sender: Sender, nas: NasSimulator, people: dict[str, UUID]
) -> None:
    happy = uuid4()
    hear(database, customer("happy", happy, holds=["fair_use"]))
    online(database, nas, "happy")
    suspend(database, people)
    sender.run()
    hear(database, customer("happy", happy))
    sender.run()
    (moved,) = [one for one in nas.sessions if one.username == "happy"]
    assert moved.rate == "5000k/20000k"
    assert len(nas.sessions) == PEOPLE + 1


def test_a_stopped_storm_cuts_nobody_and_an_undone_suspension_never_does(
    database: Database, sender: Sender, nas: NasSimulator, people: dict[str, UUID], admin: Caller
) -> None:
    suspend(database, people)
    sender.run()
    stopped = admin("POST", "/v1/storm/stop", {"reason": "wrong filter"})
    assert (stopped.status_code, stopped.json["state"]) == (200, "stopped")
    assert stopped.json["decided_by"] == "admin"
    sender.run()
    assert len(nas.sessions) == PEOPLE
    hear(database, *(customer(name, person) for name, person in people.items()))
    sender.run()
    assert len(nas.sessions) == PEOPLE
    with database.transaction() as session:
        session.execute(text("UPDATE disconnect_order SET created_at = now() - interval '1 hour'"))
    sender.run()
    assert admin("GET", "/v1/storm").json["state"] == "calm"


def test_a_released_storm_cuts_all_at_once(
    database: Database, sender: Sender, nas: NasSimulator, people: dict[str, UUID], admin: Caller
) -> None:
    suspend(database, people)
    sender.run()
    assert admin("POST", "/v1/storm/release", {"reason": "it is meant"}).json["state"] == "released"
    sender.run()
    assert nas.sessions == []
    with database.transaction() as session:
        logged = session.scalars(
            text("SELECT action FROM operation WHERE action LIKE 'storm.%' ORDER BY id")
        ).all()
    assert logged == ["storm.pacing", "storm.released"]


def test_who_decides_and_when_there_is_nothing_to_decide(admin: Caller, north: Caller) -> None:
    for word in ("stop", "release", "pace"):
        assert admin("POST", f"/v1/storm/{word}", {}).status_code == 409
        assert north("POST", f"/v1/storm/{word}", {}).status_code == 403
    assert admin("PATCH", "/v1/storm", {"threshold": 5}).status_code == 428
    for wrong in ({"threshold": 0}, {"per_second": 0}, {"state": "calm"}):
        assert admin("PATCH", "/v1/storm", wrong, **{"If-Match": "*"}).status_code == 422


def test_counting_reads_no_more_than_the_newest_orders(database: Database) -> None:
    from radius_sync.disconnecting.storm import CUT

    with database.transaction() as session:
        session.execute(text("SET LOCAL enable_seqscan = off"))
        plan = "\n".join(
            session.scalars(
                text(
                    f"EXPLAIN SELECT FROM disconnect_order WHERE {CUT} AND created_at > now() LIMIT 9"
                )
            )
        )
    assert "disconnect_order_cuts" in plan
