"""The operations log: append-only, chained, and honest after an erasure (A39, B21, F41)."""

import threading
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.orm import Session

from shared import operations
from shared.database import Database
from shared.operations import Actor, Verdict
from tests.shared.toy.service import bearer

ACTOR = Actor(name="north", id=uuid4(), path="1/4/", ip="127.0.0.1", request_id="r1")


def record(database: Database, many: int = 5, **more: Any) -> None:
    with database.transaction() as session:
        for number in range(many):
            operations.record(
                session, ACTOR, "customer.deleted", "customer", uuid4(), operator_path="1/4/",
                before={"status": "active", "n": number}, after={"status": "deleted"}, reason="moved", **more,
            )  # fmt: skip


def seal(database: Database) -> int:
    with database.transaction() as session:
        return operations.seal(session)


def verify(database: Database, **more: Any) -> Verdict:
    with database.transaction() as session:
        return operations.verify(session, **more)


@pytest.fixture
def log(database: Database) -> Database:
    record(database, 9)
    assert seal(database) == 9
    return database


def tamper(database: Database, *statements: str) -> None:
    """As somebody with the superuser's power would: no trigger, no grant in the way."""
    with database.transaction() as session:
        session.execute(text("RESET ROLE"))
        session.execute(text("SET LOCAL session_replication_role = replica"))
        for statement in statements:
            session.execute(text(statement))


AT = "(SELECT operation_id FROM operation_seal WHERE position = {})"


def test_an_untouched_log_verifies_whatever_the_window(log: Database) -> None:
    for window in (1, 2, 4, 9, 10, 50_000):
        found = verify(log, window=window)
        assert (found.intact, found.rows, found.fault) == (True, 9, None)
    assert found.head is not None


def test_an_empty_log_verifies(database: Database) -> None:
    assert verify(database) == Verdict(0, True)


@pytest.mark.parametrize("window", [1, 3, 50_000])
@pytest.mark.parametrize(
    ("statements", "position", "fault"),
    [
        ([f"UPDATE operation SET actor = 'nobody' WHERE id = {AT.format(4)}"], 4, "row was changed"),
        ([f"UPDATE operation SET at = at - interval '1 h' WHERE id = {AT.format(1)}"], 1, "row was changed"),
        ([f"UPDATE operation SET actor = 'nor', action = 'th|' || action WHERE id = {AT.format(4)}"], 4,
         "row was changed"),
        ([f"UPDATE operation SET ip = NULL WHERE id = {AT.format(9)}"], 9, "row was changed"),
        ([f"DELETE FROM operation WHERE id = {AT.format(5)}"], 5, "row is gone"),
        ([f"DELETE FROM operation WHERE id = {AT.format(5)}",
          "DELETE FROM operation_seal WHERE position = 5"], 6, "a position is missing before it"),
        (["DELETE FROM operation_seal WHERE position = 1"], 2, "a position is missing before it"),
        ([f"UPDATE operation_detail SET reason = 'asked' WHERE operation_id = {AT.format(3)}"], 3,
         "before, after or reason was changed"),
        ([f"UPDATE operation_detail SET before = '{{}}' WHERE operation_id = {AT.format(3)}"], 3,
         "before, after or reason was changed"),
        (["UPDATE operation_seal SET hash = repeat('0', 64) WHERE position = 7"], 7, "row was changed"),
        (["UPDATE operation_seal SET position = 100 WHERE position = 3",
          "UPDATE operation_seal SET position = 3 WHERE position = 4",
          "UPDATE operation_seal SET position = 4 WHERE position = 100"], 3, "row was changed"),
        (["INSERT INTO operation SELECT gen_random_uuid(), at, actor, actor_id, action, subject_kind,"
          " subject, operator_path, ip, request_id, detail_digest FROM operation LIMIT 1"], None,
         "row was added outside the chain"),
    ],
    ids=["actor changed", "time changed", "text moved to its neighbour", "last row changed",
         "row deleted", "row and seal deleted",
         "first seal deleted", "reason changed", "before changed", "hash changed", "two rows swapped",
         "row inserted"],
)  # fmt: skip
def test_tampering_is_found_and_the_first_bad_row_named_f41(
    log: Database, statements: list[str], position: int | None, fault: str, window: int
) -> None:
    tamper(log, *statements)

    found = verify(log, window=window)

    assert (found.intact, found.first_bad, found.fault) == (False, position, fault)


def test_a_cut_tail_and_a_rewritten_chain_are_told_by_the_head_kept_elsewhere_f41(
    log: Database,
) -> None:
    kept = verify(log).head
    tamper(
        log,
        f"DELETE FROM operation_detail WHERE operation_id = {AT.format(9)}",
        f"DELETE FROM operation WHERE id = {AT.format(9)}",
        "DELETE FROM operation_seal WHERE position = 9",
    )

    cut = verify(log)

    assert cut.intact, "the chain alone cannot know"
    assert cut.head != kept


def test_an_erased_detail_leaves_the_chain_whole(log: Database) -> None:
    with log.transaction() as session:
        done = session.execute(text("DELETE FROM operation_detail WHERE subject IS NOT NULL"))
        assert done.rowcount == 9  # type: ignore[attr-defined]

    assert verify(log).intact


