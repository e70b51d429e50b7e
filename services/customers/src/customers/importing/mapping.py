"""Which column of a file is which field of a customer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from customers.domain import NotValid

PLAIN = (
    "name", "username", "password", "email", "phone", "address", "kind", "service_type",
    "static_address", "balance_control", "currency", "customer_number",
)  # fmt: skip
MONEY = ("credit_limit", "spending_limit")
# `package`: its name. `id`: of an earlier life, so that nobody erased comes back by a file (I10).
FIELDS = frozenset({*PLAIN, *MONEY, "package", "id"})
REQUIRED = ("name", "username")
# Headers that our own exports and other people's files have.
KNOWN = {
    "customer_name": "name", "full_name": "name", "login": "username", "user": "username",
    "e_mail": "email", "mail": "email", "mobile": "phone", "phone_number": "phone",
    "telephone": "phone", "number": "customer_number", "service": "service_type",
    "package_name": "package", "plan": "package",
}  # fmt: skip


def mapped(headers: Sequence[str], wanted: Mapping[str, str]) -> dict[str, str]:
    """Header → field: as wanted, else by name. `wanted` may name a header with `` to leave it out.

    Raises NotValid.
    """
    for header, field in wanted.items():
        if header not in headers:
            raise NotValid("map", f"there is no column {header!r}; there are {', '.join(headers)}")
        if field and field not in FIELDS:
            raise NotValid("map", f"{field!r} is none of {', '.join(sorted(FIELDS))}")
    found = {header: wanted.get(header, _guessed(header)) for header in headers if header}
    found = {header: field for header, field in found.items() if field}
    fields = sorted(found.values())
    doubled = {field for field in fields if fields.count(field) > 1}
    if doubled:
        raise NotValid("map", f"two columns for {', '.join(sorted(doubled))}")
    missing = set(REQUIRED) - set(fields)
    if missing:
        raise NotValid("map", f"no column for {', '.join(sorted(missing))}")
    return found


def suggested(headers: Sequence[str]) -> dict[str, str]:
    """Header → field as its name says, each field once; empty where it says nothing."""
    found: dict[str, str] = {}
    for header in filter(None, headers):
        field = _guessed(header)
        found[header] = "" if field in found.values() else field
    return found


def _guessed(header: str) -> str:
    plain = "_".join(header.lower().replace("-", " ").split())
    field = KNOWN.get(plain, plain)
    return field if field in FIELDS else ""
