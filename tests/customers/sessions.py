"""What tests of the retention of sessions need: deleted customers whose days are over, and receipts."""

from typing import Any

from customers.subscriptions import SUBSCRIPTIONS
from shared.database import uuid7
from shared.events import Wire
from shared.inbox import take
from tests.customers.conftest import Site


def due(site: Site, username: str, reason: str = "closed_account") -> dict[str, Any]:
    """A deleted customer whose days for sessions are over, and whose own are not."""
    made = site.deleted(username, reason)
    site.change(
        "UPDATE customer SET sessions_erase_after = now() - interval '1 day' WHERE id = :id",
        id=made["id"],
    )
    return made


def asked(site: Site, customer: dict[str, Any]) -> list[Any]:
    return [e for e in site.events(customer["id"]) if e.type == "customer.sessions_erasing"]


def receipt(event: Any, **more: Any) -> Wire:
    """What radius-sync answers."""
    data = event.data | {"rows": {"radacct": 3, "usage_day": 2}, "digest": "d1"} | more
    return {
        "id": str(uuid7()), "type": "customer.sessions_erased", "subject": str(event.subject),
        "sequence": 1, "operatorpath": event.operator_path, "data": data,
    }  # fmt: skip


def hear(site: Site, *events: Wire) -> None:
    take(site.database, SUBSCRIPTIONS, "radius-sync", list(events))
    assert site.rows("SELECT error FROM dead_letter") == []


def lying(site: Site, customer: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = site.admin.get(f"/v1/deleted-customers/{customer['id']}").get_json()
    return found
