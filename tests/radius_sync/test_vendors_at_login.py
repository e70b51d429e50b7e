"""One login, NASes of every vendor: the real FreeRADIUS tells each in its own words, byte for byte."""

import socket
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from radius_sync.radius import encode_access
from radius_sync.settings import Settings
from radius_sync.vendors import VENDORS
from shared.database import Database
from tests.radius_sync.calling import Caller
from tests.radius_sync.dynamic_site import SECRET, Server, register
from tests.radius_sync.facts import account, customer, hear, package
from tests.support.waiting import PATIENCE, until


def vsa(vendor: int, number: int, value: bytes) -> bytes:
    """RFC 2865 section 5.26."""
    inner = struct.pack("!BB", number, len(value) + 2) + value
    return struct.pack("!BBI", 26, len(inner) + 6, vendor) + inner


def standard(number: int, value: bytes) -> bytes:
    return struct.pack("!BB", number, len(value) + 2) + value


def number(value: int) -> bytes:
    return struct.pack("!I", value)


# Of 5 Mbit/s up and 20 Mbit/s down, as a package or a limited customer has it.
RATES = {
    "mikrotik": {vsa(14988, 8, b"5000k/20000k")},
    "cisco": {vsa(9, 250, b"QU;5000000;937500;;D;20000000;3750000;")},
    "huawei": {vsa(2011, 2, number(5_000_000)), vsa(2011, 5, number(20_000_000))},
    "juniper": {vsa(4874, 65, b"\x01tenure-rate(5000k,20000k)")},
    "nokia": {
        vsa(6527, 126, b"i:q:1:pir=5000,cir=0"), vsa(6527, 126, b"e:q:1:pir=20000,cir=0"),
    },
    "accel-ppp": {standard(11, b"20000/5000")},
    "generic": {vsa(14122, 7, number(5_000_000)), vsa(14122, 8, number(20_000_000))},
}  # fmt: skip
# Limited to 512 kbit/s.
LIMITS = {
    "mikrotik": {vsa(14988, 8, b"512k/512k")},
    "cisco": {vsa(9, 250, b"QU;512000;96000;;D;512000;96000;")},
    "huawei": {vsa(2011, 2, number(512_000)), vsa(2011, 5, number(512_000))},
    "juniper": {vsa(4874, 65, b"\x01tenure-rate(512k,512k)")},
    "nokia": {vsa(6527, 126, b"i:q:1:pir=512,cir=0"), vsa(6527, 126, b"e:q:1:pir=512,cir=0")},
    "accel-ppp": {standard(11, b"512/512")},
    "generic": {vsa(14122, 7, number(512_000)), vsa(14122, 8, number(512_000))},
}
NEEDED = {"juniper": {"rate_policy": "tenure-rate"}}
WALLS = {
    "mikrotik": {vsa(14988, 19, b"walled")},
    "cisco": {vsa(9, 250, b"Awalled")},
    "huawei": {vsa(2011, 95, b"walled")},
    "juniper": {vsa(4874, 65, b"\x01walled")},
    "nokia": {vsa(6527, 13, b"walled")},
    "accel-ppp": {standard(88, b"walled")},
    "generic": {standard(11, b"walled")},
}
# What every login has: Class, Session-Timeout, Acct-Interim-Interval; Message-Authenticator from
# FreeRADIUS 3.2.5 on.
ALWAYS = (25, 27, 80, 85)


@pytest.fixture
def server(settings: Settings, database: Database, tmp_path: Path) -> Iterator[Server]:
    hear(database, package())
    made = Server(settings, tmp_path / "freeradius")
    yield made
    made.process.stop()


def attributes(server: Server, source: str, username: str) -> set[bytes]:
    """The attributes of an Access-Accept as they lie on the wire, without those of every login."""
    wanted = [("User-Name", username)]
    request = encode_access(7, SECRET.encode(), wanted, password=f"secret-{username}")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
        link.bind((source, 0))
        link.settimeout(PATIENCE)
        link.sendto(request.raw, ("127.0.0.1", server.port))
        answer = link.recv(4096)
    assert answer[0] == 2
    found, place = set(), 20
    while place < len(answer):
        length = answer[place + 1]
        if answer[place] not in ALWAYS:
            found.add(answer[place : place + length])
        place += length
    return found


def test_rates_and_walls_are_told_in_each_vendors_own_words(
    admin: Caller, server: Server, database: Database
) -> None:
    bob = uuid4()
    hear(database, customer("alice"), customer("bob", bob), account(bob, overdue=True))
    hear(database, customer("carol", holds=["fair_use"]))
    assert set(VENDORS) == set(RATES) == set(WALLS) == set(LIMITS)
    for place, vendor in enumerate(sorted(VENDORS), start=2):
        address = f"127.0.2.{place}"
        register(admin, address, vendor=vendor, **NEEDED.get(vendor, {}))
        assert attributes(server, address, "alice") == RATES[vendor], vendor
        assert attributes(server, address, "carol") == LIMITS[vendor], vendor
        assert attributes(server, address, "bob") == WALLS[vendor], vendor


@pytest.mark.parametrize(
    ("vendor", "own", "told"),
    [
        ("cisco", {"Cisco-AVPair": "ip:sub-qos-policy-out=gold"},
         vsa(9, 1, b"ip:sub-qos-policy-out=gold")),
        ("juniper", {"ERX-Egress-Policy-Name": "gold"}, vsa(4874, 11, b"gold")),
        ("nokia", {"Alc-SLA-Prof-Str": "gold"}, vsa(6527, 13, b"gold")),
    ],
)  # fmt: skip
def test_a_package_that_names_its_policies_is_told_no_rate_beside_them(
    admin: Caller, server: Server, database: Database, vendor: str, own: dict[str, str], told: bytes
) -> None:
    hear(database, package(attributes=own), customer("alice"))
    register(admin, "127.0.2.93", vendor=vendor, **NEEDED.get(vendor, {}))
    assert attributes(server, "127.0.2.93", "alice") == {told}


