"""Other people's RADIUS: radclient cuts our sessions, FreeRADIUS takes our requests and logins."""

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from local_site.freeradius import install_if_allowed, program
from local_site.ports import free_port
from radius_sync.disconnector import Kind, Nas, Order, Outcome, Policy, exchange_all
from radius_sync.nas_simulator import Faults, Method, NasSimulator
from radius_sync.protocol import Value
from tests.radius_sync.freeradius_site import SECRET as SITE_SECRET
from tests.radius_sync.freeradius_site import Site, fresh
from tests.radius_sync.puppet import SECRET
from tests.support.waiting import PATIENCE, until

pytest_plugins = ("tests.radius_sync.freeradius_fixture",)


@pytest.fixture
def nas() -> Iterator[NasSimulator]:
    with NasSimulator(SECRET) as simulator:
        yield simulator


def send(nas: NasSimulator, kind: Kind, *attributes: tuple[str, Value]) -> Outcome:
    order = Order(0, Nas("127.0.0.1", nas.coa_port, SECRET), kind, attributes)
    return next(exchange_all([order], Policy()))


def radclient(port: int, kind: str, lines: str) -> str:
    """The other side of the wire, written by somebody else."""
    assert install_if_allowed(), "this test needs radclient"
    done = subprocess.run(
        [program("radclient") or "radclient", "-x", "-r", "1", "-t", "60",
         f"127.0.0.1:{port}", kind, SECRET.decode()],
        input=lines, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.stdout + done.stderr


def test_loss_on_the_way_costs_time_and_doubles_nothing(freeradius: Site) -> None:
    """As `--loss` on the command line: a tenth is what a bad link loses, this is four of it."""
    faults, names = Faults(loss=0.4, seed=5), [fresh("lossy") for _ in range(40)]
    for name in names:
        freeradius.subscriber(name, "s3cret")
    server = replace(freeradius.server, timeout=0.1, tries=600, lost=faults.loses)
    with NasSimulator(SITE_SECRET.encode(), server=server) as nas:
        nas.dial_all([(name, "s3cret") for name in names])
        assert (len(nas.sessions), nas.unanswered) == (40, {})
    rows = freeradius.books.execute(
        "SELECT count(*), count(DISTINCT username) FROM radacct WHERE username = ANY(%s)", [names]
    ).fetchone()
    assert rows == (40, 40)


def test_radclient_can_cut_and_change_sessions_here(nas: NasSimulator) -> None:
    nas.add_session("alice")
    session = nas.add_session("bob")
    now = int(time.time())
    signed = f"Event-Timestamp={now},Message-Authenticator=0x00"
    assert "Disconnect-ACK" in radclient(
        nas.coa_port, "disconnect", f'User-Name="alice",{signed}\n'
    )
    assert "Session-Context-Not-Found" in radclient(
        nas.coa_port, "disconnect", f'User-Name="alice",{signed}\n'
    )
    coa = f'Acct-Session-Id="{session.session_id}",Mikrotik-Rate-Limit="5M/5M",{signed}\n'
    assert "CoA-ACK" in radclient(nas.coa_port, "coa", coa)
    assert [(each.username, each.rate) for each in nas.sessions] == [("bob", "5M/5M")]


COA_LISTENER = """
listen {
	type = coa
	ipaddr = 127.0.0.1
	port = %d
	virtual_server = coa
}
server coa {
	recv-coa {
		if (&Acct-Session-Id == "no-such-session") {
			update reply {
				&Error-Cause := Session-Context-Not-Found
			}
			reject
		}
		ok
	}
	send-coa {
		ok
	}
}
"""


def test_freeradius_takes_our_disconnects_and_coas(postgres: str, tmp_path: Path) -> None:
    """It wants a Message-Authenticator, verifies both signatures, and answers without one."""
    site = Site(tmp_path / "radius", postgres)
    port = free_port("udp")
    with (site.folder / "radiusd.conf").open("a") as configuration:
        configuration.write(COA_LISTENER % port)
    site.start()
    try:
        peer = Nas("127.0.0.1", port, SITE_SECRET.encode())
        orders = [
            Order("ack", peer, Kind.DISCONNECT, (("Acct-Session-Id", "81a00001"),)),
            Order("nak", peer, Kind.DISCONNECT, (("Acct-Session-Id", "no-such-session"),)),
            Order("coa", peer, Kind.COA, (("User-Name", "a"), ("Mikrotik-Rate-Limit", "1M/1M"))),
            *(
                Order(n, peer, Kind.DISCONNECT, (("Acct-Session-Id", f"s{n}"),))
                for n in range(1000)
            ),
        ]
        found = {outcome.order_id: outcome for outcome in exchange_all(orders)}
        wrong = Nas("127.0.0.1", port, b"wrong secret")
        quick = Policy(retransmission=Policy().retransmission.__class__(0.1, 0.1, 1, 0.1))
        silent = next(
            exchange_all([Order(0, wrong, Kind.DISCONNECT, (("User-Name", "a"),))], quick)
        )
    finally:
        site.close()
    assert found["ack"].code == 41
    assert (found["nak"].code, found["nak"].error_cause) == (42, 503)
    assert found["coa"].code == 44
    assert sum(1 for outcome in found.values() if outcome.code == 41) == 1001
    assert silent.result == "timeout"


def test_a_cut_session_is_accounted_for_and_may_dial_again(freeradius: Site) -> None:
    username = f"cut{time.monotonic_ns()}"
    freeradius.subscriber(username, "s3cret")
    with NasSimulator(
        SECRET, server=freeradius.server, method=Method.MSCHAP, redial_after=0.05, interim_every=0.1
    ) as nas:
        nas.dial_all([(username, "s3cret")])
        (session,) = nas.sessions
        until(lambda: _column(freeradius, username, "acctinterval") is not None)
        assert send(nas, Kind.DISCONNECT, ("Acct-Session-Id", session.session_id)).code == 41
        until(lambda: _column(freeradius, username, "acctterminatecause") == "Admin-Reset")
        until(lambda: [each.username for each in nas.sessions] == [username])
        freeradius.check(username, "Auth-Type", "Reject")
        (again,) = nas.sessions
        assert again.session_id != session.session_id
        assert send(nas, Kind.DISCONNECT, ("Acct-Session-Id", again.session_id)).code == 41
        until(lambda: username in nas.refused)
        assert nas.sessions == []


def _column(site: Site, username: str, column: str) -> object:
    found = site.books.execute(
        f"SELECT {column} FROM radacct WHERE username = %s ORDER BY radacctid", (username,)
    ).fetchone()
    return found[0] if found else None


@pytest.fixture
def user_list() -> Iterator[str]:
    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps({"items": [{"username": "urluser1"}, {"username": "urluser2"}]})
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


def test_the_command_puts_users_of_a_url_online_and_stops_on_sigterm(
    freeradius: Site, user_list: str, tmp_path: Path
) -> None:
    freeradius.subscriber("urluser1", "s3cret")
    start = "import sys; from radius_sync.nas_simulator import main; sys.exit(main(sys.argv[1:]))"
    output = tmp_path / "output"
    with output.open("w") as log, subprocess.Popen(
        [sys.executable, "-c", start, "--users", user_list, "--password", "s3cret",
         "--secret", SITE_SECRET, "--auth-port", str(freeradius.auth_port),
         "--acct-port", str(freeradius.acct_port), "--coa-port", "0"],
        stdout=log, stderr=subprocess.STDOUT,
    ) as process:  # fmt: skip
        until(lambda: "1 online, 1 refused" in output.read_text(), message="nobody came online")
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0
    assert "urluser2 refused" in output.read_text()
