"""A database restored from before an erasure: the erased are erased again (F36, I10)."""

import pytest
from sqlalchemy import text

from shared.database import Database
from tests.customers.conftest import Site
from tests.customers.erasing import advance, answer, ask, certify, receipt


def restored(site: Site) -> None:
    """As after a restore of yesterday's dump: what the erasure wrote is not there."""
    with site.database.transaction() as session:
        for table in (
            "erasure_needle",
            "erasure_receipt",
            "erasure_subject",
            "erasure",
            "tombstone",
        ):
            session.execute(text(f"DELETE FROM {table}"))


@pytest.mark.parametrize("was", ["deleted", "alive", "held by law"])
def test_who_is_erased_elsewhere_is_erased_here_again_f36(site: Site, was: str) -> None:
    gone = site.deleted("rahim", name="Rahim Uddin")
    number, database = gone["customer_number"], site.database
    erasure = ask(site, gone)
    _as_it_was_in_the_backup(database, gone["id"], was)
    restored(site)
    # What the walk of the feeds brings, from the old cursor on.
    answer(site, erasure, [gone["id"]])
    assert site.admin.get(f"/v1/deleted-customers/{gone['id']}").status_code == 410
    assert site.admin.get(f"/v1/customers/{gone['id']}").status_code == 410
    advance(site)
    assert certify(site) == 1
    found = site.admin.get(f"/v1/erasures/{erasure}").get_json()
    assert (found["state"], found["source"], found["done"]) == ("done", "replay", 1)
    row = site.one("SELECT * FROM customer WHERE id = :id", id=gone["id"])
    assert (row.name, row.customer_number) == ("", "")
    assert site.customer("rahim", customer_number=number)["customer_number"] == number


def _as_it_was_in_the_backup(database: Database, customer: str, was: str) -> None:
    change = {
        "deleted": "updated_at = now()",
        "alive": "state = 'alive', deleted_at = NULL",
        "held by law": 'legal_hold = \'{"case": "1"}\'',
    }[was]
    with database.transaction() as session:
        session.execute(text(f"UPDATE customer SET {change} WHERE id = :id"), {"id": customer})


def test_receipts_in_many_batches_are_one_erasure(site: Site) -> None:
    gone = [site.deleted(f"many{n}") for n in range(4)]
    body = {"all": True, "confirm": "ERASE 4 CUSTOMERS", "legal_basis": "clean"}
    erasure = site.admin.bulk("/v1/deleted-customers/erase", body).get_json()["id"]
    restored(site)
    for one in gone:
        answer(site, erasure, [one["id"]])
    advance(site)
    assert certify(site) == 1
    found = site.admin.get(f"/v1/erasures/{erasure}").get_json()
    assert (found["total"], found["done"]) == (4, 4)


def test_a_receipt_of_a_known_erasure_replays_nothing(site: Site) -> None:
    gone, kept = site.deleted("gone"), site.deleted("kept")
    erasure = ask(site, gone)
    advance(site)
    answer(site, erasure, [gone["id"], kept["id"]])
    assert site.admin.get(f"/v1/deleted-customers/{kept['id']}").status_code == 200
    assert site.one("SELECT source FROM erasure").source == "request"


def test_what_the_feeds_prove_is_erased_again_with_its_own_mode_f36(site: Site) -> None:
    gone = site.deleted("rahim")
    erasure = ask(site, gone)
    restored(site)
    told = receipt(erasure, gone["id"], "payments")
    told["data"]["mode"] = "everything"
    site.hear(told)
    assert site.one("SELECT mode FROM erasure").mode == "everything"
    assert site.events(gone["id"])[-1].data["mode"] == "everything"
