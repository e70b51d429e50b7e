"""Whatever is done in whatever order, the books, the events and the list agree (delete and restore)."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.customers.conftest import Site, make_site

STEPS = ("delete", "restore", "activate", "edit", "hold", "lift", "bulk delete", "bulk restore")


@pytest.fixture(scope="module")
def steady(
    postgres: str, redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    """One site for all examples: each makes a customer of its own."""
    yield from make_site(postgres, redis_url, Path(tmp_path_factory.mktemp("sequences")))


def _do(site: Site, step: str, customer: str) -> None:
    alive, deleted = f"/v1/customers/{customer}", f"/v1/deleted-customers/{customer}"
    match step:
        case "delete":
            site.admin.post(f"{alive}/delete", {"reason": "wrong_entry"})
        case "restore":
            site.admin.post(f"{deleted}/restore")
        case "activate":
            site.admin.post(f"{alive}/activate")
        case "edit":
            site.admin.patch(alive, {"name": "Edited"})
            site.admin.patch(deleted, {"note": "edited"})
        case "hold":
            site.admin.post(f"{alive}/holds", {"kind": "vacation"})
        case "lift":
            for hold in (site.admin.get(alive).get_json() or {}).get("holds", []):
                site.admin.delete(f"{alive}/holds/{hold['id']}")
        case "bulk delete":
            body = {"ids": [customer], "reason": "test_account"}
            site.admin.bulk("/v1/customers/delete", body)
            site.run_jobs()
        case "bulk restore":
            site.admin.bulk("/v1/deleted-customers/restore", {"ids": [customer]})
            site.run_jobs()


@settings(max_examples=25, deadline=None)
@given(steps=st.lists(st.sampled_from(STEPS), max_size=8))
def test_any_sequence_leaves_one_truth(steady: Site, steps: list[str]) -> None:
    """Sequences without gaps, the last event tells the row as it is, in exactly one of two lists."""
    site = steady
    number = site.one("SELECT count(*) AS n FROM customer").n
    packages = site.rows("SELECT id FROM package")
    package = str(packages[0].id) if packages else site.package()
    made = site.customer(f"sequence{number}", package_id=package)
    for step in steps:
        _do(site, step, made["id"])
    row = site.one("SELECT * FROM customer WHERE id = :id", id=made["id"])
    events: list[Any] = site.events(made["id"])
    assert [event.sequence for event in events] == list(range(1, row.version + 1))
    facts = events[-1].data["customer"]
    assert facts["standing"] == ("customer" if row.state == "alive" else "deleted")
    assert facts["holds"] == row.holds
    assert facts["activated"] == (row.activated_at is not None)
    standing = site.rows(
        "SELECT kind FROM hold WHERE customer_id = :id AND lifted_at IS NULL", id=made["id"]
    )
    assert sorted(one.kind for one in standing) == row.holds
    q = f"q=sequence{number}"
    listed = site.admin.get(f"/v1/customers?{q}").get_json()["items"]
    lying = site.admin.get(f"/v1/deleted-customers?{q}").get_json()["items"]
    places = [one["id"] for one in listed + lying]
    assert places.count(made["id"]) == 1
    last = site.rows(
        "SELECT status FROM status_change WHERE customer_id = :id ORDER BY since DESC, id DESC",
        id=made["id"],
    )
    assert last[0].status == row.status
