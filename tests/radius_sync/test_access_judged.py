"""Facts, to rows, to FreeRADIUS' answer: what the rule of access says is what a NAS is told."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from local_site.ports import free_ports
from radius_sync import simulating
from radius_sync.domain import Access, Facts, access
from radius_sync.freeradius import main as write_configuration
from radius_sync.freeradius.arguments import configuration_arguments
from radius_sync.settings import DEMO_NAS_SECRET, Settings
from shared.database import Database
from tests.radius_sync.facts import PACKAGE, account, customer, hear, package
from tests.support.radclient import Method, Reply, access_request
from tests.support.servers import start_freeradius

HOLDS = ["admin", "fraud", "vacation", "overdue", "credit", "funds", "spending", "fair_use",
         "reseller", "payment_frozen"]  # fmt: skip
FACTS = st.fixed_dictionaries(
    {
        "standing": st.sampled_from(["customer"] * 8 + ["closed", "deleted"]),
        "holds": st.lists(st.sampled_from(HOLDS), max_size=2, unique=True),
        "service_type": st.sampled_from(["pppoe", "hotspot", "static", "other"]),
        "package_id": st.sampled_from([str(PACKAGE)] * 5 + [None]),
        "activated": st.sampled_from([True] * 5 + [False]),
        "expired": st.sampled_from([False] * 5 + [True]),
        "static_address": st.sampled_from([None, "203.0.113.9"]),
        "overdue_effect": st.sampled_from(["suspend", "limit"]),
        "suspended_access": st.sampled_from(["walled", "blocked"]),
        "balance_control": st.sampled_from(["prepaid", "postpaid"]),
        "credit_limit": st.sampled_from([None, "100.00"]),
    }
)
MONEY = st.fixed_dictionaries(
    {"overdue": st.booleans(), "outstanding": st.sampled_from(["0", "100.00", "100.01"])}
)
METHODS: tuple[Method, ...] = ("pap", "chap", "mschap")


@dataclass(frozen=True)
class Judge:
    """FreeRADIUS over the books of one test."""

    port: int
    database: Database

    def asks(self, username: str, method: Method) -> Reply:
        secret = f"secret-{username}"
        return access_request(self.port, DEMO_NAS_SECRET, username, secret, method)


@pytest.fixture
def judge(settings: Settings, database: Database, tmp_path: Path) -> Iterator[Judge]:
    (port, accounting), folder = free_ports(2, "udp"), tmp_path / "freeradius"
    arguments = [
        *configuration_arguments(settings),
        *("--out", str(folder), "--auth-port", str(port), "--acct-port", str(accounting)),
        *("--password-key", settings.secret_key.hex(), "--reject-delay", "0"),
    ]
    assert write_configuration(arguments) == 0
    process = start_freeradius(folder)
    hear(database, package())
    yield Judge(port, database)
    process.stop()


@examples(
    max_examples=80,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(facts=FACTS, money=MONEY, method=st.sampled_from(METHODS))
def test_every_combination_is_answered_as_the_rule_says_c2_to_c38(
    judge: Judge, facts: dict[str, Any], money: dict[str, Any], method: Method
) -> None:
    facts = dict(facts)
    now, customer_id = datetime.now(UTC), uuid4()
    expires = now + timedelta(days=-1 if facts.pop("expired") else 1)
    username = f"u{customer_id.hex}"
    event = customer(username, customer_id, **facts, expires_at=expires.isoformat())
    hear(judge.database, event, account(customer_id, **money))
    wanted = access(_facts(facts, money, expires), now).access

    answer = judge.asks(username, method)

    assert answer.accepted == wanted.entitled, (wanted, answer)
    if wanted.entitled:
        _has_what_the_access_gives(answer.attributes, wanted, facts["static_address"])
    if wanted is not Access.REMOVED:
        _is_simulated(judge, username, method, answer)


def _has_what_the_access_gives(
    attributes: dict[str, str], wanted: Access, address: str | None
) -> None:
    rates = {Access.OPEN: "5000k/20000k", Access.LIMITED: "512k/512k", Access.WALLED: None}
    assert attributes.get("Mikrotik-Rate-Limit") == rates[wanted]
    assert attributes.get("Mikrotik-Address-List") == (
        "walled" if wanted is Access.WALLED else None
    )
    assert attributes.get("Framed-IP-Address") == address
    assert 86_400 * 0.9 < int(attributes["Session-Timeout"]) <= 86_400
    assert "Class" in attributes


def _is_simulated(judge: Judge, username: str, method: Method, answer: Reply) -> None:
    with judge.database.transaction() as session:
        told = simulating.simulate(session, username, {"password_form": method})
    assert told is not None
    assert told["answer"] == ("accept" if answer.accepted else "reject")
    names = {pair["name"] for pair in told["attributes"]}
    # The server's own: keys of MS-CHAP, and from 3.2.5 on a signature in any answer.
    made = ("MS-", "Message-Authenticator")
    assert names == {name for name in answer.attributes if not name.startswith(made)}
    simulated = {pair["name"]: pair["value"] for pair in told["attributes"]}
    if answer.accepted:
        assert simulated["Session-Timeout"] == answer.attributes["Session-Timeout"]
    assert f"secret-{username}" not in json.dumps(told)


def _facts(facts: dict[str, Any], money: dict[str, Any], expires: datetime) -> Facts:
    same = ("standing", "activated", "overdue_effect", "suspended_access", "balance_control")
    limit = facts["credit_limit"]
    return Facts(
        **{name: facts[name] for name in same},
        package_known=facts["package_id"] is not None,
        expires_at=expires,
        holds=frozenset(facts["holds"]),
        lift_suspension_until=None,
        credit_limit=None if limit is None else Decimal(limit),
        overdue=money["overdue"],
        outstanding=Decimal(money["outstanding"]),
    )
