"""Operators and API keys as customers tells of them, kept by every service that hears of them.

Register both in a service's `subscriptions.py`: `keep_operators` hears OperatorChanged,
`keep_api_keys` hears ApiKeyChanged.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.orm import Session

from shared.batches import as_json
from shared.events import Wire

# DISTINCT ON: a batch may hold several versions of one subject, and ON CONFLICT takes a row once.
_OPERATORS = text(
    "INSERT INTO operator_fact (id, version, operator_path, username, name, role, active, holds)"
    " SELECT DISTINCT ON (e.subject) e.subject, e.sequence, e.operatorpath, e.data->>'username',"
    " e.data->>'name', e.data->>'role', CAST(e.data->>'active' AS boolean),"
    " ARRAY(SELECT jsonb_array_elements_text(e.data->'holds'))"
    " FROM jsonb_to_recordset(CAST(:events AS jsonb))"
    " AS e(subject uuid, sequence bigint, operatorpath text, data jsonb)"
    " ORDER BY e.subject, e.sequence DESC"
    " ON CONFLICT (id) DO UPDATE SET version = excluded.version,"
    " operator_path = excluded.operator_path, username = excluded.username, name = excluded.name,"
    " role = excluded.role, active = excluded.active, holds = excluded.holds"
    " WHERE operator_fact.version < excluded.version"
)
_API_KEYS = text(
    "INSERT INTO api_key_fact (id, version, digest, operator_id, operator_path, operator_username,"
    " role, scopes, expires_at, revoked)"
    " SELECT DISTINCT ON (e.subject) e.subject, e.sequence, e.data->>'digest',"
    " CAST(e.data->>'operator_id' AS uuid), e.operatorpath, e.data->>'operator_username',"
    " e.data->>'role', ARRAY(SELECT jsonb_array_elements_text(e.data->'scopes')),"
    " CAST(e.data->>'expires_at' AS timestamptz), CAST(e.data->>'revoked' AS boolean)"
    " FROM jsonb_to_recordset(CAST(:events AS jsonb))"
    " AS e(subject uuid, sequence bigint, operatorpath text, data jsonb)"
    " ORDER BY e.subject, e.sequence DESC"
    " ON CONFLICT (id) DO UPDATE SET version = excluded.version, digest = excluded.digest,"
    " operator_id = excluded.operator_id, operator_path = excluded.operator_path,"
    " operator_username = excluded.operator_username, role = excluded.role,"
    " scopes = excluded.scopes, expires_at = excluded.expires_at, revoked = excluded.revoked"
    " WHERE api_key_fact.version < excluded.version"
)


def keep_operators(session: Session, events: Sequence[Wire]) -> None:
    """Keep OperatorChanged in `operator_fact`, one statement for the batch; older ones change nothing."""
    session.execute(_OPERATORS, {"events": as_json(events)})


def keep_api_keys(session: Session, events: Sequence[Wire]) -> None:
    """Keep ApiKeyChanged in `api_key_fact`; a revoked key stays, as revoked."""
    session.execute(_API_KEYS, {"events": as_json(events)})
