"""A customer as of a past moment."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response

from customers.api.answers import answered
from customers.persistence import customers as rows
from customers.recalling import as_of
from customers.schemas.recalling import AsOfArguments, AsOfSchema
from shared.http import Blueprint, database, permission, principal

recalling = Blueprint("recalling", __name__, description="A customer as of a past moment")


@recalling.get("/v1/customers/<uuid:customer_id>/as-of")
@recalling.arguments(AsOfArguments, location="query")
@recalling.response(200, AsOfSchema)
@permission("customers.read")
def get_as_of(arguments: dict[str, Any], customer_id: UUID) -> Response:
    """How the customer was at that moment, living or deleted: profile, status, holds."""
    scope = principal().scope
    with database().reading(scope) as session:
        found = rows.read_any(session, scope, customer_id)
    # The customer is the caller's to see; what was logged under another operator is of the past, too.
    with database().reading() as session:
        return answered(as_of(session, found, arguments["at"]))
