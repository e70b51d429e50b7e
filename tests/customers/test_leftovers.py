"""The search for leftovers finds what the catalogue would miss, and blames nobody for others' data."""

import zipfile
from pathlib import Path
from typing import Any

import pytest

from customers.jobs import kinds
from customers.leftovers import Needles, files, words
from shared import jobs
from shared.exporting import folder_of
from tests.customers.conftest import Site
from tests.customers.erasing import advance, answer, ask, certify, erase
from tests.customers.test_exports import ask_for


def found(site: Site, erasure: str) -> list[dict[str, Any]]:
    document = site.admin.get(f"/v1/erasures/{erasure}/certificate").get_json()["document"]
    hits: list[dict[str, Any]] = document["leftovers"]["customers"]["hits"]
    return hits


@pytest.mark.parametrize(
    "trace",
    [
        "vexworth.q",
        "Call +8801799887766 back.",
        "QUILLON VEXWORTH",
        "see Zyther Lane 77, 2nd floor",
    ],
)
def test_a_trace_in_free_text_stands_in_the_certificate(site: Site, trace: str) -> None:
    gone = site.deleted(
        "vexworth.q", name="Quillon Vexworth", phone="+8801799887766", address="Zyther Lane 77"
    )
    site.change(
        "INSERT INTO preference (operator_id, table_name, value)"
        " VALUES (:id, 'customers', jsonb_build_object('filter', CAST(:trace AS text)))",
        id=site.admin.id,
        trace=trace,
    )
    erasure = erase(site, gone)
    assert found(site, erasure) == [{"table": "preference", "column": "value", "rows": 1}]


def test_what_another_customer_has_too_is_theirs(site: Site) -> None:
    """A family's telephone, a common name, and a login that was taken again at once (decision 3)."""
    site.customer("wife", name="Quillon Vexworth", phone="+8801799887766")
    gone = site.deleted("vexworth.q", name="Quillon Vexworth", phone="+8801799887766")
    again = site.customer("vexworth.q")
    erasure = erase(site, gone)
    assert found(site, erasure) == []
    assert site.admin.get(f"/v1/customers/{again['id']}").get_json()["username"] == "vexworth.q"
    document = site.admin.get(f"/v1/erasures/{erasure}/certificate").get_json()["document"]
    assert document["leftovers"]["customers"]["shared_with_others"] == 3


@pytest.mark.parametrize("format", ["csv", "xlsx", "parquet"])
@pytest.mark.parametrize("column", ["username", "name"])
def test_a_file_that_comes_back_stands_in_the_certificate(
    site: Site, format: str, column: str
) -> None:
    """From a backup, say: no row tells of it any more."""
    gone = site.deleted("vexworth.q", name="Quillon Vexworth")
    # One column, so that nothing else gives the file away.
    ask_for(site.admin, "deleted_customers", format=format, columns=[column])
    jobs.run_due(site.database, kinds(site.settings))
    (file,) = folder_of(site.settings).iterdir()
    content = file.read_bytes()
    erasure = ask(site, gone)
    advance(site)
    assert not file.exists()
    file.write_bytes(content)
    answer(site, erasure, [gone["id"]])
    certify(site)
    assert found(site, erasure) == [{"file": file.name}]


def test_files_of_others_are_read_and_name_nobody(site: Site) -> None:
    site.customer("stays", name="Somebody Else")
    gone = site.deleted("vexworth.q", name="Quillon Vexworth")
    erasure = ask(site, gone)
    advance(site)
    ask_for(site.admin, "customers", format="csv")
    jobs.run_due(site.database, kinds(site.settings))
    answer(site, erasure, [gone["id"]])
    certify(site)
    document = site.admin.get(f"/v1/erasures/{erasure}/certificate").get_json()["document"]
    told = document["leftovers"]["customers"]
    assert (told["files"], told["hits"]) == (1, [])


def test_a_broken_file_is_told_of_and_stops_no_certificate(tmp_path: Path) -> None:
    whole = tmp_path / "whole.xlsx"
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("sheet", "login " * 1000)
    (tmp_path / "a.parquet").write_bytes(b"PAR1 and no more")
    spoiled = bytearray(whole.read_bytes())
    spoiled[40:44] = b"\xff\xff\xff\xff"
    (tmp_path / "b.xlsx").write_bytes(spoiled)
    found = files.search(tmp_path, Needles(frozenset({"vexworth.q"}), frozenset()))
    told = [{"file": name, "unreadable": True} for name in ("a.parquet", "b.xlsx")]
    assert found == {"files": 1, "hits": told}


def test_a_word_on_the_edge_of_two_pieces_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = Needles(frozenset({"vexworth.q"}), frozenset())
    (tmp_path / "one.csv").write_text("login\n" + "x" * 400 + ",vexworth.q,\n" + "y" * 700)
    monkeypatch.setattr(words, "OVERLAP", 300)
    for size in range(400, 420):
        monkeypatch.setattr(words, "PIECE", size)
        assert files.search(tmp_path, wanted)["hits"] == [{"file": "one.csv"}]


def test_former_logins_are_looked_for_too(site: Site) -> None:
    made = site.customer("oldlogin.q")
    site.admin.patch(f"/v1/customers/{made['id']}", {"username": "newlogin.q"})
    site.admin.post(f"/v1/customers/{made['id']}/delete", {"reason": "closed_account"})
    site.change(
        "INSERT INTO preference (operator_id, table_name, value)"
        " VALUES (:id, 'customers', '[\"oldlogin.q\"]')",
        id=site.admin.id,
    )
    assert found(site, erase(site, made)) != []


def test_needles_are_sealed_and_gone_with_the_certificate(site: Site) -> None:
    gone = site.deleted("vexworth.q")
    erasure = ask(site, gone)
    advance(site)
    (needle,) = site.rows("SELECT * FROM erasure_needle")
    assert needle.sealed.startswith("v1:") and "vexworth" not in needle.sealed
    answer(site, erasure, [gone["id"]])
    certify(site)
    assert site.rows("SELECT * FROM erasure_needle") == []
