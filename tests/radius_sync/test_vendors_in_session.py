"""What each vendor's NAS is sent in a CoA-Request, byte for byte (RFC 5176, RFC 2865 section 5.26)."""

import struct

import pytest

from radius_sync.protocol import Code
from radius_sync.radius import encode_dynamic
from radius_sync.vendors import VENDORS, Change, SessionKeys, Wanted
from tests.radius_sync.test_vendors_at_login import number, standard, vsa

pytestmark = pytest.mark.unit

SESSION = SessionKeys("alice", "81a00001", "100.64.0.9", "10.0.0.1")
# 10 Mbit/s up and 50 Mbit/s down, after a limit of 512 kbit/s; "gold" is what a package is called where
# it needs a name, RATE what the NAS calls its rates.
WANTED = Wanted(
    upload_kbps=10_000, download_kbps=50_000, old_upload_kbps=512, old_download_kbps=512,
    package="gold", rate_policy="RATE",
)  # fmt: skip

USER_NAME, SESSION_ID = standard(1, b"alice"), standard(44, b"81a00001")
FRAMED_IP = standard(8, bytes([100, 64, 0, 9]))
IDENTIFIED = {
    "mikrotik": USER_NAME + SESSION_ID + FRAMED_IP,
    "cisco": SESSION_ID + USER_NAME,
    "huawei": SESSION_ID,
    "juniper": SESSION_ID,
    "nokia": SESSION_ID,
    "accel-ppp": SESSION_ID + USER_NAME,
}
HUAWEI_RATE = vsa(2011, 2, number(10_000_000)) + vsa(2011, 5, number(50_000_000))
CISCO_RATE = vsa(9, 1, b"ip:sub-qos-policy-in=RATE-10000k") + vsa(
    9, 1, b"ip:sub-qos-policy-out=RATE-50000k"
)
JUNIPER_RATE = vsa(4874, 66, b"RATE(512k,512k)") + vsa(4874, 65, b"\x01RATE(10000k,50000k)")
NOKIA_RATE = vsa(6527, 126, b"i:q:1:pir=10000,cir=0") + vsa(6527, 126, b"e:q:1:pir=50000,cir=0")
CHANGES = {
    ("mikrotik", Change.RATE_LIMIT): vsa(14988, 8, b"10000k/50000k"),
    ("mikrotik", Change.WALL): vsa(14988, 19, b"walled"),
    ("mikrotik", Change.UNWALL): vsa(14988, 19, b"open"),
    ("mikrotik", Change.PACKAGE): vsa(14988, 8, b"10000k/50000k"),
    ("cisco", Change.WALL): vsa(9, 1, b"subscriber:command=activate-service")
    + vsa(9, 1, b"subscriber:service-name=walled"),
    ("cisco", Change.UNWALL): vsa(9, 1, b"subscriber:command=deactivate-service")
    + vsa(9, 1, b"subscriber:service-name=walled"),
    ("cisco", Change.RATE_LIMIT): CISCO_RATE,
    ("cisco", Change.PACKAGE): CISCO_RATE,
    ("huawei", Change.RATE_LIMIT): HUAWEI_RATE,
    ("huawei", Change.WALL): vsa(2011, 95, b"walled"),
    ("huawei", Change.UNWALL): vsa(2011, 95, b"open"),
    ("huawei", Change.PACKAGE): HUAWEI_RATE,
    ("juniper", Change.WALL): vsa(4874, 65, b"\x01walled"),
    ("juniper", Change.UNWALL): vsa(4874, 66, b"walled"),
    ("juniper", Change.RATE_LIMIT): JUNIPER_RATE,
    ("juniper", Change.PACKAGE): JUNIPER_RATE,
    ("nokia", Change.RATE_LIMIT): NOKIA_RATE,
    ("nokia", Change.WALL): vsa(6527, 13, b"walled"),
    ("nokia", Change.UNWALL): vsa(6527, 13, b"gold"),
    ("nokia", Change.PACKAGE): NOKIA_RATE,
    ("accel-ppp", Change.RATE_LIMIT): standard(11, b"50000/10000"),
    ("accel-ppp", Change.PACKAGE): standard(11, b"50000/10000"),
}


def test_every_change_a_vendor_can_make_is_held_to_its_bytes() -> None:
    able = {
        (name, change)
        for name, vendor in VENDORS.items()
        for change in Change
        if vendor.can(change)
    }
    assert able == set(CHANGES)


@pytest.mark.parametrize(("name", "change"), CHANGES)
def test_a_coa_request_has_these_bytes_and_no_others(name: str, change: Change) -> None:
    attributes = VENDORS[name].coa(SESSION, change, WANTED)
    raw = encode_dynamic(Code.COA_REQUEST, 7, b"secret", attributes, timestamp=1).raw
    assert struct.unpack("!BBH", raw[:4]) == (43, 7, len(raw))
    signature, rest = raw[20:38], raw[38:]
    assert signature[:2] == b"\x50\x12", "Message-Authenticator comes first"
    dated = standard(55, number(1))
    # The order of attributes of one name is kept (RFC 2865 section 5); that of names is free.
    assert sorted(split(rest)) == sorted(split(IDENTIFIED[name] + CHANGES[name, change] + dated))
    ours = [one for one in split(rest) if one[:1] == b"\x1a"]
    assert ours == [one for one in split(CHANGES[name, change]) if one[:1] == b"\x1a"]


def split(raw: bytes) -> list[bytes]:
    """The attributes of a packet, one by one."""
    found, place = [], 0
    while place < len(raw):
        found.append(raw[place : place + raw[place + 1]])
        place += raw[place + 1]
    return found
