"""What each vendor's NAS wants in a request: one data file per vendor, read and checked at import.

All attributes of an RFC 5176 request are mandatory to the NAS, so each file names the least that
works, and nothing decorative.
"""

import string
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from importlib.resources import files
from typing import Any

from radius_sync.protocol import Attributes
from radius_sync.radius import require_known

# What a RADIUS integer holds (RFC 2865 section 5): 4.3 Gbit/s, above which a rate is no limit there.
LARGEST = 2**32 - 1


class Strategy(StrEnum):
    """How a session follows a change of access."""

    COA_THEN_DISCONNECT = "coa_then_disconnect"  # a CoA; if the NAS refuses it, a Disconnect
    DISCONNECT_ONLY = "disconnect_only"  # every change is a new login
    COA_ONLY = "coa_only"  # the session is never cut


class Change(StrEnum):
    """What a CoA may change."""

    RATE_LIMIT = "rate_limit"
    WALL = "wall"
    UNWALL = "unwall"
    PACKAGE = "package"


class Login(StrEnum):
    """What an Access-Accept says in the vendor's own words."""

    RATE = "rate"
    WALLED = "walled"


@dataclass(frozen=True, slots=True)
class SessionKeys:
    """What accounting told of a session; None or empty where the NAS did not say."""

    username: str | None = None
    acct_session_id: str | None = None
    framed_ip_address: str | None = None
    nas_ip_address: str | None = None

    def attribute(self, name: str) -> str | None:
        """The value of an identification attribute."""
        value: str | None = getattr(self, _KEYS[name])
        return value or None


_KEYS = {
    "User-Name": "username",
    "Acct-Session-Id": "acct_session_id",
    "Framed-IP-Address": "framed_ip_address",
    "NAS-IP-Address": "nas_ip_address",
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the session shall become: rates in kbit/s, names as the NAS knows them."""

    upload_kbps: int = 0
    download_kbps: int = 0
    package: str = ""
    old_package: str = ""
    walled_list: str = "walled"
    open_list: str = "open"

    def values(self) -> dict[str, str]:
        """The placeholders of the data files."""
        known = {item.name: str(getattr(self, item.name)) for item in fields(self)}
        known["upload_bps"] = str(min(self.upload_kbps * 1000, LARGEST))
        known["download_bps"] = str(min(self.download_kbps * 1000, LARGEST))
        return known


@dataclass(frozen=True, slots=True)
class Vendor:
    """One data file. `identify_again` is the other way to name a session, after an answer 503
    although accounting still shows it.
    """

    name: str
    title: str
    coa_port: int
    strategy: Strategy
    identify: tuple[str, ...]
    identify_again: tuple[str, ...]
    framed_ip_in_disconnect: bool
    changes: Mapping[Change, tuple[tuple[str, str], ...]]
    login: Mapping[Login, tuple[tuple[str, str], ...]]

    def disconnect(self, session: SessionKeys, *, again: bool = False) -> Attributes:
        """The attributes of a Disconnect-Request. ValueError if nothing identifies the session."""
        names = self.identify_again if again and self.identify_again else self.identify
        if not self.framed_ip_in_disconnect:
            names = tuple(name for name in names if name != "Framed-IP-Address")
        return _identified(session, names)

    def can(self, change: Change) -> bool:
        """Whether a running session can be changed so; if not, it takes a new login."""
        return change in self.changes and self.strategy is not Strategy.DISCONNECT_ONLY

    def coa(self, session: SessionKeys, change: Change, wanted: Wanted) -> Attributes:
        """The attributes of a CoA-Request. ValueError if `can` says no, or a value it needs is
        empty, or nothing identifies the session.
        """
        if not self.can(change):
            raise ValueError(f"{self.title} cannot change {change.value} in a running session")
        values = wanted.values()
        sent = []
        for name, template in self.changes[change]:
            missing = [key for key in _placeholders(template) if values[key] in ("", "0")]
            if missing:
                raise ValueError(f"{self.title} needs {', '.join(missing)} for {change.value}")
            sent.append((name, template.format_map(values)))
        return (*_identified(session, self.identify), *sent)

    def attributes(self) -> set[str]:
        """Every attribute the file names."""
        told = (*self.changes.values(), *self.login.values())
        changed = {name for pairs in told for name, _ in pairs}
        return {*self.identify, *self.identify_again, *changed}


def _identified(session: SessionKeys, names: Iterable[str]) -> Attributes:
    found = tuple((name, value) for name in names if (value := session.attribute(name)))
    if not any(name != "NAS-IP-Address" for name, _ in found):
        raise ValueError("nothing identifies the session: no login, no session id, no address")
    return found


def _placeholders(template: str) -> list[str]:
    return [key for _, key, _, _ in string.Formatter().parse(template) if key]


def _vendor(name: str, data: dict[str, Any]) -> Vendor:
    vendor = Vendor(
        name=name,
        title=data["title"],
        coa_port=data["coa_port"],
        strategy=Strategy(data["strategy"]),
        identify=tuple(data["identify"]),
        identify_again=tuple(data.get("identify_again", ())),
        framed_ip_in_disconnect=data["framed_ip_in_disconnect"],
        changes={
            Change(change): tuple((name, template) for name, template in pairs)
            for change, pairs in data["changes"].items()
        },
        login={
            kind: tuple((name, template) for name, template in data["login"][kind.value])
            for kind in Login
        },
    )
    require_known(vendor.attributes())
    unknown = {*vendor.identify, *vendor.identify_again} - _KEYS.keys()
    for pairs in (*vendor.changes.values(), *vendor.login.values()):
        for _, template in pairs:
            unknown |= set(_placeholders(template)) - Wanted().values().keys()
    if unknown:
        raise ValueError(f"{name}.toml: nothing provides {', '.join(sorted(unknown))}")
    return vendor


VENDORS: Mapping[str, Vendor] = {
    entry.name.removesuffix(".toml"): _vendor(
        entry.name.removesuffix(".toml"), tomllib.loads(entry.read_text("utf-8"))
    )
    for entry in sorted(files("radius_sync.vendors").iterdir(), key=lambda entry: entry.name)
    if entry.name.endswith(".toml")
}
