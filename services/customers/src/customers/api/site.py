"""The settings of the site."""

from __future__ import annotations

import dataclasses
from typing import Any

from flask import Response

from customers import policies
from customers.api.answers import answered
from customers.schemas.operators import SiteChangesSchema, SiteSchema
from shared.http import Blueprint, database, permission, principal, require_match, transaction

site = Blueprint("settings", __name__, description="What a site decides for itself")


@site.get("/v1/settings")
@site.response(200, SiteSchema)
@permission("customers.read")
def get_settings() -> Response:
    """The rules of this site."""
    with database().transaction(principal().scope) as session:
        found, version = policies.read(session), policies.version(session)
    return answered(dataclasses.asdict(found), version=version)


@site.patch("/v1/settings")
@site.arguments(SiteChangesSchema)
@site.response(200, SiteSchema)
@permission("settings.write")
def change_settings(changes: dict[str, Any]) -> Response:
    """Change some of them; the log has before and after."""
    with transaction() as tx:
        policies.lock(tx.session)
        require_match(policies.version(tx.session))
        policies.refuse_another_zone(tx.session, changes)
        found = policies.change(tx.session, tx.actor, changes)
        version = policies.version(tx.session)
        return tx.answer(None, dataclasses.asdict(found), version=version)
