"""What radius-sync shows under /metrics of the work that its worker does."""

from uuid import uuid4

from sqlalchemy import text
from sqlalchemy.orm import Session

from radius_sync import gauges, registry
from radius_sync.disconnecting import Sender
from radius_sync.nas_simulator import Faults, Inventory, NasSimulator
from radius_sync.settings import Settings
from shared import metrics
from shared.database import Database
from shared.operations import SYSTEM
from tests.radius_sync import puppet
from tests.radius_sync.accounting import start
from tests.radius_sync.calling import Caller
from tests.radius_sync.cutting import (
    ANSWERING,
    SECRET,
    SILENT,
    due_now,
    online,
    orders,
    register,
)
from tests.radius_sync.facts import customer, hear, package
from tests.radius_sync.listing import run
from tests.radius_sync.puppet import PuppetNas, reply

# Beside hours what a test takes is nothing.
HOUR = 3600


def shown(database: Database) -> dict[str, float]:
    with database.transaction() as session:
        return shown_at(session)


def shown_at(session: Session) -> dict[str, float]:
    """At the moment at which the transaction began."""
    told = metrics.exposition("radius-sync", session, gauges.sample).decode()
    lines = (line.rsplit(" ", 1) for line in told.splitlines() if line.startswith("tenure_"))
    return {name: float(value) for name, value in lines}


def test_b23_whatever_is_no_answer_is_dropped_counted_and_shown(
    database: Database, settings: Settings
) -> None:
    """Forged, unasked for and of another code, before the answer, which is still taken."""

    def answer(nas: PuppetNas, datagram: bytes, source: tuple[str, int]) -> None:
        good = reply(datagram)
        nas.send(good[:4] + bytes(16) + good[20:], source)
        nas.send(good[:1] + bytes([good[1] ^ 1]) + good[2:], source)
        nas.send(bytes([2]) + good[1:], source)
        nas.send(good, source)

    alice = uuid4()
    hear(database, package(), customer("alice", alice))
    start(database, "alice", "s1")
    with PuppetNas(answer) as nas:
        known = {"name": "puppet", "address": "127.0.0.1", "secret": puppet.SECRET.decode()}
        with database.transaction() as session:
            registry.register(session, known | {"coa_port": nas.port}, settings.secret_key, SYSTEM)
        for holds in (["admin"], [], ["fraud"]):
            hear(database, customer("alice", alice, holds=holds))
            Sender(database, settings.secret_key, ANSWERING).run()
    assert {state for kind, state, _ in orders(database) if kind == "disconnect"} == {"acked"}
    found = shown(database)
    dropped = {
        cause: found[f'tenure_coa_replies_dropped{{cause="{cause}",nas="127.0.0.1"}}']
        for cause in ("verify", "id", "code")
    }
    assert set(dropped.values()) == {3.0}, dropped


def test_what_is_late_and_who_is_silent_is_shown(database: Database, settings: Settings) -> None:
    alice = uuid4()
    hear(database, package(), customer("alice", alice))
    with NasSimulator(SECRET.encode(), faults=Faults(silent=True)) as nas:
        register(database, settings, nas)
        for _ in range(6):
            online(database, nas, "alice")
        hear(database, customer("alice", alice, holds=["admin"]))
        assert shown(database)['tenure_nas{state="silent"}'] == 0
        Sender(database, settings.secret_key, SILENT).run()
        assert shown(database)['tenure_nas{state="silent"}'] == 1
    due_now(database)
    with database.transaction() as session:
        session.execute(
            text("UPDATE disconnect_order SET not_before = now() - interval '2 minutes'")
        )
        found = shown_at(session)
    assert found['tenure_nas{state="silent"}'] == 0
    assert found["tenure_orders_oldest_age_seconds"] == 120


def test_workers_and_the_work_of_the_clock_are_shown_as_their_rows_say(database: Database) -> None:
    beat = text(
        "INSERT INTO worker_heartbeat (name, at, progressed_at) VALUES (:name,"
        " now() - :ago * interval '1 second', now() - (:ago + :idle) * interval '1 second')"
    )
    assert shown(database)['tenure_workers{service="radius-sync"}'] == 0
    with database.transaction() as session:
        for name, ago, idle in (("a", 1, 0), ("b", 2, 12), ("dead", 60, 0)):
            session.execute(beat, {"name": name, "ago": ago, "idle": idle})
        session.execute(
            text(
                "INSERT INTO tick (name, slot, finished_at) VALUES"
                " ('reconcile', 1, now() - interval '90 seconds'), ('reconcile', 2, NULL)"
            )
        )
        found = shown_at(session)
    assert found['tenure_workers{service="radius-sync"}'] == 2
    assert found['tenure_worker_idle_seconds{service="radius-sync"}'] == 12
    assert found['tenure_tick_age_seconds{service="radius-sync",work="reconcile"}'] == 90


def test_a_nas_whose_list_does_not_come_is_shown_until_it_does(
    database: Database, settings: Settings, admin: Caller, nas: NasSimulator, listed: Inventory
) -> None:
    name = 'tenure_nas_listing{nas="nas 127.0.0.1"}'
    assert name not in shown(database), "nobody has asked it yet"
    run(database, settings)
    assert shown(database)[name] == 1
    listed.close()
    run(database, settings)
    assert shown(database)[name] == 0
    (told,) = admin("GET", "/v1/nas").json["items"]
    change = {"sessions_url": None}
    assert admin("PATCH", f"/v1/nas/{told['id']}", change, **{"If-Match": "*"}).status_code == 200
    assert name not in shown(database)


def test_a_reconciliation_that_never_comes_to_its_end_is_shown(
    database: Database, settings: Settings
) -> None:
    """The tick of the minute says when one began."""
    age = "tenure_reconciliation_age_seconds"
    assert shown(database)[age] == 0
    run(database, settings)
    moved = text("UPDATE reconciliation SET started_at = started_at - interval '5 hours',"
                 " finished_at = CASE WHEN :done THEN finished_at - interval '4 hours' END")  # fmt: skip
    with database.transaction() as session:
        session.execute(moved, {"done": True})
    assert 4 * HOUR <= shown(database)[age] < 5 * HOUR
    with database.transaction() as session:
        session.execute(moved, {"done": False})
    assert 10 * HOUR <= shown(database)[age] < 11 * HOUR
