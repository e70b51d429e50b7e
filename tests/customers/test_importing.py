"""Customers from CSV and XLSX: which files are read, mapped, tried, and refused row by row."""

from urllib.parse import quote

import orjson
import pytest

from shared import tabular
from tests.customers.conftest import Site
from tests.customers.importing import GOOD, XLSX, send, sheet, take


def test_a_csv_file_becomes_customers(site: Site) -> None:
    package = site.package("Home 10")
    result = take(site, GOOD)
    assert (result["created"], result["failed"]) == (2, 0)
    assert result["ignored_columns"] == ["Shoe size"]
    made = site.admin.get(f"/v1/customers/{result['verdicts'][0][1]['customer_id']}").get_json()
    assert (made["name"], made["phone"], made["package_id"], made["status"]) == (
        "Rahim Uddin", "+8801711123456", package, "inactive",
    )  # fmt: skip
    assert site.rows("SELECT 1 FROM customer WHERE username = 'karim'")
    assert [e.type for e in site.events(made["id"])] == ["customer.created"]
    kept = site.rows("SELECT fields FROM import_row")
    assert [row.fields for row in kept] == [{}, {}], "what is a customer's is kept there only"


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_spreadsheets_of_every_country_are_read(site: Site, delimiter: str, mark: str) -> None:
    content = mark + GOOD.replace(",", delimiter).replace("\n", "\r\n")
    assert take(site, content.replace("Home 10", ""))["created"] == 2


def test_an_xlsx_file_becomes_customers(site: Site) -> None:
    content = sheet([["name", "username", "phone", "customer_number"],
                     ["Rahim", "rahim", 8801711123456.0, 4711], ["Karim", "karim", "", ""]])  # fmt: skip
    result = take(site, content, mime=XLSX)
    assert result["created"] == 2, result
    row = site.one("SELECT * FROM customer WHERE username = 'rahim'")
    assert (row.customer_number, row.phone) == ("4711", "+8801711123456")


def test_columns_are_mapped_by_the_caller(site: Site) -> None:
    content = "Kunde,Anmeldename,name\nRahim,rahim,ignored\n"
    wanted = quote(orjson.dumps({"Kunde": "name", "Anmeldename": "username", "name": ""}).decode())
    result = take(site, content, f"?map={wanted}")
    assert result["mapping"] == {"Kunde": "name", "Anmeldename": "username"}
    assert site.one("SELECT name FROM customer").name == "Rahim"


@pytest.mark.parametrize(
    ("content", "wanted", "says"),
    [
        ("a,b\n1,2\n", {}, "no column for name, username"),
        ("name,username\nA,a\n", {"c": "email"}, "no column 'c'"),
        ("name,username\nA,a\n", {"name": "state"}, "'state' is none of"),
        ("name,login,username\nA,a,b\n", {}, "two columns for username"),
    ],
)
def test_a_mapping_that_does_not_fit_is_refused(
    site: Site, content: str, wanted: dict[str, str], says: str
) -> None:
    refused = send(site.admin, content, f"?map={quote(orjson.dumps(wanted).decode())}")
    assert refused.status_code == 422 and says in refused.get_json()["detail"]


def test_each_bad_row_says_why_and_spoils_no_other(site: Site) -> None:
    site.customer("taken", email="taken@example.com")
    result = take(
        site,
        "name,username,email,phone,credit_limit,package,kind\n"
        "Good,good,,,500.00,,\n"
        "Clash,taken,taken@example.com,,,,\n"
        "Bad,b ad,nonsense,12,,,\n"
        "Twin,good,,,,,\n"
        ",nameless,,,,,\n"
        "Package,pack,,,,Gone 5,\n"
        "Money,money,,,-1,,\n"
        "Kind,kind,,,,,alien\n"
        "\n"
        "Also good,also,,,,,lead\n",
    )
    assert (result["created"], result["failed"]) == (2, 7)
    found = {v["line"]: {(e["field"], e["code"]) for e in v.get("errors", [])}
             for _, v in result["verdicts"]}  # fmt: skip
    assert found[3] == {("username", "taken"), ("email", "taken")}
    assert {"username", "email"} <= {field for field, _ in found[4]}
    assert found[5] == {("username", "taken")}
    assert ("name", "invalid") in found[6]
    assert found[7] == {("package", "invalid")}
    assert {field for field, _ in found[8]} == {"credit_limit"}
    assert {field for field, _ in found[9]} == {"kind"}
    assert found[11] == set()


