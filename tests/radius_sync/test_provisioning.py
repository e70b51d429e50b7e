"""Facts become FreeRADIUS' rows: which rows, for whom, in whatever order the facts arrive."""

import itertools
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from radius_sync import subscriptions, sweeping
from shared.database import Database
from tests.radius_sync.accounting import start, stop
from tests.radius_sync.facts import PACKAGE, account, customer, hear, operator, package
from tests.radius_sync.provisioned import CREDENTIALS, OPEN, REJECTED, WALLED, rows, sweep_all
from tests.support.waiting import PATIENCE, until

OLDER = UUID("01900000-0000-7000-8000-000000000001")
NEWER = UUID("01900000-0000-7000-8000-000000000002")


def value(database: Database, query: str) -> object:
    with database.transaction() as session:
        return session.scalar(text(query))


def test_an_active_customer_gets_a_password_a_plan_and_an_end(database: Database) -> None:
    hear(database, package(), customer("alice"))
    assert rows(database, "alice") == OPEN


def test_the_password_is_copied_as_it_was_sealed(database: Database) -> None:
    told = customer("alice")
    hear(database, package(), told)
    stored = value(database, "SELECT value FROM radcheck WHERE attribute = 'Cleartext-Password'")
    assert stored == told["data"]["customer"]["password"]


def test_a_customer_whose_package_is_told_later_is_rejected_until_then(database: Database) -> None:
    hear(database, customer("alice"))
    assert REJECTED in rows(database, "alice")
    hear(database, package())
    sweep_all(database)
    assert rows(database, "alice") == OPEN


def test_a_deleted_customer_keeps_a_reject_row_while_a_session_is_open(database: Database) -> None:
    alice = uuid4()
    hear(database, package(), customer("alice", alice))
    start(database, "alice", "s1")
    hear(database, customer("alice", alice, "customer.deleted", standing="deleted"))
    assert rows(database, "alice") == {REJECTED}
    stop(database, "s1")
    with database.transaction() as session:
        assert sweeping.drop_closed(session) == 1
    assert rows(database, "alice") == set()


def scans(database: Database) -> int:
    """How often a table with rows of logins was read from its first page to its last."""
    counted = (
        "SELECT sum(seq_scan) FROM pg_stat_user_tables WHERE relname IN ('subscriber', 'login',"
        " 'login_owner', 'radcheck', 'radreply', 'radusergroup', 'radacct')"
    )
    with database.transaction() as session:
        session.execute(text("SELECT pg_stat_force_next_flush()"))
    with database.transaction() as session:
        return int(session.scalar(text(counted)) or 0)


def test_a_plan_made_for_few_logins_suits_many(database: Database) -> None:
    """An import on a small site: PostgreSQL keeps the plans of a prepared statement while tables grow.

    Those for few logins read all of them, for each login of the batch: after 15,000 of an import a
    batch took four seconds, until autovacuum had counted the rows.
    """
    hear(database, package(), *[customer(f"first{n}") for n in range(20)])
    with database.transaction() as session:
        session.execute(text("RESET ROLE"))
        session.execute(text("ANALYZE"))
    before = scans(database)
    for turn in range(12):  # prepared after five, one plan for all arguments after five more
        hear(database, *[customer(f"later{turn}-{n}") for n in range(3)])
    assert scans(database) == before


def test_a_restored_customer_is_rejected_until_the_package_is_renewed_a30(
    database: Database,
) -> None:
    alice = uuid4()
    hear(database, package(), customer("alice", alice, standing="deleted"))
    hear(database, customer("alice", alice, "customer.restored", activated=False))
    assert rows(database, "alice") == {
        REJECTED,
        ("reply", "Reply-Message", ":=", "Your subscription is not active. Please renew it."),
    }
    hear(database, customer("alice", alice, "customer.activated"))
    assert rows(database, "alice") == OPEN


def test_an_overdue_customer_is_walled_and_a_payment_opens_again_c10(database: Database) -> None:
    alice = uuid4()
    hear(database, package(), customer("alice", alice), account(alice, overdue=True))
    assert rows(database, "alice") == WALLED
    hear(database, account(alice, overdue=False))
    assert rows(database, "alice") == OPEN


def test_a_late_payment_does_not_reopen_a_deleted_customer(database: Database) -> None:
    alice = uuid4()
    hear(database, package(), customer("alice", alice, standing="deleted"))
    hear(database, account(alice, overdue=False))
    assert rows(database, "alice") == set()


def test_money_told_before_the_customer_is_kept_and_counts(database: Database) -> None:
    alice = uuid4()
    hear(database, package(), account(alice, overdue=True))
    hear(database, customer("alice", alice))
    assert rows(database, "alice") == WALLED


