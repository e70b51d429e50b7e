"""What payments holds on a person: every table that names the customer, and what hangs on those."""

import orjson
from flask.testing import FlaskClient

from payments.settings import PaymentsSettings
from shared.tokens import service_token
from tests.payments.stage import Stage
from tests.payments.test_erasure import NEEDLES, person, traces


def test_everything_of_the_person_is_in_it_and_nothing_of_another(
    stage: Stage, client: FlaskClient, settings: PaymentsSettings
) -> None:
    """A40: bills with their items, payments with what they paid, the ledger, the log."""
    customer = person(stage)
    other = stage.customer("Ormond Blackwater")
    stage.activate(other, stage.package("700.00"))
    token = service_token("customers", settings.service_secret)
    answer = client.get(
        f"/v1/data-subjects/{customer}", headers={"Authorization": f"Bearer {token}"}
    )
    assert answer.status_code == 200, answer.text
    lines = [orjson.loads(line) for line in answer.data.splitlines()]
    assert lines.pop() == {"end": True}
    tables = {line["table"] for line in lines}
    amounts = {row["row"]["amount"] for row in lines if row["table"] == "payment"}
    assert all(isinstance(amount, str) for amount in amounts), "digits, not a float"
    assert {"payment", "bill", "bill_item", "allocation", "customer_fact", "outbox"} <= tables
    # Wherever the search of the erasure tests finds the person, the file has a row of it.
    assert {place.split(".")[0] for place in traces(stage)} <= tables
    for needle in NEEDLES:
        assert needle.encode() in answer.data, needle
    assert str(other).encode() not in answer.data and b"Blackwater" not in answer.data
