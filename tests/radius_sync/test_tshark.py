"""Our packets as Wireshark's dissector reads them: every vendor's, and none is malformed."""

import json
import struct
import subprocess
from pathlib import Path
from typing import Any

from local_site.distribution import TSHARK, how_to_add, program_or_install
from radius_sync.protocol import Attributes, Code
from radius_sync.radius import encode_access, encode_accounting, encode_dynamic, encode_status
from radius_sync.vendors import VENDORS, Change, SessionKeys, Wanted

SECRET = b"sixteen-octets-at-least"
NOW = 1_700_000_000
KEYS = SessionKeys("alice", "81a00001", "100.64.0.7", "192.0.2.7")
WANTED = Wanted(
    5000, 20000, package="gold", old_upload_kbps=512, old_download_kbps=512, rate_policy="RATE"
)
# Alc-Subscriber-QoS-Override, which the dictionary of Wireshark 4.0 lacks and FreeRADIUS' has.
UNNAMED = "Unknown-Attribute(126)"


def dynamic(code: Code, attributes: Attributes) -> bytes:
    return encode_dynamic(code, 7, SECRET, attributes, timestamp=NOW).raw


def packets() -> dict[str, tuple[int, bytes]]:
    """Name → destination port and bytes, of all that the product and its NAS simulator send."""
    found = {
        "access": (1812, encode_access(1, SECRET, [("User-Name", "alice")], password="pw").raw),
        "accounting": (
            1813,
            encode_accounting(
                2, SECRET, [("Acct-Status-Type", "Start"), ("Acct-Session-Id", "81a00001")]
            ).raw,
        ),
        "status": (1812, encode_status(3, SECRET).raw),
    }
    for name, vendor in VENDORS.items():
        for again in (False, True):
            cut = dynamic(Code.DISCONNECT_REQUEST, vendor.disconnect(KEYS, again=again))
            found[f"{name} disconnect {again}"] = (3799, cut)
        for change in Change:
            if vendor.can(change):
                moved = dynamic(Code.COA_REQUEST, vendor.coa(KEYS, change, WANTED))
                found[f"{name} {change}"] = (3799, moved)
    return found


def capture(file: Path, sent: dict[str, tuple[int, bytes]]) -> None:
    """A capture file (libpcap, raw IPv4) with one UDP datagram each."""
    file.write_bytes(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101))
    with file.open("ab") as out:
        for number, (port, raw) in enumerate(sent.values()):
            udp = struct.pack("!HHHH", 40000, port, 8 + len(raw), 0) + raw
            ip = struct.pack(
                "!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), number, 0, 64, 17, 0,
                bytes((192, 0, 2, 1)), bytes((192, 0, 2, 7)),
            )  # fmt: skip
            frame = ip + udp
            out.write(struct.pack("<IIII", NOW, number, len(frame), len(frame)) + frame)


def dissected(file: Path) -> list[Any]:
    assert program_or_install("tshark", TSHARK), how_to_add(TSHARK)
    done = subprocess.run(
        ["tshark", "-r", str(file), "-T", "json", "--no-duplicate-keys",
         "-o", f"radius.shared_secret:{SECRET.decode()}",
         "-o", "radius.validate_authenticator:TRUE", "-d", "udp.port==3799,radius"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    found: list[Any] = json.loads(done.stdout)
    return found


def test_tshark_reads_every_packet_without_complaint(tmp_path: Path) -> None:
    sent = packets()
    capture(tmp_path / "sent.pcap", sent)
    read = dissected(tmp_path / "sent.pcap")
    assert len(read) == len(sent)
    for (name, (_, raw)), frame in zip(sent.items(), read, strict=True):
        layers = frame["_source"]["layers"]
        assert "radius" in layers, name
        assert layers["radius"]["radius.code"] == str(raw[0])
        told = json.dumps(layers)
        if name.startswith("nokia"):
            told = told.replace(UNNAMED, "")
        for complaint in (
            "_ws.malformed",
            "_ws.expert",
            "Unknown-Attribute",
            "authenticator.invalid",
        ):
            assert complaint not in told, (name, complaint, told)


def test_tshark_names_the_vendors_attributes_as_we_meant_them(tmp_path: Path) -> None:
    sent = packets()
    capture(tmp_path / "sent.pcap", sent)
    told = {
        name: json.dumps(frame["_source"]["layers"]["radius"])
        for name, frame in zip(sent, dissected(tmp_path / "sent.pcap"), strict=True)
    }
    assert '"radius.Mikrotik_Rate_Limit": "5000k/20000k"' in told["mikrotik rate_limit"]
    assert '"radius.Mikrotik_Address_List": "walled"' in told["mikrotik wall"]
    assert "sub-qos-policy-in=RATE-5000k" in told["cisco package"]
    assert "Alc_SLA_Prof_Str" in told["nokia wall"].replace("-", "_")
    assert '"radius.Acct_Session_Id": "81a00001"' in told["juniper disconnect False"]


def test_a_broken_packet_is_called_malformed(tmp_path: Path) -> None:
    """What the first test looks for does show when something is wrong."""
    raw = bytearray(dynamic(Code.DISCONNECT_REQUEST, [("User-Name", "alice")]))
    raw[-5] ^= 1
    capture(tmp_path / "sent.pcap", {"broken": (3799, bytes(raw))})
    told = json.dumps(dissected(tmp_path / "sent.pcap"))
    assert "_ws.expert" in told or "invalid" in told
