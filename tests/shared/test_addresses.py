"""Whose address a request came from (B18, B21): a forged header moves nobody."""

from collections.abc import Callable

import pytest

from shared.addresses import behind, networks, vouch, vouched
from shared.tokens import service_token

pytestmark = pytest.mark.unit
SECRET = "s" * 32
PROXIES = networks("10.0.0.0/8, 192.0.2.7")


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("203.0.113.9", "", "203.0.113.9"),
        ("203.0.113.9", "198.51.100.1", "203.0.113.9"),
        ("10.1.2.3", "198.51.100.1", "198.51.100.1"),
        ("10.1.2.3", "6.6.6.6, 198.51.100.1", "198.51.100.1"),
        ("10.1.2.3", "198.51.100.1, 192.0.2.7", "198.51.100.1"),
        ("10.1.2.3", "198.51.100.1, rubbish", "10.1.2.3"),
        ("10.1.2.3", "", "10.1.2.3"),
        ("10.1.2.3", "2001:db8::1", "2001:db8::1"),
        ("", "198.51.100.1", ""),
    ],
)
def test_only_what_a_trusted_proxy_wrote_is_believed(
    peer: str, forwarded: str, client: str
) -> None:
    assert behind(PROXIES, peer, forwarded) == client


def test_without_trusted_proxies_the_peer_is_the_client() -> None:
    assert behind((), "10.1.2.3", "198.51.100.1") == "10.1.2.3"


def test_the_console_vouches_for_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    header = vouch("198.51.100.1", SECRET)
    assert vouched(header, SECRET) == "198.51.100.1"
    monkeypatch.setattr("shared.addresses.time.time", lambda: 10_000_000_000.0)
    assert vouched(header, SECRET) is None


# Made when it is asked for: one of a minute ago would be refused for its age alone.
@pytest.mark.parametrize(
    "header",
    [
        lambda: "",
        lambda: "198.51.100.1",
        lambda: vouch("198.51.100.1", "x" * 32),
        lambda: vouch("no address", SECRET),
        lambda: service_token("console", SECRET),
    ],
)
def test_nobody_else_vouches(header: Callable[[], str]) -> None:
    assert vouched(header(), SECRET) is None
