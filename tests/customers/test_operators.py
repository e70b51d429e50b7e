"""The operator tree: who may add and change whom, and holds on a whole branch."""

from datetime import UTC, datetime, timedelta
from typing import Any

from customers import lapsing
from tests.customers.conftest import Site


def test_paths_grow_down_the_tree_and_nobody_looks_up(site: Site) -> None:
    boss = site.operator("boss", "manager")
    below = site.operator("below", "reseller", boss)
    assert below.path.startswith(boss.path) and boss.path.startswith("1/")
    names = [row["username"] for row in boss.get("/v1/operators?sort=username").get_json()["items"]]
    assert names == ["below", "boss"]
    assert boss.get(f"/v1/operators/{site.admin.id}").status_code == 404
    assert below.get(f"/v1/operators/{boss.id}").status_code == 404


def test_nobody_makes_somebody_above_the_own_role(site: Site) -> None:
    """API5, B17."""
    boss = site.operator("boss", "manager")
    fields = {"username": "x", "name": "X", "password": "long-enough-1"}
    assert boss.post("/v1/operators", fields | {"role": "admin"}).status_code == 403
    below = site.operator("below", "reseller", boss)
    raised = boss.patch(f"/v1/operators/{below.id}", {"role": "admin"})
    assert raised.status_code == 403
    assert boss.patch(f"/v1/operators/{boss.id}", {"status": "disabled"}).status_code == 403
    parent = {"role": "manager", "parent_id": str(below.id)}
    assert boss.post("/v1/operators", fields | parent).status_code == 422
    assert below.post("/v1/operators", fields | {"role": "reseller"}).status_code == 403


def test_a_username_is_taken_in_any_case(site: Site) -> None:
    site.operator("north")
    fields = {"username": "NORTH", "name": "X", "password": "long-enough-1", "role": "reseller"}
    answer: Any = site.admin.post("/v1/operators", fields)
    assert answer.status_code == 409 and answer.get_json()["errors"][0]["code"] == "taken"


def test_a_changed_password_is_the_only_one_that_opens(site: Site) -> None:
    north = site.operator("north")
    place = f"/v1/operators/{north.id}"
    tag = site.admin.get(place).headers["ETag"]
    assert site.admin.patch(place, {"password": "another-one-1"}, tag).status_code == 200
    assert site.admin.patch(place, {"name": "N"}, tag).status_code == 412
    client = site.app.test_client()
    old = client.post("/v1/tokens", json={"username": "north", "password": "north-password"})
    new = client.post("/v1/tokens", json={"username": "north", "password": "another-one-1"})
    assert (old.status_code, new.status_code) == (401, 200)
    logged = site.rows("SELECT before, after FROM operation_detail")
    assert not any("another-one" in f"{row.before}{row.after}" for row in logged)


def test_a_hold_on_an_operator_shows_on_everybody_below_without_a_row_each(site: Site) -> None:
    """Statuses 3 and 6: `reseller_blocked`, `reseller_suspended`."""
    boss = site.operator("boss", "manager")
    below = site.operator("below", "reseller", boss)
    package = site.package()
    made = site.customer("rahim", below, package_id=package)
    below.post(f"/v1/customers/{made['id']}/activate")
    other = site.customer("karim", package_id=package)
    site.admin.post(f"/v1/customers/{other['id']}/activate")

    held = site.admin.post(f"/v1/operators/{boss.id}/holds", {"kind": "admin", "reason": "debt"})
    assert held.get_json()["holds"] == ["admin"]
    place = f"/v1/customers/{made['id']}"
    assert below.get(place).get_json()["status"] == "reseller_blocked"
    listed = site.admin.get("/v1/customers?status=reseller_blocked").get_json()["items"]
    assert [row["username"] for row in listed] == ["rahim"]
    actives = site.admin.get("/v1/customers?status=active").get_json()["items"]
    assert [row["username"] for row in actives] == ["karim"]
    assert below.post(f"{place}/activate").status_code == 409
    assert site.events(str(boss.id))[-1].data["holds"] == ["admin"]
    assert site.events(made["id"])[-1].type == "customer.activated"

    assert boss.delete(f"/v1/operators/{boss.id}/holds/admin").status_code == 403
    site.admin.delete(f"/v1/operators/{boss.id}/holds/admin")
    site.admin.post(f"/v1/operators/{boss.id}/holds", {"kind": "reseller"})
    assert below.get(place).get_json()["status"] == "reseller_suspended"
    paused = site.admin.get("/v1/customers?status=reseller_suspended").get_json()["items"]
    assert [row["username"] for row in paused] == ["rahim"]
    site.admin.delete(f"/v1/operators/{boss.id}/holds/reseller")
    assert below.get(place).get_json()["status"] == "active"


