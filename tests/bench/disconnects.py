"""Disconnects a second: to one NAS against radclient, and to fifty of which five are dead."""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from local_site.freeradius import program
from radius_sync.disconnector import Kind, Nas, Order, Policy, Result, exchange_all
from tests.bench import Measure, interleaved, measure
from tests.support.reflecting_nas import SECRET

NAMES = ("disconnects", "disconnects-beside-dead")
RUNS, ORDERS, PARALLEL = 5, 20_000, 128
NASES, DEAD, ROUND_TRIP, EACH = 50, 5, 0.02, 400


def measures(names: tuple[str, ...]) -> list[Measure]:
    found = {"disconnects": _one_nas, "disconnects-beside-dead": _beside_dead}
    return [found[name]() for name in names]


def _one_nas() -> Measure:
    """The requests are the same, and 128 are in flight on both sides."""
    with TemporaryDirectory() as folder, nases(1, 0, 0.0) as (port,):
        file = Path(folder) / "requests"
        file.write_text("\n".join(f'User-Name = "u{n}"\nAcct-Session-Id = "{n:08x}"\n'
                                  for n in range(ORDERS)))  # fmt: skip
        radclient = program("radclient")
        assert radclient is not None, "radclient is not installed: make test installs it"
        command = [radclient, "-q", "-s", "-p", str(PARALLEL), "-f", str(file),
                   f"127.0.0.1:{port}", "disconnect", SECRET.decode()]  # fmt: skip

        def theirs() -> None:
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            assert f"Accepted      : {ORDERS}" in done.stdout, done.stdout

        seconds = interleaved(RUNS, {"ours": lambda: send([port], ORDERS), "radclient": theirs})
    return measure(
        "disconnects", ORDERS / seconds["ours"], ORDERS / seconds["radclient"], 0.5,
        unit="/s", note=f"one NAS, against radclient -p {PARALLEL}", less_is_better=False,
    )  # fmt: skip


def _beside_dead() -> Measure:
    """How fast 45 NASes are told, with and without five silent ones among the orders."""
    with nases(NASES, DEAD, ROUND_TRIP) as ports:
        seconds = interleaved(
            RUNS,
            {
                "disturbed": lambda: send(ports, EACH, dead=ports[:DEAD]),
                "undisturbed": lambda: send(ports[DEAD:], EACH),
            },
        )
    told = (NASES - DEAD) * EACH
    return measure(
        "disconnects-beside-dead", told / seconds["disturbed"], told / seconds["undisturbed"], 0.9,
        unit="/s", note=f"{NASES} NASes at 20 ms, {DEAD} of them dead", less_is_better=False,
    )  # fmt: skip


@contextmanager
def nases(count: int, dead: int, round_trip: float) -> Iterator[Sequence[int]]:
    """Their ports; they live in a process of their own."""
    words = [str(count), str(dead), str(round_trip)]
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.support.reflecting_nas", *words],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        yield [int(word) for word in process.stdout.readline().split()]
    finally:
        process.terminate()
        process.wait()


def send(ports: Sequence[int], each: int, dead: Sequence[int] = ()) -> float:
    """Seconds until the last of the living has answered; the dead are left to their timers."""
    orders = _orders(ports, each)
    waiting = {(port, number) for port in ports if port not in dead for number in range(each)}
    began = perf_counter()
    for outcome in exchange_all(orders, Policy()):
        if outcome.order_id in waiting:
            assert outcome.result is Result.ACKED, outcome
            waiting.discard(outcome.order_id)
            if not waiting:
                break
    return perf_counter() - began


def _orders(ports: Sequence[int], each: int) -> list[Order]:
    """Turn by turn, as they would come from a suspension over all NASes."""
    found = {
        port: Nas("127.0.0.1", port, SECRET, window=PARALLEL if len(ports) == 1 else 32)
        for port in ports
    }
    return [
        Order(
            (port, number), nas, Kind.DISCONNECT,
            (("User-Name", f"u{number}"), ("Acct-Session-Id", f"{number:08x}")),
        )
        for number in range(each)
        for port, nas in found.items()
    ]  # fmt: skip
