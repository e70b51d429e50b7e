"""What several routes need to know before they act: the branch behind an operator_id."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from customers.persistence import operators as rows
from shared.http import principal


def with_branch(session: Session, filters: dict[str, Any]) -> dict[str, Any]:
    """An `operator_id` stands for everybody below it too. Raises Missing out of the caller's branch."""
    if "operator_id" not in filters:
        return filters
    found = rows.operator(session, principal().scope, filters["operator_id"])
    return {**filters, "operator_path": found.operator_path}
