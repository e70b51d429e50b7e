"""A change of an open session is what the next login would be told, or takes that login."""

from uuid import uuid4

import pytest
from sqlalchemy import text

from radius_sync.disconnecting import Sender
from radius_sync.nas_simulator import NasSimulator
from radius_sync.settings import Settings
from shared.database import Database
from tests.radius_sync.cutting import (
    ANSWERING,
    SECRET,
    cut,
    due_now,
    online,
    orders,
    register,
)
from tests.radius_sync.facts import account, customer, hear, package
from tests.radius_sync.provisioned import sweep_all

# By (vendor, limited): what a session of 5 Mbit/s up and 20 down has been told last, by attribute.
TOLD = {
    ("cisco", True): {"Cisco-AVPair": "ip:sub-qos-policy-out=RATE-512k"},
    ("cisco", False): {"Cisco-AVPair": "ip:sub-qos-policy-out=RATE-20000k"},
    ("juniper", True): {
        "ERX-Service-Deactivate": "RATE(5000k,20000k)", "ERX-Service-Activate": "RATE(512k,512k)",
    },
    ("juniper", False): {
        "ERX-Service-Deactivate": "RATE(512k,512k)", "ERX-Service-Activate": "RATE(5000k,20000k)",
    },
}  # fmt: skip


def test_a_package_with_a_rate_of_its_own_gets_that_back_after_the_limit(
    database: Database, settings: Settings
) -> None:
    alice, burst = uuid4(), "5M/20M 8M/40M"
    sender = Sender(database, settings.secret_key, ANSWERING)
    hear(database, package(attributes={"Mikrotik-Rate-Limit": burst}), customer("alice", alice))
    with NasSimulator(SECRET.encode(), send_stop=False) as nas:
        register(database, settings, nas)
        online(database, nas, "alice")
        for holds, rate in ((["fair_use"], "512k/512k"), ([], burst)):
            hear(database, customer("alice", alice, holds=holds))
            sender.run()
            assert nas.sessions[0].rate == rate
        for overdue in (True, False):
            hear(database, account(alice, overdue=overdue))
            sender.run()
        assert (nas.sessions[0].address_list, nas.sessions[0].rate) == ("open", burst)
        assert cut(nas) == []


def test_a_nokia_is_limited_in_session_and_a_package_of_profiles_logs_in_again(
    database: Database, settings: Settings
) -> None:
    alice = uuid4()
    sender = Sender(database, settings.secret_key, ANSWERING)
    hear(database, package(), customer("alice", alice))
    with NasSimulator(SECRET.encode(), vendor="nokia", send_stop=False) as nas:
        register(database, settings, nas, vendor="nokia")
        session = online(database, nas, "alice")
        hear(database, customer("alice", alice, holds=["fair_use"]))
        sender.run()
        hear(database, customer("alice", alice))
        sender.run()
        assert orders(database) == [("coa", "done", "acked")] * 2
        assert cut(nas) == []

        hear(database, package(attributes={"Alc-SLA-Prof-Str": "gold"}, download_kbps=50000))
        sweep_all(database)
        sender.run()
        assert cut(nas) == [session]


@pytest.mark.parametrize("vendor", ["cisco", "juniper"])
def test_rates_by_name_change_in_session_there_and_back(
    database: Database, settings: Settings, vendor: str
) -> None:
    alice = uuid4()
    sender = Sender(database, settings.secret_key, ANSWERING)
    hear(database, package(), customer("alice", alice))
    with NasSimulator(SECRET.encode(), vendor=vendor, send_stop=False) as nas:
        register(database, settings, nas, vendor=vendor, rate_policy="RATE")
        online(database, nas, "alice")
        for holds in (["fair_use"], []):
            hear(database, customer("alice", alice, holds=holds))
            sender.run()
            told = dict(nas.sessions[0].attributes)
            assert told == TOLD[vendor, bool(holds)]
        assert orders(database) == [("coa", "done", "acked")] * 2
        assert cut(nas) == []


@pytest.mark.parametrize("vendor", ["cisco", "juniper"])
def test_a_router_that_refuses_the_name_has_the_session_cut(
    database: Database, settings: Settings, vendor: str
) -> None:
    """It has no such policy map, or runs another service than we think; here, none at all."""
    alice = uuid4()
    sender = Sender(database, settings.secret_key, ANSWERING)
    hear(database, package(), customer("alice", alice))
    with NasSimulator(SECRET.encode(), vendor="huawei", send_stop=False) as nas:
        register(database, settings, nas, vendor=vendor, rate_policy="RATE")
        session = online(database, nas, "alice")
        hear(database, customer("alice", alice, holds=["fair_use"]))
        sender.run()
        assert cut(nas) == [session]


def test_a_session_that_is_cut_to_change_it_says_why(
    database: Database, settings: Settings
) -> None:
    alice = uuid4()
    sender = Sender(database, settings.secret_key, ANSWERING)
    hear(database, package(), customer("alice", alice))
    with NasSimulator(SECRET.encode(), vendor="cisco", send_stop=False) as nas:
        register(database, settings, nas, vendor="cisco")
        session = online(database, nas, "alice")
        hear(database, customer("alice", alice, holds=["fair_use"]))
        sender.run()
        assert cut(nas) == [session]
        with database.transaction() as found:
            advice = found.scalar(text("SELECT advice FROM disconnect_order"))
        assert "rate_policy" in str(advice)


def test_a_nas_that_is_never_to_cut_says_that_a_change_waits_for_the_next_login(
    database: Database, settings: Settings
) -> None:
    alice = uuid4()
    sender = Sender(database, settings.secret_key, ANSWERING)
    hear(database, package(), customer("alice", alice))
    with NasSimulator(SECRET.encode(), vendor="cisco", send_stop=False) as nas:
        register(database, settings, nas, vendor="cisco", strategy="coa_only")
        online(database, nas, "alice")
        hear(database, customer("alice", alice, holds=["fair_use"]))
        sender.run()
        due_now(database)
        sender.run()
        assert orders(database) == [("coa", "failed", "unsendable")]
        assert cut(nas) == []
