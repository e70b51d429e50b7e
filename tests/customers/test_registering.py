"""Sign-up and edit: one form for logins, phones, passwords; nothing is taken twice."""

import json
import runpy
from typing import Any

import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from customers.preparing import MIGRATIONS
from shared.sealing import unseal
from tests.customers.conftest import Site


def test_login_and_phone_are_kept_in_one_form_and_the_password_sealed(site: Site) -> None:
    """B7, reliability 3.4 and 3.6."""
    made = site.customer("ＲＡＨＩＭ", phone="01711 123-456", password="pass'word", name="Rahim")
    assert made["username"] == "rahim" and made["phone"] == "+8801711123456"
    assert "password" not in made
    (event,) = site.events(made["id"])
    sealed = event.data["customer"]["password"]
    assert unseal(sealed, site.settings.secret_key) == "pass'word"
    logged = site.rows("SELECT before, after FROM operation_detail")
    assert not any(
        "pass'word" in f"{row.before}{row.after}" or sealed in f"{row.after}" for row in logged
    )


WRONG = [
        ("username", "with space"), ("username", "'; drop"), ("username", "a" * 65),
        ("username", "%{exec:id}"), ("username", "a\x00"), ("username", "a\nb"), ("username", ""),
        ("password", "`id`"), ("password", "'abc'"), ("password", '"x"'), ("password", ""),
        ("password", "é" * 65), ("password", "a\x00b"), ("password", "'"),
        ("phone", "12"), ("phone", "not a phone"), ("phone", "+880 1711 123456 789 000"),
        ("email", "nobody"), ("email", "a@b"), ("email", "a b@example.org"),
        ("name", ""), ("name", "a\x00b"), ("name", "a\x1b[31m"), ("name", "\ud800"),
        ("kind", "person"), ("static_address", "300.1.1.1"), ("customer_number", "a b"),
        ("credit_limit", {"amount": "-0.01", "currency": "BDT"}),
        ("credit_limit", {"amount": "1", "currency": "USD"}),
        ("credit_limit", {"amount": 5.5, "currency": "BDT"}), ("credit_limit", 5),
        ("spending_limit", {"amount": 90071992547409.93, "currency": "BDT"}),
        ("custom_fields", {"Bad Name": 1}), ("custom_fields", {"deep": {"er": 1}}),
        ("state", "deleted"), ("balance", "5"), ("deleted_at", None), ("operator_path", "1/"),
        ("holds", []), ("id", "00000000-0000-7000-8000-000000000001"),
]  # fmt: skip


def test_a_wrong_field_is_refused_by_its_name(site: Site) -> None:
    """B2, B3, B7, B9, B10: 422, and no row."""
    for field, value in WRONG:
        body = {"name": "Rahim", "username": "rahim", "password": "secret-1"} | {field: value}
        # The standard library writes lone surrogates, as an attacker would.
        answer = site.admin.client.post(
            "/v1/customers", data=json.dumps(body),
            headers={"Authorization": f"Bearer {site.admin.token}", "Content-Type": "application/json"},
        )  # fmt: skip
        assert answer.status_code == 422, (field, value, answer.text)
        problem: Any = answer.get_json()
        assert problem["errors"][0]["pointer"].startswith(f"/{field}"), (field, value)
    assert site.one("SELECT count(*) AS n FROM customer").n == 0


def test_what_a_body_names_and_nobody_knows_is_pointed_to(site: Site) -> None:
    nobody = "00000000-0000-7000-8000-0000000000ff"
    for field in ("package_id", "operator_id", "class_id"):
        body = {"name": "Rahim", "username": "rahim", "password": "secret-1", field: nobody}
        answer = site.admin.post("/v1/customers", body)
        problem: Any = answer.get_json()
        assert answer.status_code == 404
        assert [each["pointer"] for each in problem["errors"]] == [f"/{field}"]


