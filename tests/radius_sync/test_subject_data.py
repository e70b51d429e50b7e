"""What radius-sync holds on a person: by customer, and by login of the time it was the person's."""

from uuid import UUID, uuid4

import orjson

from radius_sync.settings import Settings
from radius_sync.web import build
from shared.database import Database
from shared.tokens import service_token
from tests.radius_sync.accounting import start, stop
from tests.radius_sync.facts import customer, hear, package


def test_a_login_that_had_another_owner_gives_each_the_own_sessions(
    settings: Settings, database: Database
) -> None:
    """F32: the person's data are in it, and nobody else's."""
    first, second = uuid4(), uuid4()
    hear(database, package(), customer("rahim", first))
    start(database, "rahim", "of-the-first")
    stop(database, "of-the-first")
    hear(database, customer("rahim", first, standing="deleted", type_="customer.deleted"))
    hear(database, customer("rahim", second))
    start(database, "rahim", "of-the-second")
    app = build(settings)
    headers = {"Authorization": f"Bearer {service_token('customers', settings.service_secret)}"}

    def held(of: UUID) -> dict[str, list[dict[str, object]]]:
        answer = app.test_client().get(f"/v1/data-subjects/{of}", headers=headers)
        assert answer.status_code == 200, answer.text
        lines = [orjson.loads(line) for line in answer.data.splitlines()]
        assert lines.pop() == {"end": True}
        tables: dict[str, list[dict[str, object]]] = {}
        for line in lines:
            tables.setdefault(line["table"], []).append(line["row"])
        return tables

    for of, own in ((first, "of-the-first"), (second, "of-the-second")):
        tables = held(of)
        assert [row["acctsessionid"] for row in tables["radacct"]] == [own]
        assert {row["customer_id"] for row in tables["subscriber"]} == {str(of)}
    assert "radcheck" not in held(first)
    values = {row["value"] for row in held(second)["radcheck"]}
    assert "[sealed]" in values and not any(str(v).startswith("v1:") for v in values)
    unknown = app.test_client().get(f"/v1/data-subjects/{uuid4()}", headers=headers)
    assert unknown.status_code == 404
    app.extensions["tenure.database"].close()
