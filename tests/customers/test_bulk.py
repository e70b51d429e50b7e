"""Many at once: a frozen list, a verdict per row, an inverse."""

from typing import Any

import pytest

from tests.customers.conftest import Caller, Site


def _rows(site: Site, job: Any, caller: Caller | None = None) -> dict[str, Any]:
    """The job's verdicts by customer, once it is done."""
    assert job.status_code == 202, job.text
    site.run_jobs()
    place = job.headers["Location"]
    seen = (caller or site.admin).get(place).get_json()
    assert seen["state"] == "succeeded", seen
    rows = (caller or site.admin).get(f"{place}/rows?limit=500").get_json()["items"]
    return {row["subject"]: row for row in rows}


def test_a_filter_is_frozen_and_deleted_and_the_undo_restores_what_did_not_change(
    site: Site,
) -> None:
    """C47, D2, D18."""
    made = [site.customer(f"bulk{n}", service_type="hotspot") for n in range(4)]
    spared = site.customer("spared")
    body = {"filter": {"service_type": "hotspot", "q": "bulk"}, "reason": "migrated_away"}
    job = site.admin.bulk("/v1/customers/delete", body)
    rows = _rows(site, job)
    assert set(rows) == {one["id"] for one in made}
    assert {row["state"] for row in rows.values()} == {"done"}
    assert site.admin.get(f"/v1/customers/{spared['id']}").status_code == 200

    edited = made[0]["id"]
    changed = site.admin.patch(f"/v1/deleted-customers/{edited}", {"note": "wrong reason"})
    assert changed.status_code == 200, changed.text
    undo = site.admin.post(f"{job.headers['Location']}/undo")
    verdicts = _rows(site, undo)
    assert verdicts[edited]["state"] == "skipped"
    assert verdicts[edited]["verdict"]["code"] == "changed"
    assert {verdicts[one["id"]]["state"] for one in made[1:]} == {"done"}


def test_what_failed_is_tried_again_by_a_job_of_its_own(site: Site) -> None:
    """Of a hundred thousand rows only those, and not while they are tried already."""
    free, blocked = site.customer("free"), site.customer("blocked")
    place = f"/v1/customers/{blocked['id']}/accounts"
    line = site.admin.post(place, {"name": "office"}).get_json()
    body = {"ids": [free["id"], blocked["id"]], "reason": "wrong_entry"}
    job = site.admin.bulk("/v1/customers/delete", body)
    again = f"{job.headers['Location']}/retry"
    early = site.admin.post(again)
    assert (early.status_code, early.get_json()["detail"][:4]) == (409, "wait")
    rows = _rows(site, job)
    assert (rows[free["id"]]["state"], rows[blocked["id"]]["state"]) == ("done", "failed")

    site.admin.delete(f"{place}/{line['id']}")
    retry = site.admin.post(again)
    assert site.admin.post(again).status_code == 409, "they are on their way"
    rows = _rows(site, retry)
    assert {one: row["state"] for one, row in rows.items()} == {blocked["id"]: "done"}
    assert site.admin.get(f"/v1/deleted-customers/{blocked['id']}").status_code == 200
    nothing = site.admin.post(f"{retry.headers['Location']}/retry")
    assert (nothing.status_code, nothing.get_json()["detail"]) == (409, "no row of it failed")
    count = site.one("SELECT count(*) AS n FROM job WHERE kind = 'customers.delete'").n
    assert count == 2, "what was refused left no job behind"


def test_ids_out_of_the_branch_fail_one_by_one_and_the_own_go(site: Site) -> None:
    """B13, B20."""
    north, south = site.operator("north"), site.operator("south")
    own, foreign = site.customer("own", north), site.customer("foreign", south)
    body = {"ids": [own["id"], foreign["id"], own["id"]], "reason": "test_account"}
    rows = _rows(site, north.bulk("/v1/customers/delete", body), north)
    assert rows[own["id"]]["state"] == "done"
    assert rows[foreign["id"]]["verdict"]["code"] == "not_found"
    assert south.get(f"/v1/customers/{foreign['id']}").status_code == 200


def test_a_dry_run_tells_what_blocks_and_changes_nothing(site: Site) -> None:
    """C48."""
    free, blocked = site.customer("free"), site.customer("blocked")
    site.admin.post(f"/v1/customers/{blocked['id']}/accounts", {"name": "office"})
    body = {"ids": [free["id"], blocked["id"]], "reason": "wrong_entry", "dry_run": True}
    rows = _rows(site, site.admin.bulk("/v1/customers/delete", body))
    assert rows[free["id"]]["verdict"] == {"dry_run": True}
    assert rows[blocked["id"]]["verdict"]["errors"][0]["code"] == "open_accounts"
    assert site.admin.get(f"/v1/customers/{free['id']}").status_code == 200


