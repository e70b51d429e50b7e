"""From rows to the answer, in the order in which FreeRADIUS goes: `mod_authorize` of rlm_sql, then
expiration, pap, `rad_check_password` and Simultaneous-Use (main/auth.c, 3.2.1).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from radius_sync.rlm_sql.pairs import Pair, Row, Unreadable, merge, mismatch, moment, read


class Form(StrEnum):
    """How the password travels; each needs the stored one in certain forms."""

    PAP = "pap"
    CHAP = "chap"
    MSCHAP = "mschap"


# Which stored forms a login can be checked with (reliability 3.4).
HASHED = (
    "Crypt-Password", "NT-Password", "MD5-Password", "SMD5-Password", "SHA-Password",
    "SSHA-Password", "SHA2-Password", "PBKDF2-Password", "Password-With-Header",
)  # fmt: skip
USABLE = {
    Form.PAP: ("Cleartext-Password", *HASHED),
    Form.CHAP: ("Cleartext-Password",),
    Form.MSCHAP: ("Cleartext-Password", "NT-Password"),
}
AUTH_TYPE = {Form.PAP: "PAP", Form.CHAP: "CHAP", Form.MSCHAP: "MS-CHAP"}
# Of the server's own dictionary: never in a packet.
INTERNAL = {
    *HASHED, "Cleartext-Password", "Auth-Type", "Autz-Type", "Acct-Type", "Session-Type",
    "Fall-Through", "Simultaneous-Use", "Expiration", "Login-Time", "Pool-Name", "User-Profile",
}  # fmt: skip
TWICE = "You are already logged in - access denied"


@dataclass(frozen=True)
class Request:
    """`attributes` of the Access-Request by name; the password is taken to be the right one."""

    form: Form
    attributes: Mapping[str, str]
    now: datetime


@dataclass(frozen=True)
class Group:
    name: str
    checks: Sequence[Row] = ()
    replies: Sequence[Row] = ()


@dataclass(frozen=True)
class Tables:
    """What the queries find for a login: rows in the order of their ids, groups by priority."""

    checks: Sequence[Row] = ()
    replies: Sequence[Row] = ()
    groups: Sequence[Group] = ()
    open_sessions: int = 0


@dataclass(frozen=True)
class Step:
    """One thing the server does, in plain words, and the row that makes it do so."""

    text: str
    row: Row | None = None


@dataclass
class Decision:
    """`reply` is sent with a reject too: no filter stands between. `reason` is a code."""

    accepted: bool = False
    reason: str = ""
    deciding: list[Row] = field(default_factory=list)
    reply: list[Pair] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    config: list[Pair] = field(default_factory=list)

    @property
    def attributes(self) -> list[Pair]:
        """Those that go into the packet."""
        return [pair for pair in self.reply if pair.attribute not in INTERNAL]

    def say(self, text: str, row: Row | None = None) -> None:
        self.steps.append(Step(text, row))

    def reject(self, reason: str, text: str, *rows: Row | None) -> Decision:
        self.accepted, self.reason = False, reason
        self.deciding = [row for row in rows if row is not None]
        self.say(text, self.deciding[0] if self.deciding else None)
        return self

    def first(self, attribute: str) -> Pair | None:
        """What a module finds that looks for one setting: the first."""
        return next((pair for pair in self.config if pair.attribute == attribute), None)


def decide(tables: Tables, request: Request) -> Decision:
    """What FreeRADIUS answers."""
    decision = Decision()
    if request.form is not Form.PAP:  # the chap and mschap modules come before sql
        decision.config.append(Pair("Auth-Type", "=", AUTH_TYPE[request.form]))
    try:
        _authorize(decision, tables, request)
    except Unreadable as error:
        return decision.reject("unreadable_row", f"The server gives up on {error}.", error.row)
    return _expired(decision, request) or _authenticate(decision, tables, request)


def _authorize(decision: Decision, tables: Tables, request: Request) -> None:
    """rlm_sql's `mod_authorize`; raises Unreadable."""
    falls = "default"
    checks = [read(row) for row in tables.checks]
    missed = mismatch(checks, request.attributes, request.now)
    if not checks:
        decision.say("radcheck has no row of this login: radreply is not read.")
    elif missed is not None:
        decision.say(
            "A check item does not match: radcheck and radreply are passed over.", missed.row
        )
    else:
        decision.config = merge(decision.config, checks)
        replies = [read(row) for row in tables.replies]
        falls = _fall_through(replies)
        decision.reply = merge(decision.reply, replies)
        decision.say(f"radcheck matches; {len(replies)} rows of radreply are added.")
    if falls == "no":
        decision.say("radreply says Fall-Through = No: groups are not read.")
        return
    for group in tables.groups:
        if _enter(decision, group, request, alone=not checks) != "yes":
            return


