"""Why a login is offline."""

from __future__ import annotations

from typing import Any

from radius_sync import explaining, persistence
from radius_sync.schemas.explaining import WhyOfflineSchema
from shared.http import Blueprint, database, permission, principal
from shared.http.problems import not_found

why_offline = Blueprint("why offline", __name__, description="Why a login is offline")


@why_offline.get("/v1/subscribers/<username>/why-offline")
@why_offline.response(200, WhyOfflineSchema)
@permission("subscribers.read")
def explain_login(username: str) -> Any:
    """Each reason that the network's tables show, the strongest first, with what to do: rows in force,
    rows not yet applied, the last answers, the last disconnect, the NAS, the RADIUS server."""
    scope = principal().scope
    with database().transaction(scope) as session:
        login = persistence.one_login(session, username, scope)
        if login is None:
            raise not_found("subscriber")
        return explaining.why_offline(session, login)
