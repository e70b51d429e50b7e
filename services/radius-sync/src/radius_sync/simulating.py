"""The access simulator: what FreeRADIUS would answer a login now, and which row decides."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from radius_sync.rlm_sql import Decision, Form, Group, Request, Row, Tables, decide

# The stock type of a NAS of which nothing is known.
ANY_NAS = "other"
_OF_LOGIN = text(
    "SELECT 'radcheck' AS place, id, attribute, op, value FROM radcheck WHERE username = :username"
    " UNION ALL SELECT 'radreply', id, attribute, op, value FROM radreply"
    " WHERE username = :username ORDER BY id"
)
_GROUPS = text(
    "SELECT groupname FROM radusergroup WHERE username = :username ORDER BY priority, id"
)
_OF_GROUPS = text(
    "SELECT 'radgroupcheck' AS place, id, groupname AS of, groupname, attribute, op, value"
    " FROM radgroupcheck WHERE groupname = ANY(:groups)"
    # As our queries.conf has it: the longest name that fits the type of the NAS, and a day spread.
    " UNION ALL SELECT 'radgroupreply', r.id, g.of, r.groupname, r.attribute, r.op, CASE WHEN"
    "  r.attribute = 'Session-Timeout' AND r.value = '86400' THEN CAST(86400 - mod(CAST(CAST("
    "   'x' || substr(md5(:username), 1, 7) AS bit(28)) AS int), 8640) AS text) ELSE r.value END"
    " FROM unnest(CAST(:groups AS text[])) AS g(of) JOIN radgroupreply r ON r.groupname ="
    "  (SELECT groupname FROM radgroupreply WHERE groupname IN (g.of, g.of || '@' || :type,"
    "   g.of || '@' || split_part(:type, '/', 1)) ORDER BY length(groupname) DESC LIMIT 1)"
    " ORDER BY id"
)
_OPEN = text("SELECT count(*) FROM radacct WHERE username = :username AND acctstoptime IS NULL")
_NAS = text(
    "SELECT d.nasname, d.type FROM desired_nas d JOIN nas_device n ON host(n.address) = d.nasname"
    " WHERE n.id = :id"
)


def simulate(session: Session, username: str, question: Mapping[str, Any]) -> dict[str, Any] | None:
    """The answer to an Access-Request with the right password. `question` has `password_form`, and
    may have `nas_id` and `called_station_id`. None when there is no such NAS."""
    attributes, nas_type = {"User-Name": username}, ANY_NAS
    if "called_station_id" in question:
        attributes["Called-Station-Id"] = question["called_station_id"]
    if "nas_id" in question:
        nas = session.execute(_NAS, {"id": question["nas_id"]}).one_or_none()
        if nas is None:
            return None
        nas_type = nas.type
        attributes |= {"NAS-IP-Address": nas.nasname, "Packet-Src-IP-Address": nas.nasname}
    form = Form(question["password_form"])
    found = tables(session, username, nas_type)
    decision = decide(found, Request(form, attributes, datetime.now(UTC)))
    return {"username": username, "password_form": form.value, **_told(decision)}


def tables(session: Session, username: str, nas_type: str = ANY_NAS) -> Tables:
    """What FreeRADIUS' queries find for a login, in their order."""
    own: dict[str, list[Row]] = defaultdict(list)
    for row in session.execute(_OF_LOGIN, {"username": username}):
        own[row.place].append(Row(row.place, row.id, row.attribute, row.op, row.value))
    names = list(session.scalars(_GROUPS, {"username": username}))
    grouped: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in session.execute(
        _OF_GROUPS, {"groups": names, "type": nas_type, "username": username}
    ):
        grouped[row.place, row.of].append(
            Row(row.place, row.id, row.attribute, row.op, row.value, row.groupname)
        )
    return Tables(
        checks=own["radcheck"],
        replies=own["radreply"],
        groups=[
            Group(name, grouped["radgroupcheck", name], grouped["radgroupreply", name])
            for name in names
        ],
        open_sessions=session.scalar(_OPEN, {"username": username}) or 0,
    )


def _told(decision: Decision) -> dict[str, Any]:
    return {
        "answer": "accept" if decision.accepted else "reject",
        "reason": decision.reason,
        "attributes": [
            {"name": pair.attribute, "value": pair.value, "row": _row(pair.row)}
            for pair in decision.attributes
        ],
        "deciding_rows": [_row(row) for row in decision.deciding],
        "steps": [{"text": step.text, "row": _row(step.row)} for step in decision.steps],
    }


def _row(row: Row | None) -> dict[str, Any] | None:
    """A row without its secrets."""
    if row is None:
        return None
    value = "(sealed)" if row.attribute.endswith("-Password") else row.value
    return {
        "table": row.table, "id": row.id, "group": row.group, "attribute": row.attribute,
        "op": row.op, "value": value,
    }  # fmt: skip
