"""The rules of a customer's life: plain dataclasses; what changes returns the event it caused."""

from customers.domain.belongings import Account, Hold
from customers.domain.customer import Customer
from customers.domain.errors import IsDeleted, IsErased, Missing, NotAllowed, NotValid, Refusal
from customers.domain.operators import (
    OPERATOR_HOLDS,
    ApiKey,
    CustomerClass,
    Operator,
    OperatorHold,
    Package,
    ancestors,
    now,
)
from customers.domain.renewal import renews
from customers.domain.status import (
    ABOVE_BLOCK,
    ABOVE_PAUSE,
    ENDED_BY_ACTIVATION,
    FINAL,
    STATUSES,
    StatusFacts,
    shown,
    status,
)

__all__ = [
    "ABOVE_BLOCK",
    "ABOVE_PAUSE",
    "ENDED_BY_ACTIVATION",
    "FINAL",
    "OPERATOR_HOLDS",
    "STATUSES",
    "Account",
    "ApiKey",
    "Customer",
    "CustomerClass",
    "Hold",
    "IsDeleted",
    "IsErased",
    "Missing",
    "NotAllowed",
    "NotValid",
    "Operator",
    "OperatorHold",
    "Package",
    "Refusal",
    "StatusFacts",
    "ancestors",
    "now",
    "renews",
    "shown",
    "status",
]