def test_a_limited_customer_gets_a_group_of_that_rate(database: Database) -> None:
    hear(database, package(), customer("alice", holds=["fair_use"], limited_kbps=777))
    assert ("group", "state:limited:777", "0", "") in rows(database, "alice")
    rate = "SELECT value FROM radgroupreply WHERE groupname = 'state:limited:777' AND attribute ~ 'Rate'"
    assert value(database, rate) == "777k/777k"


def test_rate_is_upload_before_download_as_mikrotik_reads_it(database: Database) -> None:
    hear(database, package(upload_kbps=1000, download_kbps=9000))
    rate = "SELECT value FROM radgroupreply WHERE groupname ~ '^plan' AND attribute ~ 'Rate'"
    assert value(database, rate) == "1000k/9000k"


def test_a_static_address_is_sent(database: Database) -> None:
    hear(database, package(), customer("alice", static_address="203.0.113.9"))
    assert ("reply", "Framed-IP-Address", ":=", "203.0.113.9") in rows(database, "alice")


def test_a_customer_without_a_password_is_rejected_not_let_in_unlimited(database: Database) -> None:
    hear(database, package(), customer("alice", password=None))
    assert REJECTED in rows(database, "alice")


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
def test_any_order_of_arrival_ends_the_same(database: Database, order: tuple[int, ...]) -> None:
    alice = uuid4()
    told = [
        package(sequence=1),
        customer("alice", alice, standing="deleted", sequence=2),
        customer("alice", alice, sequence=3, holds=["fair_use"]),
        account(alice, overdue=True, sequence=1),
    ]
    for place in order:
        hear(database, told[place])
    sweep_all(database)
    assert rows(database, "alice") == WALLED


@pytest.mark.parametrize("first_heard", ["deleted", "living"])
def test_a_login_taken_over_belongs_to_the_living_customer(
    database: Database, first_heard: str
) -> None:
    deleted = customer("alice", NEWER, standing="deleted")
    living = customer("alice", OLDER)
    told = [deleted, living] if first_heard == "deleted" else [living, deleted]
    hear(database, package(), told[0])
    hear(database, told[1])
    assert rows(database, "alice") == OPEN
    assert value(database, "SELECT customer_id FROM login WHERE username = 'alice'") == OLDER


def test_a_renamed_customer_leaves_no_rows_under_the_old_name(database: Database) -> None:
    alice = uuid4()
    hear(database, package(), customer("alice", alice))
    hear(database, customer("alicia", alice))
    assert rows(database, "alice") == set()
    assert rows(database, "alicia") == OPEN


def test_two_customers_that_swap_names_end_right_in_any_order(database: Database) -> None:
    hear(database, package(), customer("one", OLDER), customer("two", NEWER))
    hear(database, customer("one", NEWER))
    hear(database, customer("two", OLDER))
    owners = "SELECT array_agg(customer_id ORDER BY username) FROM login"
    assert value(database, owners) == [NEWER, OLDER]


def test_an_operators_hold_reaches_all_below_and_nobody_else(database: Database) -> None:
    reseller = uuid4()
    hear(database, operator("1/4/", reseller), operator("1/40/"), package())
    hear(database, customer("below", path="1/4/7/"), customer("beside", path="1/40/"))
    hear(database, operator("1/4/", reseller, holds=["admin"]))
    sweep_all(database)
    assert REJECTED in rows(database, "below")
    assert rows(database, "beside") == OPEN
    hear(database, operator("1/4/", reseller))
    sweep_all(database)
    assert rows(database, "below") == OPEN


def test_validity_that_ends_is_noticed_without_an_event(database: Database) -> None:
    alice = uuid4()
    hear(database, package(), customer("alice", alice))
    with database.transaction() as session:
        session.execute(text("UPDATE subscriber SET expires_at = now(), recheck_at = now()"))
    with database.transaction() as session:
        assert sweeping.recheck_due(session) == 1
        assert sweeping.recheck_due(session) == 0
    assert REJECTED in rows(database, "alice")


def test_a_lifted_suspension_ends_by_itself_c15(database: Database) -> None:
    alice = uuid4()
    soon = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    hear(database, package(), account(alice, overdue=True))
    hear(database, customer("alice", alice, lift_suspension_until=soon))
    assert rows(database, "alice") == OPEN
    with database.transaction() as session:
        session.execute(
            text("UPDATE subscriber SET lift_suspension_until = now(), recheck_at = now()")
        )
    with database.transaction() as session:
        sweeping.recheck_due(session)
    assert rows(database, "alice") == WALLED


