"""The access simulator against the server that it simulates: any rows, the same answer.

One FreeRADIUS, asked through radclient; Hypothesis makes the rows.
"""

import subprocess
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from local_site.freeradius import program
from radius_sync.nas_simulator.mschap import md4
from radius_sync.rlm_sql import Decision, Form, Group, Request, Row, Tables, decide
from shared.sealing import seal
from tests.radius_sync.freeradius_site import KEY, SECRET, Site, fresh

pytest_plugins = ("tests.radius_sync.freeradius_fixture",)

PASSWORD = "s3cret"
SENT = {"pap": "User-Password", "chap": "CHAP-Password", "mschap": "MS-CHAP-Password"}
# What the server makes itself: while it checks an MS-CHAP password, and from 3.2.5 on in any answer.
MADE = ("MS-CHAP", "MS-MPPE", "Message-Authenticator")

OPS = st.sampled_from([":=", "=", "+=", "==", "-=", "!=", "<=", ">=", "=*", "!*", "=~", ""])
REPLY_OPS = st.sampled_from([":=", "=", "+=", "==", "-=", "^="])
CALLED = st.tuples(
    st.just("Called-Station-Id"), OPS, st.sampled_from(["hotspot-1", "hotspot-2", "hot"])
)
PASSWORDS = st.one_of(
    st.just(("Cleartext-Password", ":=", "sealed")),
    st.just(("Cleartext-Password", ":=", "sealed")),
    st.just(("Cleartext-Password", "==", "sealed")),
    st.just(("NT-Password", ":=", md4(PASSWORD.encode("utf-16-le")).hex())),
)
CHECKS = st.one_of(
    PASSWORDS,
    st.tuples(
        st.just("Auth-Type"),
        st.sampled_from([":=", "=", "+=", "=="]),
        st.sampled_from(["Reject", "Accept", "CHAP", "PAP"]),
    ),
    CALLED,
    st.tuples(st.just("NAS-IP-Address"), OPS, st.sampled_from(["127.0.0.1", "10.0.0.1", "bad"])),
    st.tuples(
        st.just("Expiration"),
        st.sampled_from([":=", "=="]),
        st.sampled_from(["01 Jan 2020 00:00:00", "4000000000"]),
    ),
    st.tuples(st.just("Simultaneous-Use"), st.just(":="), st.sampled_from(["1", "2"])),
)
REPLIES = st.one_of(
    st.tuples(st.just("Filter-Id"), REPLY_OPS, st.sampled_from(["a", "b", "'quoted'"])),
    st.tuples(st.just("Mikrotik-Rate-Limit"), REPLY_OPS, st.sampled_from(["5M/5M", "1M/1M"])),
    st.tuples(
        st.just("Session-Timeout"),
        st.sampled_from([":=", "=", "+=", "<=", ">=", "-="]),
        st.sampled_from(["60", "600", "x"]),
    ),
    st.tuples(st.just("Fall-Through"), st.just("="), st.sampled_from(["Yes", "No"])),
    st.tuples(st.just("Reply-Message"), st.just(":="), st.just("hello")),
)
FORMS = st.sampled_from(list(Form))
GROUPS = st.lists(
    st.tuples(st.lists(CHECKS, max_size=2), st.lists(REPLIES, max_size=3), st.integers(-1, 2)),
    max_size=3,
)


@examples(
    max_examples=250,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    checks=st.one_of(
        st.lists(CHECKS, max_size=3),
        st.tuples(PASSWORDS, CHECKS).map(list),
        PASSWORDS.map(lambda p: [p]),
    ),
    replies=st.lists(REPLIES, max_size=4),
    groups=GROUPS,
    form=FORMS,
    open_sessions=st.sampled_from([0, 0, 1, 2]),
)
@example(
    checks=[], replies=[], form=Form.PAP, open_sessions=0,
    groups=[([("Cleartext-Password", ":=", "sealed")], [("Session-Timeout", ":=", "x")], 0)],
)  # fmt: skip
def test_any_rows_give_the_answer_of_the_real_server(
    freeradius: Site, checks: Any, replies: Any, groups: Any, form: Form, open_sessions: int
) -> None:
    username = fresh("judged")
    tables = write(freeradius.books, username, checks, replies, groups, open_sessions)
    attributes = {
        "User-Name": username, "NAS-IP-Address": "127.0.0.1", "Called-Station-Id": "hotspot-1",
        "Packet-Src-IP-Address": "127.0.0.1",
    }  # fmt: skip
    decision = decide(tables, Request(form, attributes, datetime.now(UTC)))

    accepted, sent = ask(freeradius, username, form)

    assert decision.accepted == accepted, decision.steps
    assert told(decision) == sent, decision.steps


