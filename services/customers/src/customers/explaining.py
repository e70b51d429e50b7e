"""Why a customer is offline: every reason of the books in the order of the statuses, then those that the
network knows, and what helps."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from customers.domain import STATUSES, Customer, StatusFacts, now, status
from customers.persistence import customers

# Status, and what an operator can do about it; `{id}` is the customer's.
ADVICE = {
    "closed": "Nothing: it is closed for good. Create a new customer.",
    "exported": "It is served by another installation.",
    "blocked": "Lift the hold: DELETE /v1/customers/{id}/holds/{hold_id}.",
    "reseller_blocked": "An operator above is blocked: ask who set that hold.",
    "provisionally_terminated": "POST /v1/customers/{id}/activate brings it back.",
    "inactive": "POST /v1/customers/{id}/activate assigns a package and renews it.",
    "suspended": "Take a payment of what is overdue, or POST /v1/customers/{id}/lift-suspension.",
    "reseller_suspended": "Lift the hold `reseller`, here or on the operator above.",
    "service_limited": "Limited, not offline: a payment, or the new period, ends it.",
    "credit_exceeded": "Take a payment, or raise the credit limit.",
    "no_available_funds": "Take a payment that raises the funds above zero.",
    "spending_limit_reached": "It ends by itself at 00:00:00, or raise the spending limit.",
    "vacation": "End the pause: DELETE /v1/customers/{id}/holds/{hold_id}.",
    "lead": 'Make it a customer: PATCH /v1/customers/{id} {"kind": "customer"}.',
}


def why_offline(session: Session, customer: Customer) -> dict[str, Any]:
    """What the books say: `{customer_id, status, online_possible, reasons, network}`."""
    held = customers.inherited_holds(session)
    above = customers.holds_above(held, customer.operator_path)
    facts = customer.status_facts(now(), above)
    reasons = [
        {
            "source": "books",
            "code": name,
            "status": name,
            "reason": why,
            "detail": None,
            "what_to_do": ADVICE[name].replace("{id}", str(customer.id)),
            "at": None,
        }
        for name, why in _all(facts)
    ]
    return {
        "customer_id": customer.id,
        "status": status(facts)[0],
        "online_possible": all(one["status"] == "service_limited" for one in reasons),
        "reasons": reasons,
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
    return sorted((one for one in found if one[0] in ADVICE), key=lambda one: (
        STATUSES.index(one[0]), one[1] or ""))  # fmt: skip