def test_login_number_and_e_mail_of_the_living_are_taken_and_free_ones_are_named(
    site: Site,
) -> None:
    site.customer("rahim", email="r@example.org", customer_number="A1")
    body = {
        "name": "X", "username": "RAHIM", "email": "R@Example.org", "customer_number": "A1",
    }  # fmt: skip
    answer: Any = site.admin.post("/v1/customers", body)
    assert answer.status_code == 409
    errors = {error["pointer"]: error for error in answer.get_json()["errors"]}
    assert set(errors) == {"/username", "/email", "/customer_number"}
    assert {error["code"] for error in errors.values()} == {"taken"}
    assert "rahim2" in errors["/username"]["suggestions"]
    suggested = body | {
        "username": errors["/username"]["suggestions"][0],
        "email": errors["/email"]["suggestions"][0], "customer_number": "A2",
    }  # fmt: skip
    assert site.admin.post("/v1/customers", suggested).status_code == 201


def test_a_static_address_is_one_customers_whoever_asks(site: Site) -> None:
    """Two sessions with one Framed-IP-Address: refused at sign-up and edit, with free ones nearby."""
    first = site.customer("rahim", static_address="10.0.0.7")
    site.customer("near", static_address="10.0.0.9")
    other = site.customer("other")
    body = {"name": "X", "username": "x", "static_address": "10.0.0.7"}
    for answer in (
        site.admin.post("/v1/customers", body),
        site.admin.patch(f"/v1/customers/{other['id']}", {"static_address": "10.0.0.7"}),
    ):
        assert answer.status_code == 409, answer.text
        (error,) = answer.get_json()["errors"]
        assert (error["pointer"], error["code"]) == ("/static_address", "taken")
        assert error["suggestions"] == ["10.0.0.8", "10.0.0.10", "10.0.0.11"]
    last = site.customer("last", static_address="2001:db8::ffff")
    answer = site.admin.patch(f"/v1/customers/{other['id']}", {"static_address": "2001:db8::FFFF"})
    assert answer.status_code == 409 and answer.get_json()["errors"][0]["suggestions"] == []
    site.admin.post(f"/v1/customers/{last['id']}/delete", {"reason": "closed_account"})
    site.admin.post(f"/v1/customers/{first['id']}/close", {"reason": "moved away"})
    # The deleted and the closed keep it for the record alone.
    assert site.admin.post("/v1/customers", body).status_code == 201
    answer = site.admin.patch(f"/v1/customers/{other['id']}", {"static_address": "2001:db8::FFFF"})
    assert answer.status_code == 200, answer.text


