"""Which RADIUS attributes a package may add to its group, and in which form (B8).

A package is text from an operator that ends in FreeRADIUS' tables: only what is listed here, in the
form given here, ever gets there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from shared.logs import logger

log = logger("plan_attributes")

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._ -]{0,63}")
_SECONDS = re.compile(r"[1-9][0-9]{0,6}")
_RATE = re.compile(r"[0-9]{1,9}[kMG]?/[0-9]{1,9}[kMG]?(?: [0-9kMG/ ]{1,80})?")
_BITS = re.compile(r"[1-9][0-9]{3,11}")
_PAIR = re.compile(r"(?:ip|subscriber|lcp):[A-Za-z0-9:#._ -]{1,80}(?:=[A-Za-z0-9:#._ -]{1,80})?")

ALLOWED: Mapping[str, re.Pattern[str]] = {
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


def sendable(attributes: Mapping[str, object]) -> dict[str, str]:
    """Those that may be sent; the others are logged by name and left out, so that one odd attribute
    takes nobody offline."""
    kept = {}
    for name, value in attributes.items():
        form = ALLOWED.get(name)
        if form is not None and isinstance(value, str) and form.fullmatch(value):
            kept[name] = value
        else:
            log.warning("plan_attributes.left_out", attribute=name[:64])
    return kept