def test_a_hold_from_above_is_not_lifted_by_who_stands_between(site: Site) -> None:
    """C5, statuses 3: each lifted only by its owner, on operators as on customers."""
    boss = site.operator("boss", "manager")
    below = site.operator("below", "reseller", boss)
    made = site.customer("rahim", below, package_id=site.package())
    customer = f"/v1/customers/{made['id']}"
    below.post(f"{customer}/activate")
    place = f"/v1/operators/{below.id}"
    site.admin.post(f"{place}/holds", {"kind": "fraud", "reason": "court"})
    refused = boss.delete(f"{place}/holds/fraud")
    assert refused.status_code == 403, refused.text

    boss.post(f"{place}/holds", {"kind": "fraud", "reason": "owes"})
    again = boss.post(f"{place}/holds", {"kind": "fraud"})
    held = again.get_json()["holds_in_force"]
    assert [(one["actor"], one["reason"]) for one in held] == [("admin", "court"), ("boss", "owes")]
    lifted = boss.delete(f"{place}/holds/fraud")
    assert lifted.status_code == 200 and lifted.get_json()["holds"] == ["fraud"]
    assert [one["actor"] for one in lifted.get_json()["holds_in_force"]] == ["admin"]
    assert below.get(customer).get_json()["status"] == "reseller_blocked"
    assert boss.delete(f"{place}/holds/fraud").status_code == 403

    boss.post(f"{place}/holds", {"kind": "fraud"})
    freed = site.admin.delete(f"{place}/holds/fraud").get_json()
    assert (freed["holds"], freed["holds_in_force"]) == ([], [])
    assert below.get(customer).get_json()["status"] == "active"
    assert site.events(str(below.id))[-1].data["holds"] == []
    twice = site.admin.delete(f"{place}/holds/fraud")
    assert twice.get_json()["version"] == freed["version"]


def test_a_hold_on_an_operator_ends_at_its_time(site: Site) -> None:
    """Statuses 3: each with its own end; another one's of the same kind stands."""
    boss = site.operator("boss", "manager")
    below = site.operator("below", "reseller", boss)
    made = site.customer("rahim", below, package_id=site.package())
    below.post(f"/v1/customers/{made['id']}/activate")
    place = f"/v1/operators/{below.id}/holds"
    past = site.admin.post(place, {"kind": "admin", "until": "2020-01-01T00:00:00Z"})
    assert past.status_code == 422 and past.get_json()["errors"][0]["pointer"] == "/until"
    until = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    for caller in (boss, site.admin):
        assert caller.post(place, {"kind": "admin", "until": until}).status_code == 200
    assert lapsing.sweep(site.database)["operators"] == 0

    for owner, status in ((boss.path, "reseller_blocked"), (site.admin.path, "active")):
        site.change("UPDATE operator_hold SET until = now() - interval '1 second'"
                    " WHERE owner_path = :owner", owner=owner)  # fmt: skip
        assert lapsing.sweep(site.database)["operators"] == 1
        assert lapsing.sweep(site.database)["operators"] == 0
        assert below.get(f"/v1/customers/{made['id']}").get_json()["status"] == status
    assert site.events(str(below.id))[-1].data["holds"] == []
    logged: Any = site.admin.get("/v1/operations?action=operator.hold_lifted").get_json()["items"]
    assert {one["actor"] for one in logged} == {"system"}
