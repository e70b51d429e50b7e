"""Tables as each operator likes them (C49-C55), and saved views."""

from typing import Any

import pytest

from tests.customers.conftest import Caller, Site


def put(caller: Caller, table: str, body: Any, match: str = "*") -> Any:
    return caller.call("PUT", f"/v1/preferences/{table}", body, If_Match=match)


def test_nothing_set_means_25_rows_and_all_columns_c54(site: Site) -> None:
    found = site.admin.get("/v1/preferences/customers")
    assert found.get_json() == {
        "table": "customers", "columns": None, "sort": None, "row_style": "comfortable",
        "page_size": 25,
    }  # fmt: skip
    assert found.headers["ETag"].startswith('"0-')


def test_columns_order_sort_and_style_are_remembered_c49_to_c52(site: Site) -> None:
    wanted = {"columns": ["username", "name"], "sort": "-created_at,name", "row_style": "compact"}
    assert put(site.admin, "customers", wanted).status_code == 200
    found = site.admin.get("/v1/preferences/customers").get_json()
    assert found == wanted | {"table": "customers", "page_size": 25}
    assert site.admin.get("/v1/preferences/payments").get_json()["columns"] is None


def test_the_number_of_rows_is_one_for_all_tables_c55(site: Site) -> None:
    put(site.admin, "customers", {"page_size": 50})
    assert site.admin.get("/v1/preferences/payments").get_json()["page_size"] == 50
    put(site.admin, "payments", {"columns": ["amount"]})
    assert site.admin.get("/v1/preferences/customers").get_json()["page_size"] == 50


def test_each_operator_has_own_preferences(site: Site) -> None:
    north = site.operator("north")
    put(site.admin, "customers", {"page_size": 50, "sort": "name"})
    found = north.get("/v1/preferences/customers").get_json()
    assert (found["page_size"], found["sort"]) == (25, None)
    assert put(north, "customers", {"page_size": 10}).get_json()["page_size"] == 10
    assert site.admin.get("/v1/preferences/customers").get_json()["page_size"] == 50


def test_a_stale_change_is_refused(site: Site) -> None:
    assert site.admin.call("PUT", "/v1/preferences/customers", {}).status_code == 428
    assert put(site.admin, "customers", {"sort": "name"}, '"0"').status_code == 200
    stale = put(site.admin, "customers", {"sort": "-name"}, '"0"')
    assert stale.status_code == 412
    assert put(site.admin, "customers", {"sort": "-name"}, stale.headers["ETag"]).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        {"page_size": 0},
        {"page_size": 501},
        {"page_size": "25"},
        {"columns": []},
        {"columns": ["name", "name"]},
        {"columns": ["na me"]},
        {"sort": "name; drop"},
        {"row_style": "loud"},
        {"colour": "red"},
    ],
)
def test_a_preference_that_means_nothing_is_refused(site: Site, body: dict[str, Any]) -> None:
    assert put(site.admin, "customers", body).status_code == 422


def test_a_column_that_the_table_does_not_have_is_refused(site: Site) -> None:
    """C49: the lists of this service; of others it knows no columns."""
    for table, good in (("customers", "balance"), ("deleted_customers", "deleted_by")):
        assert put(site.admin, table, {"columns": [good]}).status_code == 200
        view = {"table": table, "name": "Odd", "columns": [good, "bogus"]}
        for refused in (
            put(site.admin, table, {"columns": [good, "bogus"]}),
            site.admin.post("/v1/views", view),
        ):
            assert refused.status_code == 422
            (error,) = refused.get_json()["errors"]
            assert error["pointer"] == "/columns" and error["detail"].startswith("bogus:")
    kept = site.admin.post("/v1/views", {"table": "customers", "name": "Ours"}).get_json()
    changed = site.admin.patch(f"/v1/views/{kept['id']}", {"columns": ["bogus"]})
    assert changed.status_code == 422
    assert put(site.admin, "payments", {"columns": ["amount"]}).status_code == 200


def test_a_table_of_no_such_name_is_not_there(site: Site) -> None:
    for name in ("*", "Customers", "a" * 61, "a%20b"):
        assert site.admin.get(f"/v1/preferences/{name}").status_code == 404


def test_a_view_is_saved_listed_and_removed(site: Site) -> None:
    body = {
        "table": "customers",
        "name": "Owing",
        "filter": {"status": "suspended"},
        "sort": "name",
    }
    made = site.admin.post("/v1/views", body)
    assert made.status_code == 201, made.text
    (found,) = site.admin.get("/v1/views?table=customers").get_json()["items"]
    assert found == made.get_json() and found["filter"] == {"status": "suspended"}
    assert site.admin.get("/v1/views?table=payments").get_json()["items"] == []
    again = site.admin.post("/v1/views", body)
    assert again.status_code == 409 and again.get_json()["errors"][0]["pointer"] == "/name"
    assert site.admin.delete(f"/v1/views/{found['id']}").status_code == 204
    assert site.admin.delete(f"/v1/views/{found['id']}").status_code == 404


def test_a_shared_view_is_seen_below_and_nowhere_else(site: Site) -> None:
    boss = site.operator("boss", "manager")
    below, beside = site.operator("below", above=boss), site.operator("beside")
    shared = boss.post("/v1/views", {"table": "customers", "name": "Ours", "shared": True})
    boss.post("/v1/views", {"table": "customers", "name": "Mine"})
    names = {
        caller.path: [one["name"] for one in caller.get("/v1/views").get_json()["items"]]
        for caller in (boss, below, beside, site.admin)
    }
    assert names == {boss.path: ["Mine", "Ours"], below.path: ["Ours"], beside.path: [], "1/": []}
    assert below.delete(f"/v1/views/{shared.get_json()['id']}").status_code == 404


@pytest.mark.parametrize("filter", [{"q": ["a"]}, {"q": "x" * 201}, {"q": 1.5}, [], {"": 1}])
def test_a_filter_of_a_view_is_plain(site: Site, filter: Any) -> None:
    body = {"table": "customers", "name": "Odd", "filter": filter}
    assert site.admin.post("/v1/views", body).status_code == 422


def test_an_own_view_is_changed_by_whom_it_belongs_to(site: Site) -> None:
    """C49-C52."""
    boss = site.operator("boss", "manager")
    below = site.operator("below", "reseller", boss)
    body = {"table": "customers", "name": "Due", "filter": {"status": "suspended"}, "shared": True}
    made = boss.post("/v1/views", body).get_json()
    boss.post("/v1/views", {"table": "customers", "name": "Other"})
    place = f"/v1/views/{made['id']}"
    changed = boss.patch(place, {"name": "Late", "sort": "-balance"}, match='"1"')
    assert changed.status_code == 200, changed.text
    assert changed.headers["ETag"] == '"2"'
    assert changed.get_json() == made | {"name": "Late", "sort": "-balance", "version": 2}
    assert boss.patch(place, {"name": "Stale"}, match='"1"').status_code == 412
    taken = boss.patch(place, {"name": "Other"})
    assert taken.status_code == 409 and taken.get_json()["errors"][0]["pointer"] == "/name"
    assert boss.patch(place, {"table": "payments"}).status_code == 422
    assert below.patch(place, {"name": "Mine"}).status_code == 404
    assert site.admin.patch(place, {"name": "Mine"}).status_code == 404
