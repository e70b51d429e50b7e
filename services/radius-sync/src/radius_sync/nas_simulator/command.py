"""`python -m radius_sync nas-simulator`: subscribers online, in a terminal."""

import argparse
import json
import os
import signal
import sys
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from radius_sync.nas_simulator.faults import Faults, parse_naks
from radius_sync.nas_simulator.inventory import Inventory
from radius_sync.nas_simulator.login import Method
from radius_sync.nas_simulator.simulator import NasSimulator
from radius_sync.radius_client import NoAnswer, Server
from radius_sync.vendors import VENDORS

# How often the command says who is online.
REPORT_SECONDS = 10.0

Credentials = list[tuple[str, str]]


def main(argv: list[str]) -> int:
    """Run until SIGINT or SIGTERM. Returns 0, or 2 when the options make no sense."""
    options = _parser().parse_args(argv)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    try:
        with _simulator(options, _faults(options)) as nas:
            _say(f"nas-simulator: CoA and Disconnect on {options.address}:{nas.coa_port}")
            with _inventory(nas, options):
                _run(nas, options, stop)
    except (OSError, ValueError) as error:
        sys.stderr.write(f"nas-simulator: {error}\n")
        return 2
    return 0


def read_users(options: argparse.Namespace) -> Credentials:
    """Who shall go online, at most `--sessions` of them.

    `--users` is a file or URL: a JSON list of names or of {"username", "password"}, or lines
    `username password`. `--users-from` is `alice,bob`, or `demo` for demo1, demo2 …
    """
    if options.users:
        found = _parse(_fetch(options.users), options.password)
    elif "," in options.users_from:
        found = [(name, options.password) for name in options.users_from.split(",") if name]
    elif options.users_from:
        numbers = range(1, (options.sessions or 1) + 1)
        found = [(f"{options.users_from}{number}", options.password) for number in numbers]
    else:
        found = []
    return found[: options.sessions] if options.sessions else found


def _fetch(place: str) -> str:
    if place.startswith(("http://", "https://")):
        with urllib.request.urlopen(place, timeout=10) as answer:  # noqa: S310 - scheme is checked
            return str(answer.read().decode())
    return Path(place).read_text("utf-8")


def _parse(text: str, default: str) -> Credentials:
    if text.lstrip().startswith(("[", "{")):
        document: Any = json.loads(text)
        rows = document.get("items", []) if isinstance(document, dict) else document
        return [_credential(row, default) for row in rows]
    lines = (line.replace(",", " ").split() for line in text.splitlines())
    return [(line[0], line[1] if len(line) > 1 else default) for line in lines if line]


def _credential(row: Any, default: str) -> tuple[str, str]:
    if isinstance(row, str):
        return row, default
    return str(row["username"]), str(row.get("password") or default)


def _faults(options: argparse.Namespace) -> Faults:
    return Faults(
        loss=options.loss,
        delay=options.delay,
        drop_replies=options.drop_replies,
        naks=parse_naks(options.nak),
        silent=options.silent,
        lie=options.lie,
        seed=options.seed,
    )


def _simulator(options: argparse.Namespace, faults: Faults) -> NasSimulator:
    return NasSimulator(
        options.secret.encode(),
        address=options.address,
        coa_port=options.coa_port,
        server=Server(
            options.server,
            options.auth_port,
            options.acct_port,
            options.secret.encode(),
            lost=faults.loses,
        ),  # fmt: skip
        vendor=options.vendor,
        nas_ip=options.nas_ip,
        method=Method(options.method),
        faults=faults,
        redial_after=options.redial or None,
        interim_every=options.interim or None,
        send_stop=not options.no_stop,
    )


@contextmanager
def _inventory(nas: NasSimulator, options: argparse.Namespace) -> Iterator[None]:
    if not options.sessions_port:
        yield
        return
    place = (options.address, options.sessions_port)
    with Inventory(nas, *place, token=options.sessions_token) as inventory:
        _say(f"nas-simulator: its sessions at {inventory.url}")
        yield


