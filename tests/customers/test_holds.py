"""Holds: each owner's for itself, each with its own end (C5)."""

from datetime import UTC, datetime, timedelta
from typing import Any

from customers import lapsing
from tests.customers.conftest import Site


def test_a_block_stands_until_everybody_who_set_one_has_lifted_the_own(site: Site) -> None:
    """C5: root and reseller block the same customer; neither lifts what the other one set."""
    north = site.operator("north")
    made = site.customer("rahim", north, package_id=site.package())
    place = f"/v1/customers/{made['id']}"
    north.post(f"{place}/activate")
    (own,) = north.post(f"{place}/holds", {"kind": "admin"}).get_json()["holds"]
    second = site.admin.post(f"{place}/holds", {"kind": "admin", "reason": "court"})
    assert second.status_code == 201, second.text
    assert site.admin.post(f"{place}/holds", {"kind": "admin"}).status_code == 200
    assert [hold["reason"] for hold in second.get_json()["holds"]] == [None, "court"]

    freed = north.delete(f"{place}/holds/{own['id']}")
    assert freed.status_code == 200, freed.text
    (left,) = freed.get_json()["holds"]
    assert (freed.get_json()["status"], left["reason"]) == ("blocked", "court")
    assert north.delete(f"{place}/holds/{left['id']}").status_code == 403
    assert site.events(made["id"])[-1].data["customer"]["holds"] == ["admin"]
    back = site.admin.delete(f"{place}/holds/{left['id']}").get_json()
    assert (back["status"], back["holds"]) == ("active", [])
    assert site.events(made["id"])[-1].data["customer"]["holds"] == []


def test_a_hold_that_ends_leaves_another_ones_of_the_same_kind(site: Site) -> None:
    """C5: each with its own end."""
    north = site.operator("north")
    made = site.customer("rahim", north)
    place = f"/v1/customers/{made['id']}"
    soon = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    north.post(f"{place}/holds", {"kind": "fraud", "until": soon})
    site.admin.post(f"{place}/holds", {"kind": "fraud"})
    site.change("UPDATE hold SET until = now() - interval '1 second' WHERE until IS NOT NULL")
    assert lapsing.sweep(site.database)["holds"] == 1
    seen: Any = site.admin.get(place).get_json()
    assert (seen["status"], len(seen["holds"])) == ("blocked", 1)
    assert lapsing.sweep(site.database)["holds"] == 0


def test_the_undo_of_a_bulk_hold_lifts_what_that_job_placed_and_nothing_else(site: Site) -> None:
    """C5: neither what somebody above set, nor what its own branch set anew since."""
    north = site.operator("north")
    both, again = site.customer("both", north), site.customer("again", north)
    place = f"/v1/customers/{again['id']}/holds"
    site.admin.post(f"/v1/customers/{both['id']}/holds", {"kind": "admin"})
    job = north.bulk("/v1/customers/holds", {"ids": [both["id"], again["id"]], "kind": "admin"})
    site.run_jobs()
    (own,) = site.admin.get(f"/v1/customers/{again['id']}").get_json()["holds"]
    north.delete(f"{place}/{own['id']}")
    north.post(place, {"kind": "admin"})

    undo = north.post(f"{job.headers['Location']}/undo").headers["Location"]
    site.run_jobs()
    rows = north.get(f"{undo}/rows").get_json()["items"]
    verdicts = {row["subject"]: row["state"] for row in rows}
    assert verdicts == {both["id"]: "done", again["id"]: "skipped"}
    for one, actor in ((both, "admin"), (again, "north")):
        seen: Any = site.admin.get(f"/v1/customers/{one['id']}").get_json()
        assert seen["status"] == "blocked"
        assert [hold["actor"] for hold in seen["holds"]] == [actor]