def test_access_changed_is_published_once_per_change(database: Database) -> None:
    alice = uuid4()
    hear(database, package(), customer("alice", alice))
    hear(database, customer("alice", alice, name="Another Name"))
    hear(database, customer("alice", alice, holds=["admin"]))
    told = "SELECT array_agg(data->>'access' ORDER BY sequence) FROM outbox WHERE type = 'access.changed'"
    assert value(database, told) == ["open", "blocked"]


def test_a_change_that_does_not_matter_rewrites_nothing(database: Database) -> None:
    alice = uuid4()
    told = customer("alice", alice)
    hear(database, package(), told)
    before = value(database, "SELECT array_agg(id ORDER BY id) FROM radcheck")
    changed = {**told["data"]["customer"], "phone": "+8801700000000"}
    hear(database, {**told, "sequence": told["sequence"] + 100, "data": {"customer": changed}})
    assert value(database, "SELECT array_agg(id ORDER BY id) FROM radcheck") == before


@pytest.mark.parametrize("quote", ["`", "'", '"'])
def test_no_value_that_freeradius_would_execute_can_be_stored_b8(
    database: Database, quote: str
) -> None:
    attribute = {"Filter-Id": f"{quote}%{{sql:select 1}}{quote}", "Framed-Pool": "pool-1"}
    hear(database, package(attributes=attribute))
    kept = (
        "SELECT array_agg(attribute ORDER BY attribute) FROM radgroupreply"
        f" WHERE groupname = 'plan:{PACKAGE}'"
    )
    ours = ["Acct-Interim-Interval", "Framed-Pool", "Mikrotik-Rate-Limit", "Session-Timeout"]
    assert value(database, kept) == ours


def test_a_login_that_is_none_becomes_a_dead_letter_and_blocks_nobody(database: Database) -> None:
    from radius_sync.subscriptions import SUBSCRIPTIONS
    from shared import inbox

    batch = [package(), customer("%{exec:rm}"), customer("alice")]
    inbox.take(database, SUBSCRIPTIONS, "customers", batch)
    assert rows(database, "alice") == OPEN
    assert value(database, "SELECT count(*) FROM dead_letter WHERE state = 'dead'") == 1


def test_upper_case_is_normalised_once(database: Database) -> None:
    hear(database, package(), customer("Alice"))
    assert rows(database, "alice") == OPEN


def test_two_batches_on_one_login_leave_its_living_owner(database: Database) -> None:
    hear(database, package(), customer("alice", OLDER))
    for _ in range(10):
        told = [
            [customer("alice", OLDER, standing="deleted"), customer("bob", NEWER)],
            [customer("alice", NEWER), customer("carol", OLDER)],
        ]
        threads = [threading.Thread(target=hear, args=[database, *batch]) for batch in told]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    hear(database, customer("alice", NEWER), customer("alice", OLDER, standing="deleted"))
    assert rows(database, "alice") == OPEN
    assert rows(database, "bob") == rows(database, "carol") == set()
    assert value(database, "SELECT customer_id FROM login WHERE username = 'alice'") == NEWER


def test_credentials_never_stand_alone_without_a_group(database: Database) -> None:
    hear(database, package(), customer("alice"), customer("bob", holds=["spending"]))
    for username in ("alice", "bob"):
        groups = [row for row in rows(database, username) if row[0] == "group"]
        assert rows(database, username) - set(groups) == CREDENTIALS
        assert len(groups) == 1


@pytest.mark.parametrize(("first_in", "then"), [(NEWER, OLDER), (OLDER, NEWER)])
def test_a_new_login_that_two_take_at_once_is_the_newest_customers(
    database: Database, first_in: UUID, then: UUID
) -> None:
    """Neither transaction sees the other's customer at first; the second decides again."""
    hear(database, package())
    with ThreadPoolExecutor(1) as beside:
        with database.transaction() as first:
            subscriptions.keep_customers(first, [customer("wanted", first_in)])
            second = beside.submit(hear, database, customer("wanted", then))
            until(lambda: value(database, "SELECT count(*) FROM pg_locks WHERE NOT granted"))
        second.result(PATIENCE)
    owners = [first_in] if first_in == NEWER else [OLDER, NEWER]
    assert value(database, "SELECT customer_id FROM login") == NEWER
    assert (
        value(database, "SELECT array_agg(customer_id ORDER BY since) FROM login_owner") == owners
    )
    assert value(database, "SELECT array_agg(subject ORDER BY sequence) FROM outbox") == owners
    assert rows(database, "wanted") == OPEN
