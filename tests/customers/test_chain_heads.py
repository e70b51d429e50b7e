"""The head of every operations log, signed once a day: a log that was rewritten whole is found (A39)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from joserfc import jws
from joserfc.jwk import KeySet
from sqlalchemy import text

from customers.chain_heads import take_due
from shared import operations
from shared.database import Database
from shared.operations import SYSTEM
from shared.tokens import ALGORITHM
from tests.customers.conftest import Site
from tests.customers.neighbour import neighbour


@pytest.fixture(autouse=True)
def no_midnight(monkeypatch: pytest.MonkeyPatch) -> None:
    """A day that no test outlasts; `tomorrow` brings the next one."""
    monkeypatch.setattr("customers.chain_heads.DAY", 10**9)


@pytest.fixture
def payments(site: Site, postgres: str, redis_url: str, tmp_path: Path) -> Iterator[Database]:
    """A service of that name with a log; radius-sync is away."""
    with neighbour(site, postgres, redis_url, tmp_path, "payments") as opened:
        yield opened


def note(books: Database, action: str) -> None:
    with books.transaction() as session:
        operations.record(session, SYSTEM, action, "thing", None, operator_path="1/")


def heads(site: Site, service: str) -> list[dict[str, Any]]:
    answer = site.admin.get(f"/v1/operations/heads?service={service}")
    assert answer.status_code == 200, answer.text
    return list(answer.get_json()["items"])


def tomorrow(site: Site) -> None:
    site.change("UPDATE tick SET slot = slot - 1 WHERE name LIKE 'customers.head.%'")
    site.change("UPDATE tick SET at = at - interval '1 day' WHERE name LIKE 'customers.head.%'")


def rewrite(books: Database) -> None:
    """Somebody who may do everything in the database changes a row, and chains all of it anew."""
    with books.engine.connect() as connection:
        connection.execute(text("RESET ROLE"))
        for table in ("operation", "operation_seal"):
            connection.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
        connection.execute(text("UPDATE operation SET actor = 'somebody else'"))
        connection.execute(text("DELETE FROM operation_seal"))
        connection.execute(
            text(
                "INSERT INTO operation_unsealed (operation_id) SELECT id FROM operation ORDER BY at"
            )
        )
        connection.execute(text("SELECT operation_seal_new(10000)"))
        for table in ("operation", "operation_seal"):
            connection.execute(text(f"ALTER TABLE {table} ENABLE TRIGGER USER"))
        connection.commit()
        connection.invalidate()


def test_a_head_is_signed_once_a_day_for_every_service_that_answers(
    site: Site, payments: Database
) -> None:
    """B21, A39."""
    site.customer("rahim")
    note(payments, "thing.made")
    assert take_due(site.database, site.settings) == 2
    assert take_due(site.database, site.settings) == 0
    assert heads(site, "radius-sync") == []
    keys = KeySet.import_key_set(site.app.test_client().get("/.well-known/jwks.json").get_json())
    for service in ("customers", "payments"):
        (head,) = heads(site, service)
        signed = jws.deserialize_compact(head["token"], keys, algorithms=[ALGORITHM])
        assert orjson.loads(signed.payload) == {
            name: head[name] for name in ("service", "position", "hash", "at")
        }
        assert head["former_fits"] is None
    assert heads(site, "customers")[0]["fits"] is True


def test_a_log_that_was_rewritten_whole_is_found_by_its_heads(
    site: Site, payments: Database
) -> None:
    """B21: the chain alone verifies; the head that was signed before does not fit any more."""
    site.customer("rahim")
    note(payments, "thing.made")
    take_due(site.database, site.settings)
    noted = {service: heads(site, service)[0] for service in ("customers", "payments")}
    place = "/v1/operations/verify?position={position}&hash={hash}"
    before = site.admin.get(place.format(**noted["customers"])).get_json()
    assert before["intact"] and before["head_fits"] is True

    rewrite(site.database)
    rewrite(payments)
    after = site.admin.get(place.format(**noted["customers"])).get_json()
    assert after["intact"] and after["head_fits"] is False
    assert heads(site, "customers")[0]["fits"] is False
    tomorrow(site)
    assert take_due(site.database, site.settings) == 2
    for service in ("customers", "payments"):
        assert heads(site, service)[0]["former_fits"] is False, service
    exposed = site.app.test_client().get("/metrics").text
    assert "tenure_chain_heads_broken 2.0" in exposed


def test_a_log_that_only_grew_keeps_its_heads(site: Site, payments: Database) -> None:
    note(payments, "thing.made")
    take_due(site.database, site.settings)
    for n in range(3):
        site.customer(f"more{n}")
        note(payments, "thing.changed")
    tomorrow(site)
    take_due(site.database, site.settings)
    for service in ("customers", "payments"):
        later, earlier = heads(site, service)
        assert later["former_fits"] is True and later["position"] > earlier["position"]


def test_heads_are_for_those_who_see_the_whole_site_and_never_change(site: Site) -> None:
    north = site.operator("north", "manager")
    assert north.get("/v1/operations/heads").status_code == 403
    site.customer("rahim")
    take_due(site.database, site.settings)
    with pytest.raises(Exception, match="permission denied"):
        site.change("UPDATE chain_head SET hash = ''")
    half = site.admin.get("/v1/operations/verify?position=1")
    assert half.status_code == 422
