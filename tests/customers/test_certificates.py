"""Certificates: anybody can verify them, nobody can forge them (B30), and the log holds them."""

import hashlib
from typing import Any

import pytest
from joserfc.jwk import KeySet, OKPKey

from customers import certificates
from customers.certificates import Forged, canonical, verify
from tests.customers.conftest import Site
from tests.customers.erasing import ask, erase


@pytest.fixture
def certified(site: Site) -> dict[str, Any]:
    erasure = erase(site, site.deleted("vexworth.q", name="Quillon Vexworth"))
    body: dict[str, Any] = site.admin.get(f"/v1/erasures/{erasure}/certificate").get_json()
    return body


def keys(site: Site) -> KeySet:
    return KeySet.import_key_set(site.admin.get("/.well-known/jwks.json").get_json())


def test_a_certificate_verifies_with_the_published_key(
    site: Site, certified: dict[str, Any]
) -> None:
    verify(certified["document"], certified["signature"], keys(site))
    document = certified["document"]
    assert document["format"] == certificates.VERSION
    assert document["legal_basis"] == "GDPR article 17" and document["requested_by"] == "admin"
    assert set(document["services"]) == {"customers", "payments", "radius-sync"}
    assert document["services"]["payments"]["rows"] == {"customer_fact": 1}
    assert len(document["subjects"]) == 1
    assert "vexworth" not in str(certified).lower()


@pytest.mark.parametrize(
    "change",
    [
        {"subjects": ["019ab000-0000-7000-8000-000000000001"]},
        {"legal_basis": "another one"},
        {"leftovers": {}},
        {"more": True},
    ],
)
def test_a_changed_certificate_is_a_forgery(
    site: Site, certified: dict[str, Any], change: dict[str, Any]
) -> None:
    with pytest.raises(Forged):
        verify(certified["document"] | change, certified["signature"], keys(site))


def test_a_certificate_of_another_key_is_a_forgery(certified: dict[str, Any]) -> None:
    stranger = OKPKey.generate_key("Ed25519", parameters={"kid": certified["kid"]})
    with pytest.raises(Forged):
        verify(certified["document"], certified["signature"], KeySet([stranger]))


def test_a_retired_key_still_verifies(site: Site, certified: dict[str, Any]) -> None:
    site.change("UPDATE signing_key SET retired_at = now()")
    site.caller(site.admin.id, "1/", "admin")
    assert len(site.rows("SELECT * FROM signing_key")) == 2
    verify(certified["document"], certified["signature"], keys(site))


def test_the_chained_log_holds_the_digest(site: Site, certified: dict[str, Any]) -> None:
    (entry,) = site.admin.get("/v1/operations?action=erasure.certified").get_json()["items"]
    digest = hashlib.sha256(canonical(certified["document"])).hexdigest()
    assert entry["after"]["sha256"] == digest and entry["subject"]
    assert site.admin.get("/v1/operations/verify").get_json()["intact"]


def test_there_is_no_certificate_before_the_end(site: Site) -> None:
    erasure = ask(site, site.deleted("rahim"))
    early = site.admin.get(f"/v1/erasures/{erasure}/certificate")
    assert early.status_code == 409 and early.get_json()["type"].endswith("/no-certificate")
