"""The data files: what each vendor's NAS is sent."""

import dataclasses

import pytest

from radius_sync.protocol import Code
from radius_sync.radius import encode_dynamic
from radius_sync.vendors import VENDORS, Change, SessionKeys, Strategy, Vendor, Wanted

SESSION = SessionKeys("alice", "81a00001", "100.64.0.9", "10.0.0.1")
WANTED = Wanted(
    upload_kbps=10_000, download_kbps=50_000, old_upload_kbps=512, old_download_kbps=512,
    package="gold", rate_policy="RATE",
)  # fmt: skip

pytestmark = pytest.mark.unit


def test_the_vendors_of_the_architecture_are_there() -> None:
    assert {"mikrotik", "cisco", "huawei", "juniper", "generic"} <= VENDORS.keys()


@pytest.mark.parametrize("vendor", VENDORS.values(), ids=VENDORS.keys())
def test_everything_a_file_can_say_can_be_encoded(vendor: Vendor) -> None:
    sent = [(Code.DISCONNECT_REQUEST, vendor.disconnect(SESSION))]
    sent += [(Code.DISCONNECT_REQUEST, vendor.disconnect(SESSION, again=True))]
    sent += [
        (Code.COA_REQUEST, vendor.coa(SESSION, change, WANTED))
        for change in Change
        if vendor.can(change)
    ]
    for code, attributes in sent:
        assert encode_dynamic(code, 1, b"s", attributes, timestamp=1).raw


@pytest.mark.parametrize(
    ("name", "change", "expected"),
    [
        ("mikrotik", Change.RATE_LIMIT, [("Mikrotik-Rate-Limit", "10000k/50000k")]),
        ("mikrotik", Change.WALL, [("Mikrotik-Address-List", "walled")]),
        ("mikrotik", Change.UNWALL, [("Mikrotik-Address-List", "open")]),
        ("huawei", Change.RATE_LIMIT, [
            ("Huawei-Input-Average-Rate", "10000000"), ("Huawei-Output-Average-Rate", "50000000"),
        ]),
        ("cisco", Change.PACKAGE, [
            ("Cisco-AVPair", "ip:sub-qos-policy-in=RATE-10000k"),
            ("Cisco-AVPair", "ip:sub-qos-policy-out=RATE-50000k"),
        ]),
        ("juniper", Change.PACKAGE, [
            ("ERX-Service-Deactivate", "RATE(512k,512k)"),
            ("ERX-Service-Activate:1", "RATE(10000k,50000k)"),
        ]),
        ("nokia", Change.RATE_LIMIT, [
            ("Alc-Subscriber-QoS-Override", "i:q:1:pir=10000,cir=0"),
            ("Alc-Subscriber-QoS-Override", "e:q:1:pir=50000,cir=0"),
        ]),
        ("accel-ppp", Change.RATE_LIMIT, [("Filter-Id", "50000/10000")]),
    ],
)  # fmt: skip
def test_a_change_is_said_in_the_vendors_words(
    name: str, change: Change, expected: list[tuple[str, str]]
) -> None:
    attributes = list(VENDORS[name].coa(SESSION, change, WANTED))
    assert attributes[-len(expected) :] == expected


def test_a_packages_own_rate_is_told_in_place_of_ours() -> None:
    own = {"Mikrotik-Rate-Limit": "10M/50M 20M/90M"}
    told = VENDORS["mikrotik"].coa(SESSION, Change.PACKAGE, WANTED, own)
    assert told[-1] == ("Mikrotik-Rate-Limit", "10M/50M 20M/90M")


@pytest.mark.parametrize(
    ("name", "own", "brings"),
    [
        ("nokia", {"Alc-SLA-Prof-Str": "gold"}, True),
        ("nokia", {"Framed-Pool": "gold"}, False),
        ("cisco", {"Cisco-AVPair": "ip:sub-qos-policy-out=gold"}, True),
        ("cisco", {"Cisco-AVPair": "ip:addr-pool=gold"}, False),
        ("juniper", {"ERX-Egress-Policy-Name": "gold"}, True),
        ("huawei", {"Huawei-Input-Average-Rate": "1000000"}, True),
        ("mikrotik", {"Mikrotik-Group": "gold"}, False),
    ],
)
def test_a_package_that_names_its_policies_brings_its_own_rate(
    name: str, own: dict[str, str], brings: bool
) -> None:
    assert VENDORS[name].brings_rate(own) is brings


