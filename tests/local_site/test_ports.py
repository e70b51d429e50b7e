"""Ports that are taken, and by whom."""

import os
import socket

import pytest

from local_site.ports import Port, complaints, free_port, free_ports

pytestmark = pytest.mark.unit


def test_a_taken_tcp_port_is_named_with_its_holder_and_its_setting() -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        number = holder.getsockname()[1]
        [line] = complaints([Port(number, "CONSOLE_PORT")])
    assert line.startswith(f"port {number}/tcp is taken by process {os.getpid()} (")
    assert "set CONSOLE_PORT to a free port" in line


def test_a_taken_udp_port_is_named_even_if_held_on_all_addresses() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as holder:
        holder.bind(("", 0))  # noqa: S104 - as the distribution's FreeRADIUS does
        number = holder.getsockname()[1]
        [line] = complaints([Port(number, "RADIUS_AUTH_PORT", "udp")])
    assert f"port {number}/udp is taken by process {os.getpid()}" in line


def test_free_ports_bring_no_complaint() -> None:
    assert complaints([Port(free_port(), "CONSOLE_PORT")]) == []
    assert len(set(free_ports(20))) == 20


def test_a_port_is_given_once_though_nobody_listens_there_yet() -> None:
    """Of a thousand by chance forty would have come twice."""
    assert len({free_port("udp") for _ in range(1000)}) == 1000
