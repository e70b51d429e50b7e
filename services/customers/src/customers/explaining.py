"""Why a customer is offline: every reason of the books in the order of the statuses, with who, when and how
much, then those that the network knows, and what helps."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from customers import policies, reasons
from customers.domain import STATUSES, Customer, StatusFacts, now, status
from customers.persistence import customers


def why_offline(session: Session, customer: Customer) -> dict[str, Any]:
    """What the books say: `{customer_id, status, online_possible, reasons, network}`."""
    held = customers.inherited_holds(session)
    above = customers.holds_above(held, customer.operator_path)
    facts = customer.status_facts(now(), above)
    books = reasons.Books(
        customer=customer,
        holds=customers.holds_in_force(session, [customer.id]),
        above=customers.operator_holds_above(session, customer.operator_path) if above else [],
        zone=policies.read(session).time_zone,
    )
    found = [
        {
            "source": "books",
            "code": name,
            "status": name,
            "reason": why,
            "detail": one.detail,
            "what_to_do": one.what_to_do,
            "at": one.at,
        }
        for name, why in _all(facts)
        for one in reasons.of(books, name, why)
    ]
    return {
        "customer_id": customer.id,
        "status": status(facts)[0],
        "online_possible": all(one["status"] == "service_limited" for one in found),
        "reasons": found,
        "network": {
            "subscriber": f"/v1/subscribers/{customer.username}",
            "sessions": f"/v1/sessions?username={customer.username}",
            "service": "radius-sync",
        },
    }


def joined(books: dict[str, Any], network: dict[str, Any]) -> dict[str, Any]:
    """Both, the books' reasons first; `network` as asking.why_offline tells it."""
    state = {name: value for name, value in network.items() if name != "reasons"}
    seen = [
        {"source": "network", "status": None, "reason": None, **one} for one in network["reasons"]
    ]
    return {
        **books,
        "reasons": [*books["reasons"], *seen],
        "network": {**books["network"], **state},
    }


def _all(facts: StatusFacts) -> list[tuple[str, str | None]]:
    """Every status that is true by itself and keeps somebody offline: one row at a time."""
    lead, active = facts.lead, facts.activated or facts.lead
    singles = [
        StatusFacts(closed=facts.closed, activated=True),
        StatusFacts(exported=facts.exported, activated=True),
        *(StatusFacts(holds={kind}, activated=True, lifted=facts.lifted,
                      overdue_effect=facts.overdue_effect, funds_suspend=facts.funds_suspend)
          for kind in sorted(facts.holds)),
        *(StatusFacts(inherited={kind}, activated=True) for kind in sorted(facts.inherited)),
        StatusFacts(activated=active),
        StatusFacts(activated=True, lead=lead),
    ]  # fmt: skip
    found = {status(one) for one in singles}
    return sorted((one for one in found if one[0] in reasons.ADVICE), key=lambda one: (
        STATUSES.index(one[0]), one[1] or ""))  # fmt: skip