def test_all_that_is_wrong_with_a_row_is_told_at_once(site: Site) -> None:
    """Else a file of many faults is corrected and sent as often as its worst row has some."""
    site.customer("taken", email="taken@example.com")
    result = take(
        site,
        "name,username,email,phone,credit_limit,package,kind\n"
        ",taken,nonsense,12,-1,Gone 5,alien\n"
        "Right,right,taken@example.com,12,,Gone 5,\n"
        "Twin,right,taken@example.com,,,,\n",
    )
    assert (result["created"], result["failed"]) == (0, 3)
    found = {v["line"]: {e["field"]: e["code"] for e in v["errors"]} for _, v in result["verdicts"]}
    assert found[2] == {
        "name": "invalid", "username": "taken", "email": "invalid", "phone": "invalid",
        "credit_limit": "invalid", "package": "invalid", "kind": "invalid",
    }  # fmt: skip
    assert found[3] == {"email": "taken", "phone": "invalid", "package": "invalid"}
    assert found[4] == {"username": "taken", "email": "taken"}
    assert site.one("SELECT count(*) AS n FROM customer").n == 1


def test_phones_of_a_file_in_local_digits_are_kept_as_e_164(site: Site) -> None:
    """A21."""
    take(site, "name,username,phone\nRahim,rahim,০১৭১১-১২৩৪৫৬\nKarim,karim,+880 (0)1811 123456\n")
    kept = {row.username: row.phone for row in site.rows("SELECT username, phone FROM customer")}
    assert kept == {"rahim": "+8801711123456", "karim": "+8801811123456"}


@pytest.mark.parametrize("dry", ["true", "false"])
def test_one_address_for_two_rows_or_for_one_who_lives_is_refused(site: Site, dry: str) -> None:
    """Whichever way an IPv6 address is written."""
    site.customer("rahim", static_address="10.0.0.7")
    lines = ("a,a,10.0.0.7", "b,b,10.0.0.8", "c,c,10.0.0.8", "d,d,2001:db8::1", "e,e,2001:DB8:0::1")
    text = "\n".join(("name,username,static_address", *lines))
    taken = take(site, text, f"?dry_run={dry}")
    assert [state for state, _ in taken["verdicts"]] == [
        "failed",
        "done",
        "failed",
        "done",
        "failed",
    ]
    for state, verdict in taken["verdicts"]:
        if state == "failed":
            (error,) = verdict["errors"]
            assert (error["field"], error["code"]) == ("static_address", "taken"), verdict


def test_a_dry_run_tells_everything_and_keeps_nothing(site: Site) -> None:
    content = "name,username\nA,one\nB,one\nC,tw o\nD,two\n"
    tried = take(site, content, "?dry_run=true")
    assert (tried["good"], tried["failed"], tried["created"]) == (2, 2, 0)
    assert site.rows("SELECT * FROM customer") == []
    assert site.rows("SELECT * FROM outbox WHERE type LIKE 'customer.%'") == []
    taken = take(site, content)
    assert taken["created"] == 2
    assert [state for state, _ in taken["verdicts"]] == [state for state, _ in tried["verdicts"]]


def test_customers_become_those_of_an_operator_of_the_branch(site: Site) -> None:
    north, south = site.operator("north"), site.operator("south")
    content = "name,username\nRahim,rahim\n"
    take(site, content, f"?operator_id={north.id}")
    row = site.one("SELECT operator_path FROM customer")
    assert row.operator_path == north.path
    assert send(south, content, f"?operator_id={north.id}").status_code == 404
    take(site, "name,username\nKarim,karim\n", caller=south)
    assert site.one("SELECT operator_path FROM customer WHERE username = 'karim'")[0] == south.path


@pytest.mark.parametrize(
    ("content", "mime", "status"),
    [
        (b"", "text/csv", 422),
        (b"name,username\n", "text/csv", 422),
        (b"name,username\nA\xff,a\n", "text/csv", 422),
        (b"name,username\nA\x00,a\n", "text/csv", 422),
        (b'name,username\n"A,a\n', "text/csv", 422),
        (b"name,username\nA,a,more\n", "text/csv", 422),
        (b"name,name,username\nA,B,a\n", "text/csv", 422),
        (b"name,username\n" + b"A" * 2001 + b",a\n", "text/csv", 422),
        (b"PK\x03\x04 no workbook", XLSX, 422),
        (b"name,username\nA,a\n", XLSX, 422),
        (b"{}", "application/json", 415),
        (b"x" * (tabular.MOST_BYTES + 1), "text/csv", 413),
    ],
)
def test_a_file_that_is_none_is_refused_at_the_door(
    site: Site, content: bytes, mime: str, status: int
) -> None:
    refused = send(site.admin, content, mime=mime)
    assert refused.status_code == status, refused.text
    assert refused.mimetype == "application/problem+json"
    assert site.rows("SELECT * FROM import") == []


def test_a_workbook_that_unpacks_to_a_bomb_is_refused(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tabular, "MOST_UNPACKED", 1_000_000)
    bomb = sheet([["name", "username"], ["A" * 2_000_000, "a"]])
    assert len(bomb) < 10_000
    refused = send(site.admin, bomb, mime=XLSX)
    assert refused.status_code == 422 and "unpacks" in refused.get_json()["detail"]
