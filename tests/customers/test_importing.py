"""Customers from CSV and XLSX: mapped, tried, taken row by row, resumable."""

import csv
import io
import time
import zipfile
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import escape

import orjson
import pytest
from sqlalchemy import Connection, event, text
from werkzeug.test import TestResponse

from customers.erasing_tasks import remove_exports
from customers.importing.requesting import twins
from customers.jobs import kinds
from shared import jobs, tabular
from tests.customers.conftest import Caller, Site
from tests.customers.erasing import erase

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
numbers = iter(range(10**9))


def send(
    caller: Caller, content: bytes | str, query: str = "", mime: str = "text/csv"
) -> TestResponse:
    return caller.client.post(
        f"/v1/imports{query}",
        data=content,
        headers={
            "Authorization": f"Bearer {caller.token}",
            "Content-Type": mime,
            "Idempotency-Key": f"import-{next(numbers):08d}",
        },
    )


def take(site: Site, content: bytes | str, query: str = "", **more: Any) -> dict[str, Any]:
    """The job and its rows once it is over."""
    caller = more.pop("caller", site.admin)
    begun = send(caller, content, query, **more)
    assert begun.status_code == 202, begun.text
    jobs.run_due(site.database, kinds(site.settings))
    place = begun.headers["Location"]
    job: dict[str, Any] = caller.get(place).get_json()
    assert job["state"] == "succeeded", job
    rows = caller.get(f"{place}/rows?limit=500").get_json()["items"]
    verdicts = [(row["state"], row["verdict"]) for row in rows]
    return {**job["result"], "verdicts": verdicts}


def sheet(rows: list[list[Any]]) -> bytes:
    """The smallest workbook that Excel opens."""

    def cell(value: Any) -> str:
        if isinstance(value, int | float):
            return f"<c><v>{value}</v></c>"
        return f'<c t="inlineStr"><is><t>{escape(str(value))}</t></is></c>'

    body = "".join(f"<row>{''.join(map(cell, row))}</row>" for row in rows)
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    relations = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    files = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types">'
        '<Default Extension="rels"'
        ' ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Override PartName="/xl/workbook.xml"'
        f' ContentType="{XLSX}.main+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="a"'
        f' Type="{relations}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{relations}"><sheets>'
        '<sheet name="S" sheetId="1" r:id="b"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships">'
        f'<Relationship Id="b" Type="{relations}/worksheet" Target="worksheets/sheet1.xml"/>'
        "</Relationships>",
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{main}"><sheetData>{body}</sheetData></worksheet>',
    }  # fmt: skip
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return made.getvalue()


GOOD = (
    "Customer Name,Username,Phone,E-mail,Password,Package,Shoe size\n"
    "Rahim Uddin,rahim,01711-123456,rahim@example.com,secret-1,Home 10,44\n"
    "Karim Mia,KARIM,,,,,\n"
)


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


class Killed(BaseException):
    """Nothing in the code catches it, as nothing catches `kill -9`."""


def test_an_import_goes_on_after_a_crash_and_doubles_nothing(site: Site) -> None:
    many = jobs.CHUNK + 3
    content = "name,username\n" + "".join(f"N{n},user{n}\n" for n in range(many))
    begun = send(site.admin, content)

    def crash(connection: Connection) -> None:
        # The first chunk is committed, the next one dies before its commit.
        made = connection.scalar(text("SELECT count(*) FROM customer"))
        if made == many:
            raise Killed

    event.listen(site.database.engine, "commit", crash)
    with pytest.raises(Killed):
        jobs.run_due(site.database, kinds(site.settings))
    event.remove(site.database.engine, "commit", crash)
    assert site.one("SELECT count(*) AS n FROM customer").n == jobs.CHUNK
    site.change("UPDATE job SET lease_until = now() - interval '1 second'")
    jobs.run_due(site.database, kinds(site.settings))
    assert site.admin.get(begun.headers["Location"]).get_json()["result"]["created"] == many
    assert site.one("SELECT count(*) AS n FROM customer").n == many


def test_passwords_wait_sealed_and_rows_go_after_a_week(site: Site) -> None:
    begun = send(site.admin, "name,username,password\nA,b ad,open-sesame\n")
    assert begun.status_code == 202
    (row,) = site.rows("SELECT fields FROM import_row")
    assert row.fields["password"].startswith("v1:") and "sesame" not in str(row.fields)
    jobs.run_due(site.database, kinds(site.settings))
    site.change("UPDATE import SET expires_at = now() - interval '1 second'")
    remove_exports(site.database, site.settings)
    assert site.rows("SELECT * FROM import_row") == []