def _enter(decision: Decision, group: Group, request: Request, *, alone: bool) -> str:
    """One group; "yes" when the next one is to be looked at. `alone`: radcheck had no row."""
    checks = [read(row) for row in group.checks]
    missed = mismatch(checks, {**request.attributes, "SQL-Group": group.name}, request.now)
    if missed is not None:
        decision.say(f"The group {group.name} does not match.", missed.row)
        return "yes"
    decision.config = merge(decision.config, checks)
    try:
        replies = [read(row) for row in group.replies]
    except Unreadable as error:
        if not alone:
            raise
        # Measured on 3.2.1: with a row in radcheck the module fails here, without one it goes on.
        decision.say(f"{error}: the group gives nothing, and no other one is read.", error.row)
        return "no"
    decision.reply = merge(decision.reply, replies)
    falls = _fall_through(replies)
    end = "the next group follows" if falls == "yes" else "no other group is read"
    decision.say(f"The group {group.name} matches and gives {len(replies)} rows; {end}.")
    return falls


def _fall_through(replies: Sequence[Pair]) -> str:
    found = next((pair for pair in replies if pair.attribute == "Fall-Through"), None)
    if found is None:
        return "default"
    return "yes" if found.value.lower() in ("yes", "1") else "no"


def _expired(decision: Decision, request: Request) -> Decision | None:
    """rlm_expiration: a past date locks the login, a date to come bounds the session."""
    item = decision.first("Expiration")
    end = None if item is None else moment(item.value)
    if item is None or end is None:
        return None
    if end <= request.now:
        return decision.reject("expired", f"The validity ended at {end.isoformat()}.", item.row)
    left = int(end.timestamp()) - int(request.now.timestamp())
    timeout = next((p for p in decision.reply if p.attribute == "Session-Timeout"), None)
    if timeout is None:
        decision.reply.append(Pair("Session-Timeout", "=", str(left), item.row))
    elif int(timeout.value) > left:
        place = decision.reply.index(timeout)
        decision.reply[place] = Pair("Session-Timeout", "=", str(left), item.row)
    decision.say(f"The session ends with the validity, after {left} s at most.", item.row)
    return None


def _authenticate(decision: Decision, tables: Tables, request: Request) -> Decision:
    password = next((p for p in decision.config if p.attribute in USABLE[request.form]), None)
    types = [pair for pair in decision.config if pair.attribute == "Auth-Type"]
    if password is not None and not types:  # rlm_pap
        types = [Pair("Auth-Type", "=", AUTH_TYPE[Form.PAP])]
    for item in types:
        if item.value.lower() == "reject":
            return decision.reject("auth_type_reject", "A row says Auth-Type Reject.", item.row)
    if not types:
        return decision.reject("no_password", "No row gives a password to check against.")
    kind = types[-1]
    if kind.value.lower() == "accept":
        decision.say("A row says Auth-Type Accept: no password is asked for.", kind.row)
        return _accept(decision, tables, kind.row)
    if kind.value != AUTH_TYPE[request.form]:
        return decision.reject(
            "wrong_auth_type",
            f"The login is checked as {kind.value}, the password came as {request.form}.",
            kind.row,
        )
    if password is None:
        stored = next((p for p in decision.config if p.attribute in HASHED), None)
        why = f"No stored password can be checked by {request.form}."
        return decision.reject("no_password", why, stored.row if stored else None)
    return _accept(decision, tables, password.row)


def _accept(decision: Decision, tables: Tables, because: Row | None) -> Decision:
    """Simultaneous-Use has the last word, and takes every attribute with it."""
    most = decision.first("Simultaneous-Use")
    if most is not None and tables.open_sessions >= int(most.value):
        count = f" ({most.value})" if int(most.value) > 1 else ""
        decision.reply = [Pair("Reply-Message", ":=", TWICE + count)]
        text = f"{tables.open_sessions} sessions are open, {most.value} may be."
        return decision.reject("simultaneous_use", text, most.row)
    decision.accepted, decision.reason = True, "accepted"
    rows = [because, *(pair.row for pair in decision.attributes)]
    decision.deciding = list(dict.fromkeys(row for row in rows if row is not None))
    decision.say("The password is checked, and right.", because)
    return decision
