"""Whether a period follows by itself (reference statuses, the column "recurring charges")."""

from __future__ import annotations

from customers.domain.customer import Customer

# While one of these stands, no period is charged (the column "recurring charges").
UNCHARGED = frozenset({"terminated", "vacation", "export", "funds"})
# While one of these stands, not even a period begins that is paid already.
UNSERVED = frozenset({"terminated", "vacation"})


def renews(customer: Customer) -> bool:
    """Whether another period follows (C11, E25): its bill is paid already; or charges go on, and it is
    paid later or the funds cover it."""
    rules, package, holds = customer.customer_class, customer.package, {*customer.holds}
    if package is None or UNSERVED & holds:
        return False
    if customer.standing != "customer" or customer.activated_at is None:
        return False
    # Of whichever package: payments takes the bill of another one back, and bills the one served.
    if customer.paid_from is not None:
        return True
    if package.retired or not rules.renews or UNCHARGED & holds:
        return False
    if customer.overdue and not rules.charge_while_suspended:
        return False
    return customer.balance_control == "postpaid" or customer.available_funds >= package.charged
