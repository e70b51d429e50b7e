"""Which RADIUS attributes a package may add to what its subscribers are told, and in which form (B8).

A package is text from an operator that ends in FreeRADIUS' tables: only what is listed here, in the
form given here, ever gets there. Customers refuses the rest by name, radius-sync lets none through.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Form:
    pattern: re.Pattern[str]
    example: str


_NAME = Form(re.compile(r"[A-Za-z0-9][A-Za-z0-9._ -]{0,63}"), "gold-50M")
_SECONDS = Form(re.compile(r"[1-9][0-9]{0,6}"), "3600")
_RATE = Form(re.compile(r"[0-9]{1,9}[kMG]?/[0-9]{1,9}[kMG]?(?: [0-9kMG/ ]{1,80})?"), "5M/10M")
_BITS = Form(re.compile(r"[1-9][0-9]{3,11}"), "10000000")
_PAIR = Form(
    re.compile(r"(?:ip|subscriber|lcp):[A-Za-z0-9:#._ -]{1,80}(?:=[A-Za-z0-9:#._ -]{1,80})?"),
    "subscriber:sub-qos-policy-out=gold",
)

ALLOWED: Mapping[str, Form] = {
    "Framed-Pool": _NAME,
    "Filter-Id": _NAME,
    "Session-Timeout": _SECONDS,
    "Idle-Timeout": _SECONDS,
    "Acct-Interim-Interval": _SECONDS,
    "Mikrotik-Rate-Limit": _RATE,
    "Mikrotik-Address-List": _NAME,
    "Mikrotik-Group": _NAME,
    "Cisco-AVPair": _PAIR,
    "Huawei-Input-Average-Rate": _BITS,
    "Huawei-Output-Average-Rate": _BITS,
    "Huawei-Policy-Name": _NAME,
    "ERX-Ingress-Policy-Name": _NAME,
    "ERX-Egress-Policy-Name": _NAME,
    "Alc-Subsc-Prof-Str": _NAME,
    "Alc-SLA-Prof-Str": _NAME,
}


def fault(name: str, value: object) -> str | None:
    """Why a package may not send this attribute with this value; None when it may."""
    form = ALLOWED.get(name)
    if form is None:
        return f"is not sent to a NAS; those that are: {', '.join(sorted(ALLOWED))}"
    if not isinstance(value, str) or not form.pattern.fullmatch(value):
        return f"does not have the form of this attribute, such as {form.example}"
    return None
