"""The demo site: small, whole, and the same every time."""

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Engine, event

from customers import demo
from shared.settings import BadSetting
from tests.customers.conftest import Site


def test_the_demo_is_made_by_few_statements_and_only_once(site: Site) -> None:
    """Seconds on any machine: whoever tries the site waits for it."""
    heard: list[str] = []

    def hear(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        heard.append(statement)

    event.listen(Engine, "before_cursor_execute", hear)
    try:
        demo.fill(site.settings)
    finally:
        event.remove(Engine, "before_cursor_execute", hear)
    assert len(heard) < 3 * demo.SIZE
    demo.fill(site.settings)
    assert site.one("SELECT count(*) AS n FROM customer").n == demo.SIZE
    reasons = site.rows("SELECT DISTINCT deletion_reason FROM customer WHERE state = 'deleted'")
    assert len(reasons) == 5
    online = site.rows(
        "SELECT username FROM customer WHERE status = 'active' AND service_type = 'pppoe'"
        " ORDER BY username LIMIT 60"
    )
    assert [row.username for row in online] == [f"demo{n:04d}" for n in range(1, 61)]


def test_every_demo_customer_is_told_of_as_it_is_now(site: Site) -> None:
    demo.fill(site.settings)
    stale = site.rows(
        "SELECT c.username FROM customer c WHERE NOT EXISTS (SELECT FROM outbox o"
        " WHERE o.subject = c.id AND o.sequence = c.version"
        " AND (o.data -> 'customer' ->> 'standing' = 'deleted') = (c.state = 'deleted'))"
    )
    assert stale == []
    north = site.admin.client.post(
        "/v1/tokens", json={"username": "north", "password": "north-demo"}
    )
    assert north.status_code == 200, north.text


def test_demo_data_are_refused_where_the_demo_is_off(site: Site) -> None:
    with pytest.raises(BadSetting, match="TENURE_DEMO"):
        demo.fill(replace(site.settings, demo=False))
