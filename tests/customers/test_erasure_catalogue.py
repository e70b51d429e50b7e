"""Nothing is forgotten: every table is in the catalogue, and no trace is found by another way."""

from typing import Any

import pytest
from sqlalchemy import text

from customers.erasure_catalogue import OTHERS, PLACES
from tests.customers.conftest import Site
from tests.customers.erasing import erase

# Told apart from everything else in the database.
SECRETS = {
    "name": "Quillon Vexworth",
    "username": "vexworth.q",
    "email": "quillon@vexworth.example",
    "phone": "+8801799887766",
    "address": "Zyther Lane 77",
}


def test_every_table_is_in_the_catalogue(site: Site) -> None:
    tables = {
        row.table_name
        for row in site.rows(
            "SELECT table_name FROM information_schema.tables"
            " WHERE table_schema = 'public' AND table_type = 'BASE TABLE'"
        )
    }
    known = {place.table for place in PLACES} | set(OTHERS)
    assert tables == known, "say in erasure_catalogue what an erasure does with the table"


def test_every_column_that_refers_to_a_customer_is_of_a_listed_table(site: Site) -> None:
    found = site.rows(
        "SELECT c.table_name, c.column_name FROM information_schema.columns c"
        " JOIN information_schema.tables t USING (table_schema, table_name)"
        " WHERE table_schema = 'public' AND table_type = 'BASE TABLE'"
        " AND column_name IN ('customer_id', 'subject') AND udt_name = 'uuid'"
    )
    references = {(place.table, place.reference) for place in PLACES}
    assert {(row.table_name, row.column_name) for row in found} - references == set()
    foreign = site.rows(
        "SELECT conrelid::regclass::text AS name FROM pg_constraint"
        " WHERE contype = 'f' AND confrelid = 'customer'::regclass"
    )
    assert {row.name for row in foreign} <= {place.table for place in PLACES}


def everywhere(site: Site, needle: str) -> list[str]:
    """Tables whose rows contain the needle in any form: read as text, row by row, without a plan."""
    hits = []
    with site.database.transaction() as session:
        for (table,) in session.execute(
            text(
                "SELECT table_name FROM information_schema.tables"
                " WHERE table_schema = 'public' AND table_type = 'BASE TABLE'"
            )
        ).all():
            found = session.scalar(
                text(f'SELECT count(*) FROM "{table}" t WHERE t::text ILIKE :needle'),
                {"needle": f"%{needle}%"},
            )
            hits += [table] * bool(found)
    return hits


def a_whole_life(site: Site) -> dict[str, Any]:
    """Every way in which a customer's data spreads."""
    admin = site.admin
    made: dict[str, Any] = admin.post(
        "/v1/customers", SECRETS | {"password": "pw-vexworth"}, Idempotency_Key="create-vexworth"
    ).get_json()
    place = f"/v1/customers/{made['id']}"
    package = site.package()
    admin.patch(place, {"custom_fields": {"father": "Quillon Vexworth senior"}})
    admin.post(f"{place}/accounts", {"name": "line of Quillon Vexworth"})
    admin.post(f"{place}/activate", {"package_id": package}, Idempotency_Key="activate-vexworth")
    admin.post(f"{place}/holds", {"kind": "vacation", "reason": "Quillon Vexworth travels"})
    admin.bulk(
        "/v1/customers/delete",
        {"filter": {"q": "vexworth.q"}, "reason": "closed_account", "note": "said Quillon Vexworth",
         "cascade": True},
    )  # fmt: skip
    site.run_jobs()
    admin.bulk("/v1/deleted-customers/restore", {"filter": {"q": "quillon@vexworth.example"}})
    site.run_jobs()
    admin.post(f"{place}/delete", {"reason": "closed_account", "note": "Quillon Vexworth moved",
                                   "cascade": True}, Idempotency_Key="delete-vexworth")  # fmt: skip
    admin.call(
        "PATCH",
        f"/v1/deleted-customers/{made['id']}",
        {"phone": SECRETS["phone"], "note": "Quillon Vexworth called"},
        If_Match="*",
        Idempotency_Key="patch-vexworth",
    )
    site.change(
        "INSERT INTO dead_letter (event_id, source, type, subject, event, error)"
        " VALUES (gen_random_uuid(), 'payments', 'account.changed', :id,"
        " '{\"name\": \"Quillon Vexworth\"}', 'poison')",
        id=made["id"],
    )
    return made


@pytest.mark.parametrize("mode", ["pseudonymise", "everything"])
def test_no_trace_of_a_whole_life_is_left(site: Site, mode: str) -> None:
    made = a_whole_life(site)
    site.change("UPDATE customer SET erase_after = now()")
    spread = everywhere(site, "vexworth")
    assert len(spread) >= 7, spread
    erasure = erase(site, made, mode=mode)
    for value in SECRETS.values():
        assert everywhere(site, value) == [], value
    assert everywhere(site, "vexworth") == []
    found = site.admin.get(f"/v1/erasures/{erasure}").get_json()
    assert found["leftovers"]["hits"] == []
    assert found["leftovers"]["needles"] >= 5
    assert site.admin.get("/v1/operations/verify").get_json()["intact"]


def test_the_receipt_counts_the_rows_that_went(site: Site) -> None:
    made = a_whole_life(site)
    before = {
        table: site.one(f"SELECT count(*) AS n FROM {table} WHERE {column} = :id", id=made["id"]).n
        for table, column in (
            ("account", "customer_id"), ("hold", "customer_id"), ("outbox", "subject"),
            ("operation_detail", "subject"), ("dead_letter", "subject"),
        )
    }  # fmt: skip
    erasure = erase(site, made)
    rows = site.admin.get(f"/v1/erasures/{erasure}").get_json()["receipts"]["customers"]["rows"]
    # The saga itself adds one entry to the log.
    before["operation_detail"] += 1
    assert {table: rows[table] for table in before} == before