def test_what_a_package_names_at_login_only_takes_a_new_login() -> None:
    with pytest.raises(ValueError, match="told at a login"):
        VENDORS["nokia"].coa(SESSION, Change.PACKAGE, WANTED, {"Alc-SLA-Prof-Str": "gold"})


def test_only_a_vendor_that_knows_rates_by_names_needs_a_name() -> None:
    assert [name for name, one in VENDORS.items() if one.needs_rate_policy] == ["juniper"]


@pytest.mark.parametrize("name", ["cisco", "juniper"])
@pytest.mark.parametrize("change", [Change.RATE_LIMIT, Change.PACKAGE])
def test_a_rate_by_a_name_is_not_told_without_the_name(name: str, change: Change) -> None:
    with pytest.raises(ValueError, match="rate_policy"):
        VENDORS[name].coa(SESSION, change, dataclasses.replace(WANTED, rate_policy=""))


def test_a_juniper_is_not_asked_to_end_a_service_that_nobody_knows() -> None:
    with pytest.raises(ValueError, match="old_upload_kbps"):
        VENDORS["juniper"].coa(
            SESSION, Change.RATE_LIMIT, dataclasses.replace(WANTED, old_upload_kbps=0)
        )


def test_policies_of_a_package_are_told_a_cisco_unless_a_limit_could_be_left_behind() -> None:
    gold = {"Cisco-AVPair": "ip:sub-qos-policy-out=gold"}
    nameless = dataclasses.replace(WANTED, rate_policy="")
    told = VENDORS["cisco"].coa(SESSION, Change.PACKAGE, nameless, gold)
    assert ("Cisco-AVPair", "ip:sub-qos-policy-out=gold") in told
    with pytest.raises(ValueError, match="told at a login"):
        VENDORS["cisco"].coa(SESSION, Change.PACKAGE, WANTED, gold)
    # What says nothing of a rate does not stand for one.
    for wanted in (WANTED, nameless):
        with pytest.raises(ValueError, match="told at a login"):
            VENDORS["cisco"].coa(
                SESSION, Change.PACKAGE, wanted, {"Cisco-AVPair": "ip:addr-pool=a"}
            )


def test_a_burst_stays_within_what_a_router_takes() -> None:
    assert Wanted(upload_kbps=512).values()["upload_burst"] == "96000"
    slow, fast = Wanted(upload_kbps=1).values(), Wanted(upload_kbps=10_000_000).values()
    assert (slow["upload_burst"], fast["upload_burst"]) == ("1000", "51200000")


def test_framed_ip_address_is_left_out_of_a_disconnect_where_the_nas_minds() -> None:
    assert ("Framed-IP-Address", "100.64.0.9") in VENDORS["mikrotik"].disconnect(SESSION)
    strict = dataclasses.replace(VENDORS["mikrotik"], framed_ip_in_disconnect=False)
    assert not any(name == "Framed-IP-Address" for name, _ in strict.disconnect(SESSION))


def test_after_503_a_session_is_named_in_another_way() -> None:
    again = VENDORS["mikrotik"].disconnect(SESSION, again=True)
    assert again == (("User-Name", "alice"), ("Framed-IP-Address", "100.64.0.9"))


def test_a_request_that_would_identify_nobody_is_never_made() -> None:
    for vendor in VENDORS.values():
        with pytest.raises(ValueError, match="identifies"):
            vendor.disconnect(SessionKeys(nas_ip_address="10.0.0.1"))


def test_a_change_with_an_empty_value_is_refused() -> None:
    with pytest.raises(ValueError, match="upload_kbps"):
        VENDORS["mikrotik"].coa(SESSION, Change.RATE_LIMIT, Wanted(download_kbps=5))


def test_what_a_nas_cannot_change_it_is_not_asked_to_change() -> None:
    assert VENDORS["generic"].strategy is Strategy.DISCONNECT_ONLY
    assert not VENDORS["accel-ppp"].can(Change.WALL)
    with pytest.raises(ValueError, match="cannot change"):
        VENDORS["generic"].coa(SESSION, Change.PACKAGE, WANTED)