def test_two_who_take_one_address_at_once_get_it_once(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The index decides, and the loser is told by the field."""
    site.customer("rahim", static_address="10.0.0.7")
    monkeypatch.setattr("customers.registering.check", lambda *_: None)
    body = {"name": "X", "username": "x", "static_address": "10.0.0.7"}
    answer: Any = site.admin.post("/v1/customers", body)
    assert answer.status_code == 409
    assert [error["pointer"] for error in answer.get_json()["errors"]] == ["/static_address"]


def test_addresses_that_two_had_before_the_upgrade_stop_nothing_and_are_given_no_more(
    site: Site,
) -> None:
    """Migration 0024 on a site with doubles: they stay, every other address is unique from then on."""
    site.customer("one", static_address="2001:db8::7")
    two = site.customer("two")
    upgrade = runpy.run_path(str(MIGRATIONS / "versions" / "0024_one_address_each.py"))["upgrade"]
    with site.database.connection() as connection:
        connection.execute(text("RESET ROLE"))
        connection.execute(text("DROP INDEX customer_living_address, customer_by_address"))
        connection.execute(text("UPDATE customer SET static_address = '2001:db8::7'"))
        with Operations.context(MigrationContext.configure(connection)):
            upgrade()
    place = f"/v1/customers/{two['id']}"
    assert site.admin.patch(place, {"name": "Two"}).status_code == 200
    body = {"name": "X", "username": "x", "static_address": "2001:db8::7"}
    assert site.admin.post("/v1/customers", body).status_code == 409
    site.customer("x", static_address="2001:db8::8")
    with pytest.raises(IntegrityError):
        site.change("UPDATE customer SET static_address = '2001:db8::8' WHERE username = 'one'")
    assert site.admin.patch(place, {"static_address": None}).status_code == 200


def test_a_deleted_login_is_free_at_once_unless_the_site_reserves_it(site: Site) -> None:
    """Decision 1.6.3; the number stays taken until erasure (D6)."""
    gone = site.deleted("rahim")
    number = site.admin.post(
        "/v1/customers",
        {"name": "X", "username": "x", "customer_number": gone["customer_number"]},
    )
    assert number.status_code == 409
    site.admin.patch("/v1/settings", {"reserved_login_days": 30})
    body = {"name": "X", "username": "rahim"}
    assert site.admin.post("/v1/customers", body).status_code == 409
    site.change("UPDATE customer SET deleted_at = now() - interval '31 days'")
    assert site.admin.post("/v1/customers", body).status_code == 201


def test_numbers_given_by_hand_ahead_of_the_sequence_are_stepped_over(site: Site) -> None:
    first = site.customer("one")["customer_number"]
    site.customer("two", customer_number=str(int(first) + 1))
    assert site.customer("three")["customer_number"] == str(int(first) + 2)


def test_an_edit_needs_the_etag_and_logs_before_and_after(site: Site) -> None:
    made = site.customer("rahim")
    place = f"/v1/customers/{made['id']}"
    assert site.admin.call("PATCH", place, {"name": "R"}).status_code == 428
    first = site.admin.patch(place, {"name": "Rahim Uddin"}, '"1"')
    assert first.status_code == 200 and first.headers["ETag"] == '"2"'
    assert site.admin.patch(place, {"name": "Other"}, '"1"').status_code == 412
    same = site.admin.patch(place, {"name": "Rahim Uddin"}, '"2"')
    assert same.headers["ETag"] == '"2"'
    (row,) = site.rows(
        "SELECT d.before, d.after FROM operation o JOIN operation_detail d ON d.operation_id = o.id"
        " WHERE o.action = 'customer.edited'"
    )
    assert (row.before, row.after) == ({"name": "Rahim"}, {"name": "Rahim Uddin"})


def test_a_customer_moves_to_another_operator_and_out_of_the_first_ones_sight(site: Site) -> None:
    north, south = site.operator("north"), site.operator("south")
    made = site.customer("rahim", north)
    place = f"/v1/customers/{made['id']}"
    assert north.patch(place, {"operator_id": str(south.id)}).status_code == 404
    assert site.admin.patch(place, {"operator_id": str(south.id)}).status_code == 200
    assert north.get(place).status_code == 404
    assert south.get(place).get_json()["operator_name"] == "South"
    assert site.events(made["id"])[-1].operator_path == south.path


def test_a_lead_has_no_service_until_it_is_made_a_customer(site: Site) -> None:
    package = site.package()
    lead = site.customer("lead", kind="lead", package_id=package)
    place = f"/v1/customers/{lead['id']}"
    assert lead["status"] == "lead"
    refused: Any = site.admin.post(f"{place}/activate")
    assert refused.status_code == 409 and refused.get_json()["errors"][0]["code"] == "lead"
    assert site.admin.patch(place, {"kind": "customer"}).get_json()["status"] == "inactive"
    assert site.admin.post(f"{place}/activate").get_json()["status"] == "active"


def test_the_same_request_with_the_same_key_makes_one_customer(site: Site) -> None:
    """B12."""
    body = {"name": "Rahim", "username": "rahim"}
    first = site.admin.post("/v1/customers", body, Idempotency_Key="once-only-1")
    again = site.admin.post("/v1/customers", body, Idempotency_Key="once-only-1")
    assert again.headers["Idempotency-Replayed"] == "true" and again.json == first.json
    other = site.admin.post("/v1/customers", body | {"name": "X"}, Idempotency_Key="once-only-1")
    assert other.status_code == 422
