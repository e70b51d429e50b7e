"""What a real FreeRADIUS stores of the reports of a NAS, through our queries."""

import time

from radius_sync.nas_simulator.login import account
from tests.radius_sync.freeradius_site import Site, fresh, nas

pytest_plugins = ("tests.radius_sync.freeradius_fixture",)


def rows(site: Site, username: str) -> list[tuple[object, ...]]:
    return site.books.execute(
        "SELECT acctstoptime IS NULL, acctterminatecause, acctsessiontime, class, acctoutputoctets"
        " FROM radacct WHERE username = %s",
        (username,),
    ).fetchall()


def test_a_login_is_the_same_in_any_case_also_in_accounting(freeradius: Site) -> None:
    username = fresh("carol")
    freeradius.subscriber(username, "s3cret")
    with nas(freeradius) as simulator:
        assert simulator.dial(username.upper(), "s3cret") is not None
    assert len(rows(freeradius, username)) == 1


def test_simultaneous_use_counts_open_sessions(freeradius: Site) -> None:
    username = fresh("twice")
    freeradius.subscriber(username, "s3cret")
    freeradius.check(username, "Simultaneous-Use", "1")
    with nas(freeradius) as simulator:
        first = simulator.dial(username, "s3cret")
        assert first is not None
        assert simulator.dial(username, "s3cret") is None
        simulator.hang_up(first.session_id)
        assert simulator.dial(username, "s3cret") is not None


def test_accounting_start_stop_and_class_are_stored(freeradius: Site) -> None:
    username = fresh("dave")
    freeradius.subscriber(username, "s3cret")
    freeradius.books.execute(
        "INSERT INTO radreply (username, attribute, op, value) VALUES (%s, 'Class', ':=', 'c:42')",
        (username,),
    )
    with nas(freeradius) as simulator:
        session = simulator.dial(username, "s3cret")
        assert session is not None
        assert rows(freeradius, username) == [(True, None, 0, "c:42", 0)]
        simulator.hang_up(session.session_id, "Lost-Carrier")
    assert [row[:2] + row[3:4] for row in rows(freeradius, username)] == [
        (False, "Lost-Carrier", "c:42")
    ]


def test_reports_in_any_order_leave_one_closed_row(freeradius: Site) -> None:
    """A Stop without Start, a Start and an interim after the Stop, everything twice."""
    username = fresh("erin")
    with nas(freeradius) as simulator:
        session = simulator.add_session(username)
        for status in ("Stop", "Start", "Interim-Update", "Stop", "Start"):
            simulator._account(session, status)
        assert simulator.unanswered == {}, "what changes nothing is acknowledged too"
    assert [row[0] for row in rows(freeradius, username)] == [False]


def test_accounting_on_closes_the_sessions_of_that_nas(freeradius: Site) -> None:
    username = fresh("frank")
    freeradius.subscriber(username, "s3cret")
    with nas(freeradius) as simulator:
        assert simulator.dial(username, "s3cret") is not None
        simulator.reboot()
        simulator.reboot()
    assert rows(freeradius, username)[0][:2] == (False, "NAS-Reboot")
    assert freeradius.books.execute("SELECT count(*) FROM nasreload").fetchone() == (1,)


def test_accounting_off_closes_the_sessions_of_that_nas_and_of_no_other(freeradius: Site) -> None:
    username, other = fresh("judy"), fresh("mallory")
    freeradius.subscriber(username, "s3cret")
    freeradius.subscriber(other, "s3cret")
    with nas(freeradius) as off, nas(freeradius, nas_ip="127.0.0.2") as stays:
        assert off.dial(username, "s3cret") is not None
        assert stays.dial(other, "s3cret") is not None
        account(freeradius.server, (*off._nas(), ("Acct-Status-Type", "Accounting-Off")))
    assert rows(freeradius, username)[0][:2] == (False, "NAS-Reboot")
    assert rows(freeradius, other)[0][:2] == (True, None)


def test_gigawords_are_counted(freeradius: Site) -> None:
    username = fresh("grace")
    freeradius.subscriber(username, "s3cret")
    with nas(freeradius) as simulator:
        session = simulator.add_session(username)
        object.__setattr__(session, "started", time.time() - 20_000)
        simulator._account(session, "Interim-Update")
    assert rows(freeradius, username)[0][4] >= 20_000 * 400_000 > 2**32  # type: ignore[operator]
