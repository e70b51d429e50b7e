"""What tests of erasure need: the other services' receipts, and the saga driven to its end."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from customers import certifying, erasure_saga, erasure_searches, filing
from customers.erasing_subscriptions import SUBSCRIPTIONS
from customers.exporting import RESOURCES
from shared.database import uuid7
from shared.events import Wire
from shared.inbox import take
from tests.customers.conftest import Caller, Site

OTHERS = ("payments", "radius-sync")


def ask(site: Site, customer: dict[str, Any], caller: Caller | None = None, **more: Any) -> str:
    """Ask for the erasure of one; the id of the erasure."""
    body = {"confirm": customer["customer_number"], "legal_basis": "GDPR article 17"} | more
    answer = (caller or site.admin).bulk(f"/v1/deleted-customers/{customer['id']}/erase", body)
    assert answer.status_code == 202, answer.text
    return str(answer.get_json()["id"])


def advance(site: Site) -> int:
    return erasure_saga.advance(site.database, site.settings, RESOURCES)


def receipt(erasure_id: str, customer_id: str, service: str, **rows: int) -> Wire:
    return {
        "id": str(uuid7()),
        "type": "erasure.receipt",
        "subject": customer_id,
        "sequence": 1,
        "operatorpath": "1/",
        "data": {
            "erasure_id": erasure_id,
            "service": service,
            "rows": rows or {"customer_fact": 1},
            "digest": f"digest of {service} {customer_id}",
        },
    }


def answer(
    site: Site, erasure_id: str, ids: Iterable[str | UUID], services: Sequence[str] = OTHERS
) -> None:
    """The receipts of other services, as they come."""
    for service in services:
        batch = [receipt(erasure_id, str(one), service) for one in ids]
        take(site.database, SUBSCRIPTIONS, service, batch)
    assert site.rows("SELECT error FROM dead_letter") == []


def searched(erasure_id: str, service: str, *hits: dict[str, Any]) -> Wire:
    """What a service says once it has searched."""
    return {
        "id": str(uuid7()),
        "type": "erasure.searched",
        "subject": erasure_id,
        "sequence": 1,
        "operatorpath": "1/",
        "data": {
            "service": service, "columns": 100, "needles": 3, "shared_with_others": 0,
            "names_searched": True, "hits": list(hits),
        },
    }  # fmt: skip


def search_elsewhere(site: Site) -> None:
    """The others are asked for what is due, and find nothing."""
    with site.database.transaction() as session:
        erasure_searches.ask(session)
    asked = site.rows("SELECT id FROM erasure WHERE search_asked_at IS NOT NULL")
    for service in OTHERS:
        take(site.database, SUBSCRIPTIONS, service, [searched(str(r.id), service) for r in asked])


def certify(site: Site) -> int:
    """Nothing is certified before its tombstones are in the file."""
    filing.file_due(site.database, site.settings)
    search_elsewhere(site)
    return certifying.certify_due(site.database, site.settings)


def erase(site: Site, customer: dict[str, Any], **more: Any) -> str:
    """From asking to the certificate."""
    erasure_id = ask(site, customer, **more)
    advance(site)
    answer(site, erasure_id, [customer["id"]])
    assert certify(site) == 1
    return erasure_id
