"""An import takes its rows once: through crashes, in sets, sealed while they wait, erased with people."""

import csv
import io
import json
import time
from typing import Any

import pytest
from sqlalchemy import Connection, event, text

from customers.erasing_tasks import remove_exports
from customers.importing.requesting import twins
from customers.jobs import kinds
from shared import jobs
from tests.customers.conftest import Site
from tests.customers.erasing import erase
from tests.customers.importing import send, take


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
    # Of this thread alone: a machine that stalls takes none of it.
    started = time.thread_time()
    found = list(twins(rows))
    assert time.thread_time() - started < 60
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


def test_an_import_is_undone_where_nothing_has_changed_since(site: Site) -> None:
    """D2, D18: whom it added is deleted and can be restored; the others stay and are named."""
    policy = {"deletion_blockers": ["legal_hold"]}
    assert site.admin.patch("/v1/settings", policy).status_code == 200
    names = ("same", "edited", "gone", "rich", "held")
    begun = send(site.admin, "name,username\n" + "".join(f"{n},{n}\n" for n in names))
    jobs.run_due(site.database, kinds(site.settings))
    made = {
        row["username"]: row["id"] for row in site.admin.get("/v1/customers").get_json()["items"]
    }
    site.admin.patch(f"/v1/customers/{made['edited']}", {"name": "Edited"})
    site.admin.post(f"/v1/customers/{made['gone']}/delete", {"reason": "wrong_entry"})
    site.change("UPDATE customer SET available_funds = 5 WHERE username = 'rich'")
    held = {"case": "K-17", "until": "2090-01-01T00:00:00Z"}
    site.change(
        "UPDATE customer SET legal_hold = CAST(:held AS jsonb) WHERE username = 'held'",
        held=json.dumps(held | {"by": "admin", "at": held["until"], "owner_path": "1/"}),
    )

    undo = site.admin.post(f"{begun.headers['Location']}/undo")
    assert undo.status_code == 202, undo.text
    jobs.run_due(site.database, kinds(site.settings))
    assert _outcomes(site, undo, made) == {
        "same": "done", "edited": "changed", "gone": "deleted", "rich": "changed", "held": "blocked",
    }  # fmt: skip
    left = {row["username"] for row in site.admin.get("/v1/customers").get_json()["items"]}
    assert left == {"edited", "rich", "held"}
    assert site.admin.post(f"{begun.headers['Location']}/undo").status_code == 409
    back = site.admin.post(f"/v1/deleted-customers/{made['same']}/restore")
    assert back.status_code == 200, back.text

    site.change(
        "UPDATE customer SET legal_hold = NULL, version = version + 1 WHERE username = 'held'"
    )
    again = site.admin.post(f"{undo.headers['Location']}/retry")
    jobs.run_due(site.database, kinds(site.settings))
    assert _outcomes(site, again, made) == {"held": "changed"}, "the retry of an undo is one, too"


def _outcomes(site: Site, job: Any, made: dict[str, str]) -> dict[str, str]:
    """By login: what became of the customer."""
    rows = site.admin.get(f"{job.headers['Location']}/rows").get_json()["items"]
    logins = {customer: login for login, customer in made.items()}
    return {
        logins[row["verdict"]["customer_id"]]: row["verdict"].get("code", row["state"])
        for row in rows
    }


def test_a_trial_has_nothing_to_undo(site: Site) -> None:
    begun = send(site.admin, "name,username\nA,a\n", "?dry_run=true")
    jobs.run_due(site.database, kinds(site.settings))
    refused = site.admin.post(f"{begun.headers['Location']}/undo")
    assert refused.status_code == 409 and "dry run" in refused.get_json()["detail"]
