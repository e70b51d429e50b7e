"""Every route × every role, from the URL map: who may not is told so before anything is read (B4, B20)."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from payments.settings import PaymentsSettings
from shared.database import Database
from shared.tokens import PERMISSIONS, Role, service_token
from tests.payments.stage import Stage
from tests.support.route_matrix import Ask, routes, wrong_refusals, wrongly_open

ROLES: tuple[Role, ...] = ("admin", "manager", "reseller", "service")
# Whatever a route writes, it writes in one of these too.
LEFT = ("operation", "outbox", "job", "ledger_transaction", "idempotency")


def asking(stage: Stage, settings: PaymentsSettings, role: Role) -> Ask:
    if role == "service":
        token = service_token("customers", settings.service_secret)
        headers = {"Authorization": f"Bearer {token}"}
    else:
        headers = stage.bearer("1/", role)

    def ask(method: str, place: str, body: Any) -> Any:
        key = f"matrix-{next(stage.keys):08d}"
        return stage.client.open(
            place, method=method, json=body,
            headers={**headers, "Idempotency-Key": key, "If-Match": "*"},
        )  # fmt: skip

    return ask


def everything(database: Database) -> list[int]:
    with database.transaction() as session:
        return [session.scalar(text(f"SELECT count(*) FROM {table}")) or 0 for table in LEFT]


@pytest.mark.parametrize("role", ROLES)
def test_a_route_answers_403_to_a_role_exactly_when_it_lacks_the_permission(
    app: Flask, stage: Stage, settings: PaymentsSettings, database: Database, role: Role
) -> None:
    granted, before = PERMISSIONS[role], everything(database)
    wrong = wrong_refusals(
        app, asking(stage, settings, role), lambda needed: "*" in granted or needed in granted
    )
    assert wrong == []
    assert everything(database) == before


def test_nobody_without_a_token_gets_beyond_what_is_public(app: Flask) -> None:
    assert len(routes(app)) > 80
    assert wrongly_open(app) == []
