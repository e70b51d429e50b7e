"""Ports: whether one is taken and by whom, and free ones for tests."""

import socket
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from random import SystemRandom
from typing import Literal

Protocol = Literal["tcp", "udp"]
# Linux gives outgoing connections 32768 and up, and could take a port between look and use.
_NEVER_OUTGOING = range(20000, 32000)
# Each once before any comes again: who was given one may not listen there yet.
_next_numbers = cycle(SystemRandom().sample(_NEVER_OUTGOING, len(_NEVER_OUTGOING)))
_KINDS = {"tcp": socket.SOCK_STREAM, "udp": socket.SOCK_DGRAM}


@dataclass(frozen=True)
class Port:
    """A port we want to listen on, and the setting that moves it."""

    number: int
    setting: str
    protocol: Protocol = "tcp"


def complaints(ports: Iterable[Port]) -> list[str]:
    """One line for each port that is taken: which, by whom if that can be seen, and the cure."""
    return [
        f"port {port.number}/{port.protocol} is taken{_by_whom(port)};"
        f" stop that program or set {port.setting} to a free port"
        for port in ports
        if not is_free(port.number, port.protocol)
    ]


def is_free(number: int, protocol: Protocol = "tcp") -> bool:
    """Whether 127.0.0.1 can be listened on at this port now."""
    with socket.socket(socket.AF_INET, _KINDS[protocol]) as probe:
        if protocol == "tcp":  # connections of the last run that are still closing do not matter
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", number))
        except OSError:
            return False
    return True


def free_port(protocol: Protocol = "tcp") -> int:
    """A port nobody uses at this moment, nobody here was given before, and no outgoing connection
    will be given."""
    return next(number for number in _next_numbers if is_free(number, protocol))


def free_ports(count: int, protocol: Protocol = "tcp") -> list[int]:
    """Different free ports."""
    found: set[int] = set()
    while len(found) < count:
        found.add(free_port(protocol))
    return sorted(found)


def _by_whom(port: Port) -> str:
    inodes = _inodes(port)
    for entry in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            target = str(entry.readlink())
            if target.removeprefix("socket:[").removesuffix("]") in inodes:
                process = entry.parents[1]
                return f" by process {process.name} ({(process / 'comm').read_text().strip()})"
        except OSError:  # another user's, or gone meanwhile
            continue
    return ""


def _inodes(port: Port) -> set[str]:
    """Its sockets in any state: a program's outgoing connection can hold a port too."""
    inodes = set()
    for table in (port.protocol, f"{port.protocol}6"):
        file = Path("/proc/net") / table
        for line in file.read_text().splitlines()[1:] if file.exists() else ():
            columns = line.split()
            if int(columns[1].rpartition(":")[2], 16) == port.number:
                inodes.add(columns[9])
    return inodes