def test_what_is_not_personal_stays_when_its_subject_is_erased(database: Database) -> None:
    record(database, 1, personal=False)
    with database.transaction() as session:
        assert session.scalar(text("SELECT subject FROM operation_detail")) is None


@pytest.mark.parametrize("table", ["operation", "operation_seal"])
@pytest.mark.parametrize(
    "statement", ["UPDATE {} SET {} = {}", "DELETE FROM {}", "TRUNCATE {} CASCADE"]
)
def test_the_service_itself_cannot_change_its_log(
    log: Database, table: str, statement: str
) -> None:
    column = "actor" if table == "operation" else "hash"
    with (
        pytest.raises(ProgrammingError, match="permission denied|append-only"),
        log.transaction() as session,
    ):
        session.execute(text(statement.format(table, column, column)))


def test_even_the_owner_is_refused_by_the_trigger(log: Database) -> None:
    with pytest.raises(ProgrammingError, match="append-only"), log.transaction() as session:
        session.execute(text("RESET ROLE"))
        session.execute(text("DELETE FROM operation"))


def test_a_row_and_its_write_live_and_die_together(database: Database) -> None:
    with pytest.raises(RuntimeError), database.transaction() as session:
        operations.record(session, ACTOR, "x", "y", None, operator_path="1/")
        raise RuntimeError
    assert seal(database) == 0


def test_many_writes_are_logged_by_one_statement_and_verify(database: Database) -> None:
    with database.transaction() as session:
        logged = operations.record_many(
            session, ACTOR, "customer.deleted", "customer",
            "SELECT gen_random_uuid() AS subject, '1/4/' AS operator_path, NULL::jsonb AS before,"
            " jsonb_build_object('n', g) AS after, CAST(:why AS text) AS reason"
            " FROM generate_series(1, :many) g",
            {"many": 1234, "why": "closed"},
        )  # fmt: skip
    sealed = [seal(database), seal(database)]

    assert (logged, sealed) == (1234, [1234, 0])
    assert verify(database).intact
    with database.transaction() as session:
        assert (
            session.scalar(text("SELECT count(*) FROM operation_detail WHERE reason = 'closed'"))
            == 1234
        )


def test_a_row_that_commits_late_is_chained_too(database: Database) -> None:
    with database.transaction() as slow:
        operations.record(slow, ACTOR, "late", "y", None, operator_path="1/")
        record(database, 2)
        assert seal(database) == 2
        assert verify(database).intact
    assert seal(database) == 1
    assert verify(database).rows == 3


def test_two_sealers_at_once_make_one_chain(database: Database) -> None:
    record(database, 50)
    together = threading.Barrier(3)

    def work() -> None:
        together.wait()
        for _ in range(10):
            with database.transaction() as session:
                operations.seal(session, 7)

    sealers = [threading.Thread(target=work) for _ in range(3)]
    for sealer in sealers:
        sealer.start()
    for sealer in sealers:
        sealer.join()

    assert verify(database).rows == 50
    assert verify(database).intact


def bulk(session: Session, many: int) -> None:
    operations.record_many(
        session, ACTOR, "customer.deleted", "customer",
        "SELECT gen_random_uuid() AS subject, '1/4/' AS operator_path, NULL::jsonb AS before,"
        " NULL::jsonb AS after, 'closed' AS reason FROM generate_series(1, :many)",
        {"many": many},
    )  # fmt: skip


READ = text(
    "SELECT sum(pg_stat_get_xact_tuples_returned(oid) + pg_stat_get_xact_tuples_fetched(oid))"
    " FROM pg_class WHERE relkind IN ('r', 'i') AND relname LIKE 'operation%'"
)


def read_by(database: Database, work: Callable[[Session], object]) -> int:
    """How many rows of the log and entries of its indexes `work` reads."""
    with database.transaction() as session:
        before = int(session.scalar(READ) or 0)
        work(session)
        return int(session.scalar(READ) or 0) - before


def test_sealing_and_verifying_read_their_own_rows_only(database: Database) -> None:
    """The second ten thousand cost what the first did, or a bulk deletion would never be sealed."""
    with database.transaction() as session:
        bulk(session, 20_000)

    sealing = [read_by(database, operations.seal) for _ in range(4)]
    verifying = read_by(database, lambda session: operations.verify(session, 5_000))

    assert verify(database).rows == 20_000
    # 13 a row, and 9; without an index it is the square.
    assert max(sealing) < 20 * 5_000, sealing
    assert verifying < 20 * 20_000, verifying


def test_the_log_of_a_branch_is_its_own_and_newest_first(
    client: FlaskClient, database: Database
) -> None:
    record(database, 3)
    with database.transaction() as session:
        operations.record(session, ACTOR, "other", "y", None, operator_path="1/5/")

    north = client.get("/v1/operations", headers=bearer("1/4/", "reseller")).get_json()["items"]
    admin = client.get("/v1/operations?action=other", headers=bearer()).get_json()["items"]

    assert [line["before"]["n"] for line in north] == [2, 1, 0]
    assert {line["actor"] for line in north} == {"north"}
    assert len(admin) == 1


def test_the_verdict_over_http_seals_first(client: FlaskClient, database: Database) -> None:
    record(database, 3)

    verdict = client.get("/v1/operations/verify", headers=bearer()).get_json()

    assert (verdict["intact"], verdict["rows"], verdict["fault"]) == (True, 3, None)
