"""What each vendor's NAS wants in a request: one data file per vendor, read and checked at import.

All attributes of an RFC 5176 request are mandatory to the NAS, so each file names the least that
works, and nothing decorative.
"""

import re
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
# A burst in octets as Cisco's police takes it.
BURSTS = 1000, 51_200_000
# What is wrong with a NAS whose vendor needs a `rate_policy`, and what mends it.
UNTHROTTLED = (
    "No rate is told to this NAS: a limited customer is as fast there as any other, and a package"
    " only as slow as the policies it names."
)
RATE_POLICY = (
    "Make a dynamic service profile with the variables up and down on the router, and set its name"
    " as rate_policy of the NAS."
)


class Strategy(StrEnum):
    """How a session follows a change of access."""

    COA_THEN_DISCONNECT = "coa_then_disconnect"  # a CoA; if the NAS refuses it, a Disconnect
    DISCONNECT_ONLY = "disconnect_only"  # every change is a new login
    COA_ONLY = "coa_only"  # no session is cut to change it


class Change(StrEnum):
    """What a CoA may change."""

    RATE_LIMIT = "rate_limit"
    WALL = "wall"
    UNWALL = "unwall"
    PACKAGE = "package"


_RATES = (Change.RATE_LIMIT, Change.PACKAGE)


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
        value: str | None = getattr(self, KEYS[name])
        return value or None


# What identifies a session (RFC 5176 section 3), by the name of the attribute.
KEYS = {
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
    old_upload_kbps: int = 0
    old_download_kbps: int = 0
    package: str = ""
    walled_list: str = "walled"
    open_list: str = "open"
    rate_policy: str = ""

    def values(self) -> dict[str, str]:
        """The placeholders of the data files; the view desired_radgroupreply fills in the same."""
        known = {item.name: str(getattr(self, item.name)) for item in fields(self)}
        for way, kbps in (("upload", self.upload_kbps), ("download", self.download_kbps)):
            known[f"{way}_bps"] = str(min(kbps * 1000, LARGEST))
            known[f"{way}_burst"] = str(min(max(kbps * 375 // 2, BURSTS[0]), BURSTS[1]))
        return known


@dataclass(frozen=True, slots=True)
class Vendor:
    """One data file. `identify_again` is the other way to name a session, after an answer 503
    although accounting still shows it. `own_rate` matches the NAME=VALUE of a package's attribute
    that says by itself how fast it is.
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
    own_rate: str | None

    @property
    def needs_rate_policy(self) -> bool:
        """Whether a NAS is told no rate until it has a `rate_policy`."""
        return all("{rate_policy}" in template for _, template in self.login[Login.RATE])

    def disconnect(self, session: SessionKeys, *, again: bool = False) -> Attributes:
        """The attributes of a Disconnect-Request. ValueError if nothing identifies the session."""
        names = self.identify_again if again and self.identify_again else self.identify
        if not self.framed_ip_in_disconnect:
            names = tuple(name for name in names if name != "Framed-IP-Address")
        return _identified(session, names)

    def can(self, change: Change) -> bool:
        """Whether a running session can be changed so; if not, it takes a new login."""
        return change in self.changes and self.strategy is not Strategy.DISCONNECT_ONLY

    def coa(
        self,
        session: SessionKeys,
        change: Change,
        wanted: Wanted,
        package: Mapping[str, str] | None = None,
    ) -> Attributes:
        """The attributes of a CoA-Request; those of `package` go before ours. ValueError if `can`
        says no, or a value it needs is empty, or the package's can only be told at a login, or
        nothing identifies the session.
        """
        if not self.can(change):
            raise ValueError(f"{self.title} cannot change {change.value} in a running session")
        own, values = package or {}, wanted.values()
        if change in _RATES and not self._tellable(own, change, wanted):
            raise ValueError("the package has attributes of its own: they are told at a login")
        sent = []
        for name, template in self.changes[change]:
            if name in own:
                sent.append((name, own[name]))
                continue
            missing = [key for key in _placeholders(template) if values[key] in ("", "0")]
            if missing:
                raise ValueError(f"{self.title} needs {', '.join(missing)} for {change.value}")
            sent.append((name, template.format_map(values)))
        return (*_identified(session, self.identify), *sent)

    def _tellable(self, own: Mapping[str, str], change: Change, wanted: Wanted) -> bool:
        """Whether a package with these attributes can follow a session without a login."""
        ours = {name for name, _ in self.changes[change]}
        named = {name for name, template in self.changes[change] if "{rate_policy}" in template}
        brings = self.brings_rate(own)
        if own.keys() & named:
            # Its one policy would leave what a limit set before in the other direction.
            return brings and not wanted.rate_policy
        return bool(own.keys() & ours) or not brings

    def brings_rate(self, package: Mapping[str, str]) -> bool:
        """Whether these attributes of a package stand for the vendor's rates at a login."""
        # Where rates go by name and by number, `own_rate` tells what of the names' attribute is one.
        numbers = [one for one in self.login[Login.RATE] if "{rate_policy}" not in one[1]]
        named = {name for name, _ in numbers or self.login[Login.RATE]}
        form = self.own_rate
        return bool(named & package.keys()) or (
            form is not None and any(re.search(form, f"{k}={v}") for k, v in package.items())
        )

    def attributes(self) -> set[str]:
        """Every attribute the file names."""
        told = (*self.changes.values(), *self.login.values())
        changed = {name for pairs in told for name, _ in pairs}
        return {*self.identify, *self.identify_again, *changed}


def warnings(vendor: str, rate_policy: str | None) -> list[dict[str, str]]:
    """What a NAS cannot do as it is registered."""
    if not VENDORS[vendor].needs_rate_policy or rate_policy is not None:
        return []
    return [{"code": "rates_not_told", "detail": f"{UNTHROTTLED} {RATE_POLICY}"}]


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
        own_rate=data["login"].get("own_rate"),
    )
    require_known(vendor.attributes())
    unknown = {*vendor.identify, *vendor.identify_again} - KEYS.keys()
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