def test_bulk_restore_takes_resolutions_and_fails_what_is_still_taken(site: Site) -> None:
    """B13, B22."""
    first, second = site.deleted("rahim"), site.deleted("karim")
    site.customer("rahim"), site.customer("karim")
    body = {
        "ids": [first["id"], second["id"]],
        "resolutions": {first["id"]: {"username": "rahim-old"}},
    }
    rows = _rows(site, site.admin.bulk("/v1/deleted-customers/restore", body))
    assert rows[first["id"]]["state"] == "done" and rows[first["id"]]["verdict"]["intact"]
    assert rows[second["id"]]["verdict"]["errors"][0]["pointer"] == "/username"


def test_bulk_restore_of_two_with_one_login_restores_one(site: Site) -> None:
    first = site.deleted("twin")
    second = site.deleted("twin")
    body = {"ids": [first["id"], second["id"]]}
    rows = _rows(site, site.admin.bulk("/v1/deleted-customers/restore", body))
    assert sorted(row["state"] for row in rows.values()) == ["done", "failed"]


def test_a_bulk_hold_is_undone_where_it_still_stands(site: Site) -> None:
    one, two = site.customer("one"), site.customer("two")
    body = {"ids": [one["id"], two["id"]], "kind": "vacation", "reason": "flood"}
    job = site.admin.bulk("/v1/customers/holds", body)
    assert {row["state"] for row in _rows(site, job).values()} == {"done"}
    (hold,) = site.admin.get(f"/v1/customers/{one['id']}").get_json()["holds"]
    site.admin.delete(f"/v1/customers/{one['id']}/holds/{hold['id']}")
    rows = _rows(site, site.admin.post(f"{job.headers['Location']}/undo"))
    assert rows[one["id"]]["state"] == "skipped" and rows[two["id"]]["state"] == "done"
    assert site.admin.get(f"/v1/customers/{two['id']}").get_json()["holds"] == []


def test_bulk_work_is_logged_when_asked_for_and_row_by_row_with_who_why_and_from_where(
    site: Site,
) -> None:
    """B21, A39: actor, reason, address; also of an undo, which another one may ask for."""
    package = site.package()
    one = site.customer("one", package_id=package)
    body = {"ids": [one["id"]], "reason": "flood is over"}
    far = {"REMOTE_ADDR": "192.0.2.7"}
    site.admin.client.environ_base.update(far)
    job = site.admin.bulk("/v1/customers/activate", body)
    _rows(site, job)
    wish = {"ids": [one["id"]], "reason": "wrong_entry", "note": "typed twice by Rahim"}
    job = site.admin.bulk("/v1/customers/delete", wish)
    _rows(site, job)
    site.admin.client.environ_base.update(REMOTE_ADDR="192.0.2.8")
    _rows(site, site.admin.post(f"{job.headers['Location']}/undo"))
    logged = {
        row.action: row
        for row in site.rows(
            "SELECT o.action, o.actor, o.ip, o.subject_kind, d.after, d.reason FROM operation o"
            " JOIN operation_detail d ON d.operation_id = o.id WHERE o.ip LIKE '192.0.2.%'"
        )
    }
    asked = logged["customers.activate.requested"]
    assert (asked.actor, asked.ip, asked.reason) == ("admin", "192.0.2.7", "flood is over")
    assert asked.after == {"rows": 1, "dry_run": False, "package_id": None, "renew": True}
    done = logged["customer.activated"]
    assert (done.actor, done.ip, done.reason) == ("admin", "192.0.2.7", "flood is over")
    assert logged["customers.delete.requested"].reason == "wrong_entry"
    assert "Rahim" not in str(logged["customers.delete.requested"])
    assert logged["customer.deleted"].ip == "192.0.2.7"
    assert logged["job.undo"].ip == "192.0.2.8" == logged["customer.restored"].ip


def test_bulk_activation_renews_the_own_package_and_names_who_has_none(site: Site) -> None:
    """A29."""
    package = site.package()
    with_one, without = site.customer("with", package_id=package), site.customer("without")
    body = {"ids": [with_one["id"], without["id"]]}
    rows = _rows(site, site.admin.bulk("/v1/customers/activate", body))
    assert rows[with_one["id"]]["state"] == "done"
    assert rows[without["id"]]["verdict"]["code"] == "missing"
    unknown = {**body, "package_id": with_one["id"]}
    assert site.admin.bulk("/v1/customers/activate", unknown).status_code == 422


def test_the_undo_of_a_bulk_restore_skips_and_reports_what_changed_since(site: Site) -> None:
    """D15, D18."""
    made = [site.deleted(f"back{n}") for n in range(3)]
    body = {"ids": [one["id"] for one in made]}
    job = site.admin.bulk("/v1/deleted-customers/restore", body)
    assert {row["state"] for row in _rows(site, job).values()} == {"done"}
    edited = made[0]["id"]
    changed = site.admin.patch(f"/v1/customers/{edited}", {"name": "Works again"})
    assert changed.status_code == 200, changed.text
    verdicts = _rows(site, site.admin.post(f"{job.headers['Location']}/undo"))
    assert verdicts[edited]["state"] == "skipped"
    assert verdicts[edited]["verdict"]["code"] == "changed"
    assert {verdicts[one["id"]]["state"] for one in made[1:]} == {"done"}
    assert site.admin.get(f"/v1/customers/{edited}").status_code == 200