def test_nobody_erased_comes_back_by_an_exported_file_i10(site: Site) -> None:
    gone = site.deleted("rahim")
    erase(site, gone)
    kept = site.deleted("karim")
    made = io.StringIO()
    writer = csv.writer(made)
    writer.writerows([["Id", "Customer Name", "Username"], [gone["id"], "Rahim", "rahim"],
                      [kept["id"], "'=Karim", "karim2"]])  # fmt: skip
    result = take(site, made.getvalue())
    assert [state for state, _ in result["verdicts"]] == ["failed", "done"]
    assert result["verdicts"][0][1]["errors"][0]["code"] == "erased"
    assert site.one("SELECT name FROM customer WHERE username = 'karim2'").name == "=Karim"


def test_the_same_key_imports_once_and_needs_to_be_there(site: Site) -> None:
    headers = {"Authorization": f"Bearer {site.admin.token}", "Content-Type": "text/csv"}
    url, content = "/v1/imports", "name,username\nA,a1\n"
    client = site.admin.client
    assert client.post(url, data=content, headers=headers).status_code == 400
    keyed = headers | {"Idempotency-Key": "import-once"}
    first = client.post(url, data=content, headers=keyed)
    again = client.post(url, data=content, headers=keyed)
    assert again.headers["Idempotency-Replayed"] == "true" and again.json == first.json
    assert client.post(url, data=content + "B,b1\n", headers=keyed).status_code == 422
    assert len(site.rows("SELECT * FROM import")) == 1


def test_the_imported_are_erased_with_their_lines(site: Site) -> None:
    result = take(site, "name,username\nQuillon Vexworth,vexworth.q\n")
    customer = result["verdicts"][0][1]["customer_id"]
    site.admin.post(f"/v1/customers/{customer}/delete", {"reason": "test_account"})
    made = site.admin.get(f"/v1/deleted-customers/{customer}").get_json()
    erasure = erase(site, made)
    assert site.rows("SELECT * FROM import_row") == []
    assert site.admin.get(f"/v1/erasures/{erasure}").get_json()["leftovers"]["hits"] == []


def test_a_hundred_thousand_rows_are_compared_with_one_another_at_once() -> None:
    """Each once: a comparison of every row with all before it would take hours."""
    rows = [
        (n, {"username": f"u{n % 99_999}", "email": f"E{n}@example.org"}) for n in range(100_000)
    ]
    rows.append((100_000, {"username": "new", "email": "e7@EXAMPLE.org"}))
    started = time.monotonic()
    found = list(twins(rows))
    assert time.monotonic() - started < 5
    assert {line: one for (line, _), one in zip(rows, found, strict=True) if one} == {
        99_999: [{"field": "username", "line": 0}],
        100_000: [{"field": "email", "line": 7}],
    }


def test_two_rows_that_become_the_same_login_end_as_one_customer(site: Site) -> None:
    """B7: written differently, kept as one; the rest of the chunk is taken all the same."""
    content = "name,username\nFirst,rahim\nTwin,\uff52ahim\nOther,karim\n"
    done = take(site, content)
    assert [state for state, _ in done["verdicts"]] == ["done", "failed", "done"]
    (error,) = done["verdicts"][1][1]["errors"]
    assert (error["field"], error["code"]) == ("username", "taken")
    assert (done["created"], done["failed"]) == (2, 1)


def test_a_chunk_is_written_in_sets_whatever_its_size(site: Site) -> None:
    """The number of statements does not grow with the rows, but for their numbers."""
    counts = []
    for first, many in ((0, 10), (100, 60)):
        heard: list[str] = []

        def hear(_c: Any, _x: Any, statement: str, *_: Any, kept: list[str] = heard) -> None:
            kept.append(statement)

        rows = "".join(f"Person {n},import{n}\n" for n in range(first, first + many))
        assert send(site.admin, "name,username\n" + rows).status_code == 202
        event.listen(site.database.engine, "before_cursor_execute", hear)
        jobs.run_due(site.database, kinds(site.settings))
        event.remove(site.database.engine, "before_cursor_execute", hear)
        counts.append(len(heard))
    assert site.one("SELECT count(*) AS n FROM customer").n == 70
    assert counts[0] == counts[1], counts
    told = site.one("SELECT count(*) AS n FROM outbox WHERE type = 'customer.created'").n
    logged = site.one("SELECT count(*) AS n FROM operation WHERE action = 'customer.created'").n
    assert told == logged == 70