def _run(nas: NasSimulator, options: argparse.Namespace, stop: threading.Event) -> None:
    """Every few seconds: who is new goes online, and the terminal hears how things are."""
    announced, told, tried = False, dict[str, str](), set[str]()
    while not stop.is_set():
        try:
            if not announced:
                nas.reboot()  # a NAS that starts has no sessions: the server must close old ones
                announced = True
            new = [pair for pair in read_users(options) if pair[0] not in tried]
            unanswered = nas.dial_all(new)
            # Who redials by itself is left to it.
            again = set() if options.redial else set(unanswered)
            tried |= {username for username, _ in new} - again
        except (NoAnswer, OSError) as error:  # a server or a list that is not there yet
            _say(f"nas-simulator: {error}; trying again")
        told = _report(nas, told)
        stop.wait(REPORT_SECONDS if announced else 1.0)


def _report(nas: NasSimulator, told: dict[str, str]) -> dict[str, str]:
    refused = dict(nas.refused)
    for username, reason in refused.items():
        if told.get(username) != reason:
            _say(f"nas-simulator: {username} refused: {reason}")
    cut = sum(count for (kind, _), count in list(nas.effects.items()) if kind == "disconnect")
    _say(f"nas-simulator: {len(nas.sessions)} online, {len(refused)} refused, {cut} cut")
    return refused


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="nas-simulator", description=__doc__)
    env = os.environ.get
    parser.add_argument("--server", default="127.0.0.1", help="address of the RADIUS server")
    parser.add_argument("--auth-port", type=int, default=int(env("RADIUS_AUTH_PORT", "1812")))
    parser.add_argument("--acct-port", type=int, default=int(env("RADIUS_ACCT_PORT", "1813")))
    parser.add_argument("--secret", default=env("NAS_SECRET", "testing123"))
    parser.add_argument("--address", default="127.0.0.1", help="where to listen")
    parser.add_argument("--coa-port", type=int, default=int(env("NAS_COA_PORT", "3799")))
    port = int(env("NAS_SESSIONS_PORT", "0"))
    parser.add_argument("--sessions-port", type=int, default=port, help="lists them (0: nowhere)")
    parser.add_argument("--sessions-token", default=env("NAS_SESSIONS_TOKEN", ""))
    parser.add_argument("--nas-ip", default="127.0.0.1", help="its NAS-IP-Address")
    parser.add_argument("--vendor", choices=sorted(VENDORS), default="mikrotik")
    parser.add_argument("--method", choices=[each.value for each in Method], default="mschapv2")
    parser.add_argument("--users", default=env("NAS_USERS", ""), help="file or URL with users")
    parser.add_argument(
        "--users-from", default=env("NAS_USERS_FROM", ""), help="alice,bob or a prefix"
    )
    parser.add_argument(
        "--password", default=env("NAS_PASSWORD", ""), help="of users listed without one"
    )
    sessions = int(env("NAS_SESSIONS", "0"))
    parser.add_argument("--sessions", type=int, default=sessions, help="at most so many (0: all)")
    redial = float(env("NAS_REDIAL_SECONDS", "0"))
    parser.add_argument("--redial", type=float, default=redial, help="seconds (0: never again)")
    parser.add_argument("--interim", type=float, default=60.0, help="seconds between interims")
    parser.add_argument("--no-stop", action="store_true", help="lose the Stop after a cut")
    parser.add_argument("--loss", type=float, default=0.0, help="chance of a lost datagram")
    parser.add_argument("--delay", type=float, default=0.0, help="seconds before each reply")
    parser.add_argument(
        "--drop-replies", type=float, default=0.0, help="chance: acts, says nothing"
    )
    parser.add_argument("--nak", action="append", default=[], metavar="CAUSE[:CHANCE]")
    parser.add_argument("--silent", action="store_true", help="swallow everything")
    parser.add_argument("--lie", action="store_true", help="answer ACK and keep the session")
    parser.add_argument("--seed", type=int, default=1, help="of the chances")
    return parser