def test_a_nas_that_cannot_be_told_a_rate_says_so_until_it_can(
    admin: Caller, server: Server, database: Database
) -> None:
    hear(database, customer("alice"), customer("carol", holds=["fair_use"]))
    place = register(admin, "127.0.2.94", vendor="juniper", walled_list="debtors")
    assert attributes(server, "127.0.2.94", "carol") == set()
    assert [one["code"] for one in admin("GET", place).json["warnings"]] == ["rates_not_told"]
    target = "/v1/targets/00000000-0000-7000-8000-000000000001/doctor"
    (finding,) = admin("GET", target).json["findings"]
    assert (finding["code"], finding["place"]) == ("rates_not_told", "NAS 127.0.2.94")

    named = admin("PATCH", place, {"rate_policy": "tenure-rate"}, **{"If-Match": "*"})
    assert (named.status_code, named.json["warnings"]) == (200, [])
    until(lambda: attributes(server, "127.0.2.94", "carol") == LIMITS["juniper"])
    assert admin("GET", target).json["findings"] == []


def test_a_cisco_with_a_rate_policy_is_told_names_that_can_change_in_session(
    admin: Caller, server: Server, database: Database
) -> None:
    hear(database, customer("alice"), customer("carol", holds=["fair_use"]))
    register(admin, "127.0.2.96", vendor="cisco", rate_policy="RATE")
    for login, up, down in (("alice", b"5000k", b"20000k"), ("carol", b"512k", b"512k")):
        assert attributes(server, "127.0.2.96", login) == {
            vsa(9, 1, b"ip:sub-qos-policy-in=RATE-" + up),
            vsa(9, 1, b"ip:sub-qos-policy-out=RATE-" + down),
        }
    # A package that says something else by that attribute is told its rate as a number.
    hear(database, package(attributes={"Cisco-AVPair": "ip:addr-pool=gold"}))
    number_and_pool = {vsa(9, 1, b"ip:addr-pool=gold")} | RATES["cisco"]
    until(lambda: attributes(server, "127.0.2.96", "alice") == number_and_pool)


def test_the_list_of_one_nas_and_the_pool_of_a_cause_are_told_at_login(
    admin: Caller, server: Server, database: Database
) -> None:
    bob = uuid4()
    hear(database, customer("bob", bob), account(bob, overdue=True))
    register(admin, "127.0.2.90", walled_list="debtors")
    pool = {"pool": "pool-overdue"}
    assert admin("PUT", "/v1/walled-garden/overdue", pool).status_code == 428
    set_ = admin("PUT", "/v1/walled-garden/overdue", pool, **{"If-Match": '"1"'})
    assert (set_.status_code, set_.json["pool"]) == (200, "pool-overdue")

    found = attributes(server, "127.0.2.90", "bob")
    assert found == {vsa(14988, 19, b"debtors"), standard(88, b"pool-overdue")}


def test_a_rate_above_what_an_integer_holds_locks_nobody_out(
    admin: Caller, server: Server, database: Database
) -> None:
    hear(database, package(download_kbps=10_000_000, upload_kbps=10_000_000), customer("alice"))
    register(admin, "127.0.2.91", vendor="huawei")
    most = number(2**32 - 1)
    assert attributes(server, "127.0.2.91", "alice") == {vsa(2011, 2, most), vsa(2011, 5, most)}


def test_the_simulator_knows_the_vendor_of_the_nas(admin: Caller, database: Database) -> None:
    hear(database, package(), customer("alice"))
    place = register(admin, "127.0.2.92", vendor="accel-ppp")
    query = f"nas_id={place.rpartition('/')[2]}"
    told = admin("GET", f"/v1/subscribers/alice/decision?{query}").json
    names = {pair["name"]: pair["value"] for pair in told["attributes"]}
    assert names["Filter-Id"] == "20000/5000"
    assert "Mikrotik-Rate-Limit" not in names

    place = register(admin, "127.0.2.95", vendor="nokia")
    query = f"nas_id={place.rpartition('/')[2]}"
    told = admin("GET", f"/v1/subscribers/alice/decision?{query}").json
    rates = [p["value"] for p in told["attributes"] if p["name"] == "Alc-Subscriber-QoS-Override"]
    assert sorted(rates) == ["e:q:1:pir=20000,cir=0", "i:q:1:pir=5000,cir=0"]


@pytest.mark.parametrize(
    "wrong", [{"pool": "a b"}, {"pool": "`x`"}, {}, {"pool": "x", "list": "y"}]
)
def test_what_is_no_pool_is_refused(admin: Caller, wrong: dict[str, Any]) -> None:
    answer = admin("PUT", "/v1/walled-garden/funds", wrong, **{"If-Match": "*"})
    assert answer.status_code == 422


def test_the_walled_garden_is_for_those_who_run_the_network(admin: Caller, north: Caller) -> None:
    causes = admin("GET", "/v1/walled-garden").json["causes"]
    assert {one["reason"] for one in causes} == {
        "overdue",
        "credit",
        "funds",
        "spending",
        "reseller",
    }
    assert north("GET", "/v1/walled-garden").status_code == 403
    assert admin("GET", "/v1/walled-garden/fraud").status_code == 404
    assert (
        admin("PUT", "/v1/walled-garden/x", {"pool": None}, **{"If-Match": "*"}).status_code == 404
    )
