"""Where events are never sent to: inwards, on by a redirect, or to who drips (SSRF)."""

from __future__ import annotations

import socket
import threading
from typing import Any

import pytest

from customers.webhooks.sending import NotAllowed, check, post
from tests.customers.conftest import Site


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/hook", "ftp://example.org", "https://", "https://user:pw@example.org/",
        "https://127.0.0.1/", "https://10.0.0.1/", "https://169.254.169.254/latest/meta-data",
        "https://[::1]/", "https://[::ffff:127.0.0.1]/", "https://192.168.1.1:8443/",
        "https://0.0.0.0/", "https://example.org:0/", "https://exa mple.org/", "https://[", "hook",
    ],
)  # fmt: skip
def test_an_address_that_leads_inwards_is_refused_at_the_door(site: Site, url: str) -> None:
    """OWASP API7."""
    refused = site.admin.post("/v1/webhook-endpoints", {"url": url})
    assert refused.status_code == 422, url
    assert refused.get_json()["errors"][0]["pointer"] == "/url"


def test_a_name_that_leads_inwards_is_refused_when_it_is_resolved(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """OWASP API7: of several addresses one private is enough; so is a name that nobody knows."""

    def resolved(*addresses: str) -> Any:
        return lambda *_, **__: [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, 443)) for one in addresses
        ]

    monkeypatch.setattr(socket, "getaddrinfo", resolved("93.184.216.34", "10.0.0.5"))
    refused = post("https://inwards.example/", b"{}", {}, private=False)
    assert refused.error == "leads to an address that is not public"


def test_a_receiver_that_drips_is_cut_off() -> None:
    """It would hold a thread for as long as it likes."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def drip() -> None:
            link, _ = server.accept()
            with link:
                link.sendall(b"HTTP/1.1 2")
                while link.recv(4096):
                    pass

        thread = threading.Thread(target=drip, daemon=True)
        thread.start()
        port = server.getsockname()[1]
        found = post(f"http://127.0.0.1:{port}/", b"{}", {}, private=True, seconds=0.3)
        thread.join()
    assert not found.delivered and found.error is not None


def test_what_is_fine_is_let_through() -> None:
    assert check("https://example.org:8443/hook?a=b", private=False).hostname == "example.org"
    with pytest.raises(NotAllowed):
        check("http://127.0.0.1/", private=False)
    assert check("http://127.0.0.1/", private=True).hostname == "127.0.0.1"
