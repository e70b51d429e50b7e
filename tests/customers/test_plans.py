"""The lists stay on their indexes: no plan reads or sorts the whole table (50,000 customers here)."""

import re
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import event, text

from customers import clashes, enrolling, integrity, policies, searching
from shared.database import EVERYTHING, Scope
from tests.customers.conftest import Caller, Site, make_site

MANY = 50_000


@pytest.fixture(scope="module")
def large(
    postgres: str, redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    for site in make_site(postgres, redis_url, tmp_path_factory.mktemp("plans")):
        _fill(site)
        yield site


def _fill(site: Site) -> None:
    site.operator("north")
    site.change(
        "INSERT INTO customer (id, customer_number, name, username, phone, operator_id,"
        " operator_path, status, holds, state, deleted_at, deleted_by, deletion_reason,"
        " deleted_package_name, deleted_operator_name, created_at)"
        " SELECT gen_random_uuid(), 'L' || n, 'Name ' || md5(n::text), 'u' || n,"
        " '+8801' || lpad((n * 7919 % 1000000000)::text, 9, '0'), o.id, o.operator_path,"
        " CASE WHEN n % 50 = 0 THEN 'blocked' ELSE 'active' END,"
        " CASE WHEN n % 50 = 0 THEN ARRAY['admin'] ELSE '{}' END,"
        " CASE WHEN n % 2 = 0 THEN 'alive' ELSE 'deleted' END,"
        " CASE WHEN n % 2 = 1 THEN now() - n * interval '1 minute' END,"
        " CASE WHEN n % 2 = 1 THEN 'admin' END,"
        " CASE WHEN n % 2 = 1 THEN 'closed_account' END, 'Home', 'North',"
        " now() - n * interval '1 minute'"
        " FROM operator o, generate_series(1, :many) n WHERE o.username = 'north'",
        many=MANY,
    )
    with site.database.connection() as connection:
        connection.execute(text("RESET ROLE"))
        connection.execute(text("ANALYZE customer"))


def _plan(site: Site, query: Any, *without: str) -> str:
    with site.database.transaction() as session:
        for way in without:
            session.execute(text(f"SET LOCAL enable_{way} = off"))
        compiled = query.compile(
            session.get_bind(), compile_kwargs={"literal_binds": True, "render_postcompile": True}
        )
        rows = session.execute(
            text("EXPLAIN " + str(compiled).replace(":", "\\:").replace("%%", "%"))
        )
        return "\n".join(row[0] for row in rows)


def test_no_list_reads_the_whole_table(large: Site) -> None:
    path = large.one("SELECT operator_path FROM operator WHERE username = 'north'").operator_path
    c = searching.c
    for scope in (EVERYTHING, Scope(path)):
        for name, column in searching.SORTABLE.items():
            query = searching.listed(scope, {}, ()).order_by(column.desc(), c.id.desc()).limit(26)
            if getattr(column, "nullable", False):
                continue
            assert "Seq Scan on customer" not in _plan(large, query), (scope, name)
        for name, column in searching.DELETED_SORTABLE.items():
            query = searching.deleted(scope, {}).order_by(column, c.id).limit(26)
            if name == "erase_after":
                continue
            assert "Seq Scan on customer" not in _plan(large, query), (scope, name)


PAGE = "SELECT customer.id, customer."
LOOK_UP = "WITH sample"


def _heard(site: Site, url: str, caller: Caller | None = None) -> list[tuple[str, Any]]:
    """The statements by which a list is answered, with their values."""
    asking = caller or site.admin
    heard: list[tuple[str, Any]] = []

    def hear(_c: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        heard.append((statement, parameters))

    event.listen(site.database.engine, "before_cursor_execute", hear)
    try:
        assert asking.get(url).status_code == 200
    finally:
        event.remove(site.database.engine, "before_cursor_execute", hear)
    return heard


def _asked(site: Site, url: str, caller: Caller | None = None, which: str = PAGE) -> str:
    """The plan of the statement that reads a page of a list, as the caller's role has it; or of another."""
    heard = _heard(site, url, caller)
    ((statement, parameters),) = (
        one for one in heard if one[0].startswith(which) and "LIMIT" in one[0]
    )
    within = Scope(caller.path) if caller and which == PAGE else EVERYTHING
    with site.database.transaction(within) as session:
        rows = session.connection().exec_driver_sql(f"EXPLAIN {statement}", parameters)
        return "\n".join(str(row[0]) for row in rows)


@pytest.mark.parametrize(
    ("place", "sortable"),
    [("customers", searching.SORTABLE), ("deleted-customers", searching.DELETED_SORTABLE)],
)
def test_no_page_sorts_the_whole_list_by_whatever_column(
    large: Site, place: str, sortable: dict[str, Any]
) -> None:
    """As the route asks, nulls last both ways: an index gives the order, so 25 rows are read for 25."""
    for name in sortable:
        for sort in (name, f"-{name}"):
            plan = _asked(large, f"/v1/{place}?sort={sort}")
            # An incremental sort only orders what is equal in the index.
            assert not re.search(r"(^|-> +)Sort ", plan, re.M), (sort, plan)
            assert "Seq Scan on customer" not in plan, (sort, plan)


def test_the_next_page_by_what_all_have_alike_is_expected_to_be_full(large: Site) -> None:
    """C52: expecting one row behind the only currency there is, the planner gathers all of them."""
    for name in ("balance_control", "currency"):
        for sort in (name, f"-{name}"):
            url = f"/v1/customers?sort={sort}"
            first: Any = large.admin.get(url).get_json()
            plan = _asked(large, f"{url}&cursor={first['next_cursor']}")
            found = re.search(rf"Index Scan.* customer_by_{name} on customer .*rows=(\d+)", plan)
            assert found and int(found[1]) > 1000, plan
            assert "Sort" not in plan and "Index Cond: (ROW(" in plan, plan


def test_every_search_can_use_the_trigrams_of_its_list(large: Site) -> None:
    """At this size reading everything is as quick: so the planner is asked what else it could do."""
    c = searching.c
    for q in ("u4242", "01712345678", "Name abc", "+8801 712", "R@EX"):
        for index, query in (
            ("customer_search", searching.listed(EVERYTHING, {"q": q}, ())),
            ("customer_deleted_search", searching.deleted(EVERYTHING, {"q": q})),
        ):
            plan = _plan(
                large, query.order_by(c.created_at.desc()).limit(26), "seqscan", "indexscan"
            )
            assert f"Bitmap Index Scan on {index}" in plan, q


def test_who_is_looked_up_is_found_by_trigrams_in_every_branch(large: Site) -> None:
    """A21, C1: beside a sample that ends after 500 of the list, or sooner."""
    for caller in (None, _north(large)):
        for place, index in (
            ("customers", "customer_search"), ("deleted-customers", "customer_deleted_search"),
        ):  # fmt: skip
            for q in ("u4242", "4242", "0171-1234", "name 5f3d2a"):
                plan = _asked(large, f"/v1/{place}?q={q}", caller, LOOK_UP)
                assert f"Bitmap Index Scan on {index}" in plan, plan
                assert "Seq Scan on customer" not in plan, plan
                # The sample comes as the list is ordered: 500 rows are read for it, not sorted out.
                assert plan.count("Sort") == plan.count("Sort Key") * 2 == 2, plan


def test_a_text_that_fits_many_is_met_along_the_list_of_whoever_asks(large: Site) -> None:
    """C1: gathered and sorted, every tenth of a million takes a quarter of a second."""
    for caller in (None, _north(large)):
        for place in ("customers", "deleted-customers"):
            plan = _asked(large, f"/v1/{place}?q=name", caller)
            assert "Sort" not in plan, plan
            assert "Index Scan using customer_" in plan, plan


def test_hundreds_who_fit_are_read_by_their_keys(large: Site) -> None:
    """C1: along a list of a million, a page of a thousand is met after 25,000 rows."""
    for caller in (None, _north(large)):
        for place in ("customers", "deleted-customers"):
            assert "customer_pkey" in _asked(large, f"/v1/{place}?q=u12", caller), place


def test_a_branch_finds_its_held_customers_among_the_held(large: Site) -> None:
    assert "customer_held_listed" in _asked(large, "/v1/customers?hold=admin", _north(large))


def test_an_address_is_looked_up_by_its_index_at_sign_up_import_and_restore(large: Site) -> None:
    """B13-B16: one by one and in sets of 500."""
    heard: list[tuple[str, Any]] = []

    def hear(_c: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        heard.append((statement, parameters))

    one: Any = SimpleNamespace(
        id=UUID(int=1), username="u", email=None, phone=None, customer_number="1",
        static_address="10.0.0.7", standing="customer",
    )  # fmt: skip
    with large.database.transaction() as session:
        policy = policies.read(session)
        event.listen(large.database.engine, "before_cursor_execute", hear)
        try:
            clashes.check(session, policy, one, {"static_address"})
            clashes._free_addresses(session, one.static_address)
            enrolling._used(session, policy, "static_address", [one])
            clashes.clashing(session, policy, [one])
            integrity.crowded(session, [(one.id, one.username, one.static_address)])
        finally:
            event.remove(large.database.engine, "before_cursor_execute", hear)
    assert len(heard) == 5
    with large.database.transaction() as session:
        # Nobody has an address here: by its cost alone, the table could be as good.
        session.execute(text("SET LOCAL enable_seqscan = off"))
        for statement, parameters in heard:
            rows = session.connection().exec_driver_sql(f"EXPLAIN {statement}", parameters)
            plan = "\n".join(str(row[0]) for row in rows)
            assert re.search("customer_(by|living)_address", plan), plan
            assert "Seq Scan on customer" not in plan, plan


def _north(site: Site) -> Caller:
    row = site.one("SELECT id, operator_path FROM operator WHERE username = 'north'")
    return site.caller(row.id, row.operator_path, "reseller", "north")


def _blocks(site: Site, statement: str, parameters: Any) -> int:
    """How many blocks of 8 KB a statement looks at."""
    with site.database.transaction() as session:
        explained = f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}"
        ((found,),) = session.connection().exec_driver_sql(explained, parameters)
    plan = found[0]["Plan"]
    return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])


def test_every_list_is_answered_from_few_blocks(large: Site) -> None:
    looked = {}
    for url in (
        "/v1/customers", "/v1/customers?q=u4242", "/v1/customers?status=blocked",
        "/v1/customers?sort=-balance", "/v1/customers?include=total", "/v1/customers?q=zz",
        "/v1/deleted-customers", "/v1/deleted-customers?q=0171234",
        "/v1/deleted-customers?sort=name", "/v1/deleted-customers?include=total",
    ):  # fmt: skip
        looked[url] = sum(
            _blocks(large, statement, parameters)
            for statement, parameters in _heard(large, url)
            if statement.startswith(("SELECT", "WITH")) and "customer" in statement
        )
    whole = large.one("SELECT pg_relation_size('customer') / 8192 AS blocks").blocks
    assert max(looked.values()) < whole / 2, looked
