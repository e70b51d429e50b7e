"""The configuration doctor: each fault, planted in a real database or configuration, is named."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from local_site.ports import free_port
from radius_sync import targets
from radius_sync.doctor import examine_configuration, examine_database, main
from radius_sync.freeradius import Client, Database, write_configuration
from radius_sync.settings import FREERADIUS_ROLE, Settings
from shared.database import Database as Books
from tests.radius_sync.calling import Caller
from tests.radius_sync.facts import customer, hear, package
from tests.support.waiting import until

SECRET = "long-enough-for-a-secret"
EMBEDDED = "/v1/targets/00000000-0000-7000-8000-000000000001/doctor"


@pytest.fixture
def books(settings: Settings, database: Books) -> Iterator[psycopg.Connection[Any]]:
    """The owner's connection to a database with two customers in it."""
    hear(database, package(), customer("alice"), customer("bob", holds=["admin"]))
    with psycopg.connect(url(settings), autocommit=True) as connection:
        yield connection


def url(settings: Settings) -> str:
    address = settings.database_url.set(drivername="postgresql")
    return address.render_as_string(hide_password=False)


def codes(books: psycopg.Connection[Any]) -> set[str]:
    return {finding.code for finding in examine_database(books, FREERADIUS_ROLE)}


def test_a_healthy_database_has_no_fault(books: psycopg.Connection[Any]) -> None:
    assert examine_database(books, FREERADIUS_ROLE) == []


CHECK = "INSERT INTO radcheck (username, attribute, op, value) VALUES "
SESSION = "INSERT INTO radacct (acctsessionid, acctuniqueid, username, nasipaddress,"
PLANTED = {
    "passwords_in_radpostauth": "INSERT INTO radpostauth (username, pass) VALUES ('a', 'secret')",
    "clear_text_password": "UPDATE radcheck SET value = 'secret' WHERE attribute ="
    " 'Cleartext-Password'",
    "executable_value": "ALTER TABLE radreply DROP CONSTRAINT radreply_not_quoted;"
    " INSERT INTO radreply (username, attribute, value) VALUES ('alice', 'Class', '`%{md5:x}`')",
    "wrong_operator": CHECK + "('bob', 'Auth-Type', '==', 'Reject')",
    "group_overrides_customer": "INSERT INTO radreply (username, attribute, op, value) VALUES"
    " ('alice', 'Mikrotik-Rate-Limit', ':=', '1M/1M'); UPDATE radgroupreply SET op = ':='",
    "login_not_lower_case": CHECK + "('Alice', 'Simultaneous-Use', ':=', '1')",
    "interim_missing": "DELETE FROM radgroupreply WHERE attribute = 'Acct-Interim-Interval'",
    "interim_not_sent": SESSION + " acctstarttime) SELECT n, n, 'alice', '10.0.0.1',"
    " now() - interval '2 hours' FROM generate_series(1, 5) n",
    "accepted_without_limits": "DELETE FROM radusergroup",
    "index_missing": "DROP INDEX radacct_open_username_idx; DROP INDEX radacct_of_username",
    "schema_difference": "ALTER TABLE radacct ADD COLUMN groupname text",
    "table_missing": "DROP TABLE nasreload",
    "role_too_powerful": f"GRANT DELETE ON radacct TO {FREERADIUS_ROLE}",
    # The clock of the database server, an hour ahead.
    "clock_skew": "CREATE FUNCTION public.clock_timestamp() RETURNS timestamptz LANGUAGE sql"
    " AS $$SELECT pg_catalog.clock_timestamp() + interval '1 hour'$$;"
    " SET search_path = public, pg_catalog",
    "nas_clock_skew": SESSION + " acctstarttime, acctupdatetime) VALUES ('s', 's', 'alice',"
    " '10.0.0.1', now(), now() + interval '10 minutes')",
}  # fmt: skip


@pytest.mark.parametrize("code", PLANTED)
def test_each_planted_fault_is_named_and_no_other(
    books: psycopg.Connection[Any], code: str
) -> None:
    books.execute(PLANTED[code].encode())
    assert codes(books) == {code}


