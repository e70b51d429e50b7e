"""Events out: the feed skips nothing that commits late, and the cursor takes one form only."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.orm import Session

from shared import outbox
from shared.database import EVERYTHING, Database, Scope
from shared.events import BillIssued, CustomerErased, PaymentRecorded
from shared.http.operating import feed as feed_routes
from shared.outbox import decode
from shared.settings import Settings
from shared.tokens import service_token
from tests.shared.toy import service
from tests.shared.toy.service import bearer


def erased(path: str = "1/", sequence: int = 1) -> CustomerErased:
    return CustomerErased(
        subject=uuid4(), sequence=sequence, operator_path=path, erasure_id=UUID(int=1)
    )


def fed(
    database: Database, after: str = "0.0", limit: int = 500, scope: Scope = EVERYTHING, **more: Any
) -> tuple[list[str], str]:
    with database.transaction(scope) as session:
        items, cursor = outbox.feed(
            session, "payments", after=after, limit=limit, scope=scope, **more
        )
    return [item["subject"] for item in items], cursor


def publish(session: Session, *events: Any) -> list[str]:
    outbox.publish(session, *events)
    return [str(event.subject) for event in events]


def test_an_event_leaves_only_with_its_transaction(database: Database) -> None:
    with pytest.raises(RuntimeError), database.transaction() as session:
        outbox.publish(session, erased())
        raise RuntimeError
    assert fed(database)[0] == []


def test_a_transaction_that_commits_late_is_not_skipped(database: Database) -> None:
    """Reliability 2.1: numbers are given before the commit, so order of numbers is not of commits."""
    with database.transaction() as slow:
        late = publish(slow, erased())
        with database.transaction() as quick:
            early = publish(quick, erased())
        shown, cursor = fed(database)
        assert shown == [], "the quick one must wait: a smaller number may still commit"
    again, cursor = fed(database, cursor)
    assert again == late + early
    assert fed(database, cursor)[0] == []


def test_no_event_is_skipped_whatever_the_order_of_commits(database: Database) -> None:
    """Walk after each step of many interleaved transactions; in the end each was seen once."""
    seen: list[str] = []
    cursor = "0.0"
    written: list[str] = []
    for round_ in range(5):
        with database.transaction() as outer:
            written += publish(outer, erased())
            for _ in range(3):
                with database.transaction() as inner:
                    written += publish(inner, erased(), erased())
                found, cursor = fed(database, cursor, limit=2)
                seen += found
            if round_ % 2:
                outer.execute(text("SELECT 1"))
        found, cursor = fed(database, cursor, limit=3)
        seen += found
    while found:
        found, cursor = fed(database, cursor, limit=3)
        seen += found
    assert sorted(seen) == sorted(written)


def test_a_page_ends_where_the_next_begins(database: Database) -> None:
    with database.transaction() as session:
        written = publish(session, *(erased() for _ in range(10)))
    seen: list[str] = []
    cursor = "0.0"
    for _ in range(4):
        found, cursor = fed(database, cursor, limit=3)
        seen += found
    assert seen == written


def test_a_subscriber_of_rare_types_does_not_read_the_others_again(database: Database) -> None:
    with database.transaction() as session:
        publish(session, *(erased() for _ in range(5)))

    none, cursor = fed(database, types=["bill.issued"])
    with database.transaction() as session:
        (bill,) = publish(
            session,
            BillIssued(
                subject=uuid4(), sequence=1, operator_path="1/", bill_id=uuid4(),
                total=Decimal("5.00"), currency="BDT", due_at=datetime.now(UTC),
            ),
        )  # fmt: skip

    assert none == []
    assert fed(database, cursor)[0] == [bill], "the cursor moved past the five"


def test_a_cursor_from_before_a_restored_dump_starts_again(
    database: Database, settings: Settings
) -> None:
    """A new server counts transactions from the start: the old cursor would hide what is new."""
    with database.transaction() as session:
        written = publish(session, erased(), erased())
        session.execute(text("UPDATE outbox SET xid = '900000000000'"))
    assert fed(database)[0] == []

    service.migrate(settings)

    assert fed(database, "900000000000.7")[0] == written


def test_a_reseller_hears_of_its_own_branch_only(database: Database) -> None:
    with database.transaction() as session:
        publish(session, erased("1/5/"))
        (mine,) = publish(session, erased("1/4/9/"))
    assert fed(database, scope=Scope("1/4/"))[0] == [mine]


def test_the_feed_over_http_gives_cloudevents_that_decode(
    client: FlaskClient, database: Database, settings: Settings
) -> None:
    event = PaymentRecorded(
        subject=uuid4(), sequence=3, operator_path="1/4/", payment_id=uuid4(),
        amount=Decimal("500.10"), currency="BDT", method="cash",
    )  # fmt: skip
    with database.transaction() as session:
        outbox.publish(session, event, actor="north")
    token = service_token("customers", settings.service_secret)

    answer = client.get(
        "/v1/events?type=payment.recorded", headers={"Authorization": f"Bearer {token}"}
    )

    (item,) = answer.get_json()["items"]
    assert decode(item) == event
    assert (item["specversion"], item["source"], item["actorid"]) == ("1.0", "/payments", "north")
    assert feed_routes.CloudEventSchema().validate(item) == {}


def test_a_walk_over_http_ends_and_begins_at_the_cursor(
    client: FlaskClient, database: Database
) -> None:
    with database.transaction() as session:
        written = publish(session, *(erased() for _ in range(7)))
    seen: list[str] = []
    after = "0.0"
    for _ in range(4):
        answer = client.get(f"/v1/events?limit=2&after={after}", headers=bearer()).get_json()
        seen += [item["subject"] for item in answer["items"]]
        after = answer["next_cursor"]
    assert seen == written


def test_the_relays_look_reads_a_short_index_however_long_the_outbox(database: Database) -> None:
    with database.transaction() as session:
        session.execute(
            text(
                "INSERT INTO outbox (id, type, subject, sequence, operator_path, data)"
                " SELECT gen_random_uuid(), 'x', gen_random_uuid(), 1, '1/', '{}'"
                " FROM generate_series(1, 20000)"
            )
        )
        session.execute(text("RESET ROLE"))
        session.execute(text("ANALYZE outbox"))
        plan = "\n".join(
            session.scalars(
                text(f"EXPLAIN {outbox._UNSENT.text}"), {"most": 2000, "batch": 500, "source": "/a"}
            )
        )
        assert "outbox_unsent" in plan
        assert "Seq Scan on outbox " not in plan, plan


def test_a_sealed_password_is_told_to_services_only() -> None:
    customer = {"name": "Alice", "password": "sealed"}
    event = {"type": "customer.created", "data": {"customer": customer}}
    assert outbox.told_outside(event)["data"] == {"customer": {"name": "Alice"}}
    assert customer["password"] == "sealed", "what was given stays as it was"
    other = {"type": "access.changed", "data": {"access": "open"}}
    assert outbox.told_outside(other) is other
