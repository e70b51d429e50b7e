"""What several routes need to know before they act: the branch behind an operator_id, whom a search
means."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from customers import finding
from customers.persistence import operators as rows
from customers.persistence.matching import State
from shared.database import Database
from shared.http import principal


def with_matches(source: Database, state: State, arguments: dict[str, Any]) -> dict[str, Any]:
    """Whom `q` means, looked up beforehand: for the first page of the plain list no more than it shows,
    and one to know whether it goes on."""
    if "q" not in arguments:
        return arguments
    plain = arguments.keys() <= {"q", "limit", "include"}
    first = arguments["limit"] + 1 if plain else None
    found = finding.find(source, principal().scope, state, arguments["q"], first)
    return {**arguments, "found": found, "among": found.among}


def told(body: dict[str, Any], arguments: dict[str, Any]) -> dict[str, Any]:
    """A page, and whether it holds only those who nearly fit."""
    return body | {"approximate": arguments["found"].approximate} if "found" in arguments else body


def with_branch(session: Session, filters: dict[str, Any]) -> dict[str, Any]:
    """An `operator_id` stands for everybody below it too. Raises Missing out of the caller's branch."""
    if "operator_id" not in filters:
        return filters
    found = rows.operator(session, principal().scope, filters["operator_id"])
    return {**filters, "operator_path": found.operator_path}
