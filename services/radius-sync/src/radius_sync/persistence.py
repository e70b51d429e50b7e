"""The tables that lists are read from, and the reads of single rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnClause,
    Row,
    Select,
    String,
    TableClause,
    and_,
    cast,
    column,
    func,
    select,
    table,
    text,
)
from sqlalchemy.orm import Session

from shared.arrays import among
from shared.database import Scope


def _columns(names: str) -> list[ColumnClause[Any]]:
    return [column(name) for name in names.split()]


subscriber = table(
    "subscriber",
    *_columns(
        "customer_id version account_version operator_path username standing service_type package_id"
        " activated expires_at holds overdue_effect suspended_access limited_kbps"
        " lift_suspension_until balance_control credit_limit static_address overdue outstanding"
        " available_funds"
    ),
)
login = table(
    "login",
    *_columns(
        "username customer_id operator_path access reason groupname rate expires_at static_address"
        " closing generation access_generation changed_at"
    ),
)
owner = table("login_owner", *_columns("username customer_id since until"))
radacct = table(
    "radacct",
    *_columns(
        "radacctid acctsessionid acctuniqueid username nasipaddress nasportid acctstarttime"
        " acctupdatetime acctstoptime acctsessiontime acctinputoctets acctoutputoctets"
        " callingstationid acctterminatecause framedipaddress"
    ),
)
nas = table(
    "nas_device",
    *_columns(
        "id name address vendor coa_port strategy in_flight pacing require_ma require_ma_reply"
        " walled_list open_list rate_policy version created_at failures breaker_until last_answer_at"
        " sessions_url sessions_state sessions_listed sessions_listed_at sessions_error"
    ),
)
order = table(
    "disconnect_order",
    *_columns(
        "id acctuniqueid acctsessionid nas_address username session_started_at customer_id"
        " operator_path kind change reason state attempts confirmed_by outcome advice created_at"
        " finished_at not_before"
    ),
)
target = table(
    "target",
    *_columns(
        "id name embedded enabled applied_xid applied_username failures error applied_at version"
        " not_before created_at address_sealed radius_address radius_port radius_secret_sealed"
        " radius_state radius_skew radius_seen_at radius_asked_at"
    ),
)
reconciliation = table(
    "reconciliation", *_columns("id job_id heal actor started_at finished_at checked drift healed")
)


def addressed(name: ColumnClause[Any]) -> Any:
    """An inet as text without its prefix length."""
    return func.host(name).label(name.name)


def owned(session: str, began: str, owner: str = "o") -> str:
    """SQL: whether a row of accounting is of this row of login_owner, which has its username (F32).

    The Class that we gave at login names the customer and comes back with the accounting; without it
    the time of the beginning does, as far as the NAS's clock is right (F23). True of one row at most:
    who has had the login twice is meant once. `session` and `owner` are names of the statement,
    `began` is an expression.
    """
    then = f"{began} >= {{0}}.since AND {began} < {{0}}.until"
    return (
        f"CASE WHEN {session}.class ~ '^[0-9a-f-]{{36}}[:]'"
        f" THEN left({session}.class, 36) = CAST({owner}.customer_id AS text)"
        f"  AND ({then.format(owner)} OR NOT EXISTS (SELECT FROM login_owner w"
        f"   WHERE w.username = {owner}.username AND w.customer_id = {owner}.customer_id"
        f"   AND (w.since > {owner}.since OR {then.format('w')})))"
        f" ELSE {then.format(owner)} END"
    )


def of_owner(kept: TableClause) -> Any:
    """Joins a table of accounting with the one row of login_owner whose session it is."""
    began = f"coalesce({kept.name}.acctstarttime, {kept.name}.acctstoptime)"
    return and_(owner.c.username == kept.c.username, text(owned(kept.name, began, owner.name)))


def sessions(scope: Scope) -> Select[Any]:
    """Sessions with the customer whose login it was at their time; of nobody known: for all only."""
    joined = radacct.outerjoin(owner, of_owner(radacct)).outerjoin(
        subscriber, subscriber.c.customer_id == owner.c.customer_id
    )
    device = joined.outerjoin(nas, nas.c.address == radacct.c.nasipaddress)
    return (
        select(
            *(c for c in radacct.c if c.name not in ("nasipaddress", "framedipaddress")),
            addressed(radacct.c.nasipaddress),
            addressed(radacct.c.framedipaddress),
            owner.c.customer_id,
            subscriber.c.operator_path,
            nas.c.id.label("nas_id"),
            nas.c.name.label("nas_name"),
        )
        .select_from(device)
        .where(scope.covers(subscriber.c.operator_path))
    )


def orders(scope: Scope) -> Select[Any]:
    last = text(
        "(SELECT row_to_json(a) FROM disconnect_attempt a WHERE a.order_id = disconnect_order.id"
        " ORDER BY a.id DESC LIMIT 1) AS last_attempt"
    )
    plain = [c for c in order.c if c.name != "nas_address"]
    return select(*plain, addressed(order.c.nas_address), last).where(
        scope.covers(order.c.operator_path)
    )


def matches_username(words: str) -> Any:
    """Logins that begin with what was typed, by the index."""
    escaped = words.lower().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    name = cast(login.c.username, String)
    # The lower bound lets a scan in order begin at the first match.
    return and_(name >= words.lower(), name.like(escaped + "%", escape="\\"))


def one_login(session: Session, username: str, scope: Scope) -> Any:
    query = select(login).where(
        login.c.username == username.lower(), scope.covers(login.c.operator_path)
    )
    return session.execute(query).one_or_none()


_APPLIED = text(
    "SELECT username, 'radcheck' AS place, attribute, op, CASE attribute WHEN 'Cleartext-Password' THEN"
    " '(sealed)' ELSE value END AS value FROM radcheck WHERE username = ANY(:names)"
    " UNION ALL SELECT username, 'radreply', attribute, op, value FROM radreply"
    " WHERE username = ANY(:names)"
    " UNION ALL SELECT username, 'radusergroup', 'group', CAST(priority AS text), groupname"
    " FROM radusergroup WHERE username = ANY(:names) ORDER BY 1, 2, 3, 5"
)
_DESIRED = text(_APPLIED.text.replace("FROM rad", "FROM desired_rad"))
_PASSWORDS = text(
    "SELECT u.name FROM unnest(CAST(:names AS text[])) AS u(name)"
    " WHERE (SELECT array_agg(value) FROM radcheck WHERE username = u.name"
    " AND attribute = 'Cleartext-Password') IS NOT DISTINCT FROM (SELECT array_agg(value)"
    " FROM desired_radcheck WHERE username = u.name AND attribute = 'Cleartext-Password')"
)
_TARGETS = text(
    "SELECT l.username, t.name, t.embedded OR (l.xid, l.username) <= (t.applied_xid,"
    " t.applied_username) AS applied, t.error FROM target t, login l"
    " WHERE l.username = ANY(:names) AND t.enabled ORDER BY t.name"
)


def states_of_logins(session: Session, usernames: Sequence[str]) -> dict[str, dict[str, Any]]:
    """By login: desired and applied rows, whether they agree, and how far each target is."""
    names = {"names": list(usernames)}
    desired, applied, found = (
        _by_username(session.execute(query, names)) for query in (_DESIRED, _APPLIED, _TARGETS)
    )
    same = set(session.scalars(_PASSWORDS, names))
    return {
        name: {
            "desired": desired[name],
            "applied": applied[name],
            "targets": found[name],
            "in_sync": name in same
            and desired[name] == applied[name]
            and all(one["applied"] for one in found[name]),
        }
        for name in usernames
    }


def state_of_login(session: Session, username: str) -> dict[str, Any]:
    return states_of_logins(session, [username])[username]


def _by_username(rows: Iterable[Row[Any]]) -> dict[str, list[dict[str, Any]]]:
    kept: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        values = dict(row._mapping)
        kept[values.pop("username")].append(values)
    return kept


def facts_of(session: Session, customers: Iterable[UUID | None]) -> dict[UUID, Row[Any]]:
    """By customer: what decides the access."""
    ids = [one for one in customers if one is not None]
    query = select(subscriber).where(among(subscriber.c.customer_id, ids))
    return {row.customer_id: row for row in session.execute(query)}
