"""What a folder of FreeRADIUS' configuration says, and should not."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

from radius_sync.doctor.findings import Finding
from radius_sync.doctor.parsing import Section, parse

SECRET_OCTETS = 16
# A server in whose post-auth or accounting passwords turn up has them in its database for ever.
_PASSWORDS = re.compile(r"(?:User|CHAP)-Password\b")


def examine_configuration(folder: Path) -> list[Finding]:
    """Every fault, in a stable order. OSError when `folder/radiusd.conf` cannot be read."""
    root = parse(folder)
    return sorted({finding for check in _CHECKS for finding in check(root, folder)})


def _passwords_logged(root: Section, _: Path) -> Iterator[Finding]:
    for section in root.below("post-auth"):
        for one in section.walk():
            if _PASSWORDS.search(one.settings.get("query", "")):
                yield Finding(
                    "passwords_in_radpostauth", str(one.file),
                    "the post-auth query writes passwords in clear text into radpostauth",
                    "take the column pass and its %{User-Password} out of the query",
                )  # fmt: skip
    for section in root.below("log"):
        for name in ("auth_badpass", "auth_goodpass"):
            if section.settings.get(name) == "yes":
                yield Finding(
                    "passwords_in_log", f"{section.file}: {name}",
                    "passwords are written into the log file", f"set {name} = no",
                )  # fmt: skip


def _clients(root: Section, _: Path) -> Iterator[Finding]:
    for client in root.below("client"):
        if " " not in client.name or "addr" not in "".join(client.settings):
            continue
        place = f"{client.file}: {client.name}"
        if "dynamic_clients" in client.settings:
            continue
        if client.settings.get("require_message_authenticator", "no") in ("no", "false"):
            yield Finding(
                "message_authenticator_not_required", place,
                "an answer to this NAS can be forged (CVE-2024-3596, BlastRADIUS)",
                "set require_message_authenticator = yes, after the NAS sends it",
            )  # fmt: skip
        if len(client.settings.get("secret", "").strip("'\"").encode()) < SECRET_OCTETS:
            yield Finding(
                "short_secret", place,
                f"the secret has fewer than {SECRET_OCTETS} octets and can be guessed",
                "make one with: openssl rand -hex 16, and set it at both ends",
            )  # fmt: skip


def _sql(root: Section, _: Path) -> Iterator[Finding]:
    for sql in root.below("sql"):
        place = str(sql.file)
        if sql.settings.get("read_clients") == "yes":
            yield Finding(
                "read_clients", place,
                "NASes are read from SQL at the start only, without require_message_authenticator",
                "set read_clients = no and let freeradius-config write dynamic clients",
            )  # fmt: skip
        if "radius.kek" in sql.settings.get("radius_db", ""):
            yield Finding(
                "key_in_log", place, "radius_db holds the key of passwords and is logged at start",
                "keep it in pg_service.conf, as freeradius-config does",
            )  # fmt: skip
        name = sql.settings.get("sql_user_name")
        if name is not None and "tolower" not in name:
            yield Finding(
                "case_sensitive_logins", place,
                "logins are stored in lower case, and asked for as they were typed",
                'set sql_user_name = "%{tolower:%{User-Name}}"',
            )  # fmt: skip


def _queries(root: Section, _: Path) -> Iterator[Finding]:
    for section in root.walk():
        for name, value in section.settings.items():
            if re.search(r"ON\s+CONFLICT\s+ON\s*\(", value):
                yield Finding(
                    "stock_query_syntax", f"{section.file}: {name}",
                    "`ON CONFLICT ON (` is no PostgreSQL: Accounting-On fails (stock 3.2 file)",
                    "write ON CONFLICT (nasipaddress)",
                )  # fmt: skip
    for accounting in root.below("accounting"):
        columns = accounting.settings.get("column_list", "").lower()
        if columns and "class" not in re.findall(r"\w+", columns):
            yield Finding(
                "class_not_kept", str(accounting.file),
                "accounting does not keep Class: after a login's reuse its sessions have no owner",
                "add class and its value to column_list and to the queries",
            )  # fmt: skip


def _sections(root: Section, _: Path) -> Iterator[Finding]:
    for server in root.below("server"):
        inside = {section.name: section for section in server.sections}
        authorize = inside.get("authorize")
        if authorize is None or not authorize.calls("sql"):
            continue
        place = f"{server.file}: {server.name}"
        session = inside.get("session")
        if session is None or not session.calls("sql"):
            yield Finding(
                "simultaneous_use_not_checked", place,
                "without sql in session {} a login may be used twice: Simultaneous-Use has no effect",
                "put sql into session {}",
            )  # fmt: skip
        if not authorize.calls("expiration"):
            yield Finding(
                "expiration_not_checked", place,
                "Expiration rows have no effect: what has ended goes on while we are down",
                "put expiration after sql in authorize {}",
            )  # fmt: skip
        accounting = inside.get("accounting")
        if accounting is not None and not accounting.calls("sql"):
            yield Finding(
                "accounting_not_kept", place,
                "accounting is not written to radacct: no session can be found to be ended",
                "put sql into accounting {}",
            )  # fmt: skip


def _readable(root: Section, folder: Path) -> Iterator[Finding]:
    secret = {section.file for section in root.below("client")} | {folder / "pg_service.conf"}
    secret |= {section.file for section in root.below("sql") if "password" in section.settings}
    for file in secret:
        if file.is_file() and file.stat().st_mode & 0o007:
            yield Finding(
                "secrets_readable", str(file), "secrets can be read by every user of the machine",
                f"chmod o= {file}",
            )  # fmt: skip


_CHECKS: tuple[Callable[[Section, Path], Iterator[Finding]], ...] = (
    _passwords_logged, _clients, _sql, _queries, _sections, _readable,
)  # fmt: skip