def test_a_thousand_customers_are_deleted_set_based_within_seconds(site: Site) -> None:
    """Chunks of 500: the number of statements does not grow with the customers."""
    site.change(
        "INSERT INTO customer (id, customer_number, name, username, operator_id, operator_path)"
        " SELECT gen_random_uuid(), 'M' || n, 'Many ' || n, 'many' || n, o.id, o.operator_path"
        " FROM operator o, generate_series(1, 1000) n WHERE o.username = 'admin'"
    )
    body = {"filter": {"q": "many"}, "reason": "migrated_away"}
    rows = site.admin.bulk("/v1/customers/delete", body)
    site.run_jobs()
    job = site.admin.get(rows.headers["Location"]).get_json()
    assert (job["state"], job["done"], job["failed"]) == ("succeeded", 1000, 0)
    told = site.one("SELECT count(*) AS n FROM outbox WHERE type = 'customer.deleted'")
    logged = site.one("SELECT count(*) AS n FROM operation WHERE action = 'customer.deleted'")
    assert told.n == logged.n == 1000


def test_a_bulk_action_needs_a_key_and_either_ids_or_a_filter(site: Site) -> None:
    """B12, B13."""
    body = {"ids": [site.customer("one")["id"]], "reason": "wrong_entry"}
    assert site.admin.post("/v1/customers/delete", body).status_code == 400
    assert site.admin.bulk("/v1/customers/delete", body | {"filter": {}}).status_code == 422
    assert site.admin.bulk("/v1/customers/delete", {"reason": "wrong_entry"}).status_code == 422


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("username", "wanted"),
        ("email", "Wanted@example.org"),
        ("phone", "+8801711999999"),
    ],
)
def test_whatever_is_taken_by_now_fails_its_own_row_of_a_bulk_restore(
    site: Site, field: str, value: str
) -> None:
    """B13, B14, B22: one question finds who clashes, and the others come back."""
    gone: dict[str, Any] = {"username": "first", field: value}
    taker: dict[str, Any] = {"username": "third", field: value.lower()}
    clashing, free = site.deleted(**gone), site.deleted("second", phone="+8801711000002")
    site.customer(**taker)
    body = {"ids": [clashing["id"], free["id"]]}
    rows = _rows(site, site.admin.bulk("/v1/deleted-customers/restore", body))
    assert rows[free["id"]]["state"] == "done"
    (error,) = rows[clashing["id"]]["verdict"]["errors"]
    assert (error["pointer"], error["code"]) == (f"/{field}", "taken")


def test_a_login_reserved_for_its_former_owner_clashes_in_bulk_too(site: Site) -> None:
    """Decision 1.6.3: two deleted customers had one login; while it is reserved nobody gets it."""
    first, second = site.deleted("wanted"), site.deleted("wanted")
    assert site.admin.patch("/v1/settings", {"reserved_login_days": 7}).status_code == 200
    body = {"ids": [first["id"], second["id"]]}
    rows = _rows(site, site.admin.bulk("/v1/deleted-customers/restore", body))
    assert {row["state"] for row in rows.values()} == {"failed"}


@pytest.mark.parametrize(
    ("url", "words", "more"),
    [
        ("/v1/customers/delete", "DELETE", {"reason": "wrong_entry"}),
        ("/v1/customers/holds", "HOLD", {"kind": "vacation"}),
        ("/v1/customers/activate", "ACTIVATE", {}),
        ("/v1/deleted-customers/restore", "RESTORE", {}),
    ],
)
def test_all_of_a_branch_are_meant_only_by_who_types_how_many(
    site: Site, url: str, words: str, more: dict[str, Any]
) -> None:
    """D11: an empty filter is an accident, not a wish."""
    for number in range(2):
        site.customer(f"alive{number}")
        site.deleted(f"gone{number}")
    empty = site.admin.bulk(url, more | {"filter": {}})
    assert empty.status_code == 422
    (error,) = empty.get_json()["errors"]
    assert error["pointer"] == "/filter" and "all: true" in error["detail"]
    for typed in ({}, {"confirm": f"{words} 3 CUSTOMERS"}):
        refused = site.admin.bulk(url, more | {"all": True} | typed)
        assert refused.status_code == 422
        (error,) = refused.get_json()["errors"]
        assert error["pointer"] == "/confirm" and f"{words} 2 CUSTOMERS" in error["detail"]
    assert site.rows("SELECT FROM job") == []
    tried = site.admin.bulk(url, more | {"all": True, "dry_run": True})
    assert len(_rows(site, tried)) == 2
    meant = site.admin.bulk(url, more | {"all": True, "confirm": f"{words} 2 CUSTOMERS"})
    assert len(_rows(site, meant)) == 2