@pytest.mark.parametrize(("behind", "named"), [(7200, True), (5, False)])
def test_a_nas_whose_clock_is_behind_begins_sessions_before_their_login(
    books: psycopg.Connection[Any], behind: int, named: bool
) -> None:
    books.execute(
        (SESSION + " acctstarttime, acctupdatetime) SELECT n, n, 'u' || n, '10.0.0.1',"
         f" now() - interval '{behind} seconds', now() FROM generate_series(1, 5) n").encode()
    )  # fmt: skip
    books.execute(
        b"INSERT INTO radpostauth (username, reply) SELECT 'u' || n, 'Access-Accept'"
        b" FROM generate_series(1, 5) n"
    )
    # One of them has logged in again since, elsewhere or in vain.
    books.execute(
        b"INSERT INTO radpostauth (username, reply, authdate)"
        b" VALUES ('u1', 'Access-Accept', now() + interval '1 day'), ('u2', 'Access-Reject', now())"
    )
    found = [one for one in examine_database(books, FREERADIUS_ROLE)
             if one.code == "nas_clock_skew"]  # fmt: skip
    assert [one.place for one in found] == (["NAS 10.0.0.1"] if named else [])
    assert all("begin 7200 s before" in one.fault for one in found)


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ("ALTER TABLE radacct DROP COLUMN class CASCADE", "radacct.class"),
        ("ALTER TABLE radusergroup ALTER priority TYPE text", "radusergroup.priority"),
        ("ALTER TABLE radacct DROP CONSTRAINT radacct_acctuniqueid_key", "radacct (acctuniqueid)"),
        ("DROP INDEX radcheck_username", "radcheck (username, attribute)"),
    ],
)
def test_a_difference_from_the_stock_schema_is_placed(
    books: psycopg.Connection[Any], change: str, place: str
) -> None:
    books.execute(change.encode())
    assert place in {finding.place for finding in examine_database(books, FREERADIUS_ROLE)}