def write(
    books: psycopg.Connection, username: str, checks: Any, replies: Any, groups: Any, sessions: int
) -> Tables:
    """The rows in the tables, and the same as the simulator wants them."""
    membership = []
    for number, (group_checks, group_replies, priority) in enumerate(groups):
        name = f"{username}-{number}"
        books.execute(
            "INSERT INTO radusergroup (username, groupname, priority) VALUES (%s, %s, %s)",
            (username, name, priority),
        )
        made = Group(
            name,
            insert(books, "radgroupcheck", name, group_checks),
            insert(books, "radgroupreply", name, group_replies),
        )
        membership.append((priority, number, made))
    for number in range(sessions):
        books.execute(
            "INSERT INTO radacct (acctsessionid, acctuniqueid, username, nasipaddress,"
            " acctstarttime) VALUES ('s', %s, %s, '10.0.0.9', now())",
            (f"{username}-{number}", username),
        )
    return Tables(
        insert(books, "radcheck", username, checks),
        insert(books, "radreply", username, replies),
        [group for _, _, group in sorted(membership, key=lambda found: found[:2])],
        sessions,
    )


def insert(books: psycopg.Connection, table: str, name: str, rows: Any) -> list[Row]:
    key = "groupname" if "group" in table else "username"
    made = []
    for attribute, op, value in rows:
        stored = seal(PASSWORD, KEY) if value == "sealed" and "group" not in table else value
        stored = PASSWORD if stored == "sealed" else stored
        found = books.execute(
            f"INSERT INTO {table} ({key}, attribute, op, value) VALUES (%s, %s, %s, %s)"
            " RETURNING id".encode(),
            (name, attribute, op, stored),
        ).fetchone()
        assert found is not None
        made.append(Row(table, found[0], attribute, op, stored))
    return made


def ask(site: Site, username: str, form: Form) -> tuple[bool, Counter[tuple[str, str]]]:
    request = (
        f'User-Name = "{username}", {SENT[form]} = "{PASSWORD}", NAS-IP-Address = 127.0.0.1,'
        ' Called-Station-Id = "hotspot-1", Message-Authenticator = 0x00\n'
    )
    path = program("radclient")
    assert path is not None
    done = subprocess.run(
        [path, "-x", "-r", "3", "-t", "2", f"127.0.0.1:{site.auth_port}", "auth", SECRET],
        input=request, capture_output=True, text=True, check=False,
    )  # fmt: skip
    answer = done.stdout.partition("Received ")[2]
    assert answer, done.stdout + done.stderr
    lines = [line.strip() for line in answer.splitlines() if line.startswith("\t")]
    pairs = [line.split(" = ", 1) for line in lines]
    return answer.startswith("Access-Accept"), Counter(
        (name, in_time(name, value.strip('"')))
        for name, value in pairs
        if not name.startswith(MADE)
    )


def told(decision: Decision) -> Counter[tuple[str, str]]:
    return Counter(
        (pair.attribute, in_time(pair.attribute, pair.value)) for pair in decision.attributes
    )


def in_time(name: str, value: str) -> str:
    """A rest of time ticks between the two computations."""
    long = name == "Session-Timeout" and int(value) > 10_000
    return "until the end" if long else value


@pytest.mark.unit
def test_a_value_in_back_quotes_is_not_taken_for_what_it_says() -> None:
    """The simulator executes nothing: it shows the text as it stands."""
    row = Row("radreply", 1, "Filter-Id", "=", "`%{sql:x}`")
    password = Row("radcheck", 1, "Cleartext-Password", ":=", "x")
    now = datetime.now(UTC)
    decision = decide(Tables([password], [row]), Request(Form.PAP, {}, now))
    assert [pair.value for pair in decision.attributes] == ["%{sql:x}"]