def test_the_fix_of_an_over_privileged_role_works_as_it_stands(
    books: psycopg.Connection[Any],
) -> None:
    books.execute(f"GRANT ALL ON radcheck, nas_device TO {FREERADIUS_ROLE}".encode())
    found = examine_database(books, FREERADIUS_ROLE)
    assert {finding.code for finding in found} == {"role_too_powerful"}
    for finding in found:
        books.execute(finding.fix.encode())
    books.execute(f"GRANT SELECT ON radcheck TO {FREERADIUS_ROLE}".encode())
    assert codes(books) == set()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A configuration as we generate it."""
    write_configuration(
        tmp_path / "raddb", auth_port=free_port(), acct_port=free_port(),
        database=Database("127.0.0.1", 5432, "radius", "radius", "x"),
        clients=[Client("nas", "192.0.2.1", SECRET)], password_key="ab" * 32,
    )  # fmt: skip
    return tmp_path / "raddb"


def test_what_we_generate_has_no_fault(folder: Path) -> None:
    assert examine_configuration(folder) == []


@pytest.mark.parametrize(
    ("code", "file", "old", "new"),
    [
        ("passwords_in_radpostauth", "queries.conf", "NULLIF('%{Called-Station-Id}', '')",
         "'%{%{User-Password}:-%{Chap-Password}}'"),
        ("passwords_in_log", "radiusd.conf", "auth_badpass = no", "auth_badpass = yes"),
        ("message_authenticator_not_required", "radiusd.conf",
         "require_message_authenticator = yes\n\tnas_type", "nas_type"),
        ("short_secret", "radiusd.conf", SECRET, "testing123"),
        ("read_clients", "radiusd.conf", "read_clients = no", "read_clients = yes"),
        ("key_in_log", "radiusd.conf", '"service=freeradius"', '"options=\'-c radius.kek=ab\'"'),
        ("case_sensitive_logins", "queries.conf", "%{tolower:%{User-Name}}", "%{User-Name}"),
        ("stock_query_syntax", "queries.conf", "ON CONFLICT (nasipaddress)",
         "ON CONFLICT ON (NASIPAddress)"),
        ("class_not_kept", "queries.conf", "delegatedipv6prefix, class\"",
         "delegatedipv6prefix\""),
        ("simultaneous_use_not_checked", "radiusd.conf", "session {\n\t\tsql", "session {"),
        ("expiration_not_checked", "radiusd.conf", "\t\tsql\n\t\texpiration\n", "\t\tsql\n"),
        ("accounting_not_kept", "radiusd.conf", "so the NAS sends again.\n\t\tsql", ""),
    ],
)  # fmt: skip
def test_each_fault_of_a_configuration_is_named_and_no_other(
    folder: Path, code: str, file: str, old: str, new: str
) -> None:
    text = (folder / file).read_text()
    assert old in text
    (folder / file).write_text(text.replace(old, new, 1))
    assert {finding.code for finding in examine_configuration(folder)} == {code}


def test_files_with_secrets_that_all_may_read_are_named(folder: Path) -> None:
    (folder / "pg_service.conf").chmod(0o644)
    (finding,) = examine_configuration(folder)
    assert (finding.code, finding.fix) == (
        "secrets_readable", f"chmod o= {folder / 'pg_service.conf'}",
    )  # fmt: skip


def test_the_stock_configuration_of_the_distribution_has_its_known_faults(tmp_path: Path) -> None:
    """With SQL switched on as its documentation says."""
    folder = tmp_path / "3.0"
    shutil.copytree("/etc/freeradius/3.0", folder, symlinks=True)
    sql = (folder / "mods-available/sql").read_text()
    sql = sql.replace('dialect = "sqlite"', 'dialect = "postgresql"')
    (folder / "mods-enabled/sql").write_text(sql.replace("#\tread_clients", "\tread_clients"))
    found = {finding.code for finding in examine_configuration(folder)}
    assert found >= {
        "passwords_in_radpostauth", "message_authenticator_not_required", "short_secret",
        "read_clients", "case_sensitive_logins", "stock_query_syntax",
        "simultaneous_use_not_checked",
    }  # fmt: skip


def test_the_command_prints_each_fault_with_its_fix(
    books: psycopg.Connection[Any], settings: Settings, folder: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    assert main(["--config", str(folder)], url(settings)) == 0
    assert capsys.readouterr().out == "no fault found\n"
    books.execute(PLANTED["wrong_operator"].encode())
    assert main([], url(settings)) == 1
    assert "wrong_operator: radcheck: Auth-Type ==" in capsys.readouterr().out
    assert main(["--config", str(folder / "absent")], url(settings)) == 2


def test_the_doctor_of_a_target_over_http(
    admin: Caller, north: Caller, books: psycopg.Connection[Any]
) -> None:
    assert admin("GET", EMBEDDED).json == {"healthy": True, "findings": []}
    books.execute(PLANTED["accepted_without_limits"].encode())
    answer = admin("GET", EMBEDDED).json
    assert [finding["code"] for finding in answer["findings"]] == ["accepted_without_limits"]
    assert north("GET", EMBEDDED).status_code == 403


def test_a_target_that_is_away_is_the_fault_itself(admin: Caller) -> None:
    made = admin("POST", "/v1/targets", {
        "name": "away", "address": f"postgresql://radius:x@127.0.0.1:{free_port()}/radius",
    })  # fmt: skip
    place = f"/v1/targets/{made.json['id']}/doctor"
    answer = until(lambda: admin("GET", place).json)
    assert [finding["code"] for finding in answer["findings"]] == ["unreachable"]


def test_tables_too_large_for_a_request_are_no_fault_of_the_target(
    admin: Caller, books: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(targets.LIMITS, "options", "-c statement_timeout=100")
    books.execute(b"ALTER TABLE radcheck RENAME TO stored")
    books.execute(b"CREATE VIEW radcheck AS SELECT s.* FROM stored s, pg_sleep(1)")
    answer = admin("GET", EMBEDDED).json
    assert [finding["code"] for finding in answer["findings"]] == ["not_finished"]
