"""What a customer used (C45), and who had an address."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import current_app

from radius_sync import tracing
from radius_sync.api.records import session_record
from radius_sync.persistence import owner
from radius_sync.schemas import UsageArguments, WhoHadArguments
from radius_sync.schemas.sessions import USAGE, SessionPageSchema
from radius_sync.settings import Settings
from radius_sync.tracing import record
from shared.http import Blueprint, database, page, permission, principal
from shared.http.operating.answering import as_json
from shared.http.problems import invalid_parameter

usage = Blueprint("usage", __name__, description="Usage, and who had an address")
# Sums are answered whole: more than so many days are asked for by month, or in parts.
MOST_DAYS = 400


@usage.get("/v1/usage")
@usage.arguments(UsageArguments, location="query")
@usage.response(200, USAGE)
@permission("usage.read")
def list_usage(arguments: dict[str, Any]) -> Any:
    """Usage records (xDRs, C45) of a customer, newest first; with `period`, their sums, oldest
    first, which stay when the sessions are archived."""
    first, last = arguments.get("first"), arguments.get("last")
    if first and last and last < first:
        raise invalid_parameter("to", "must not be before `from`")
    if "period" in arguments:
        return _sums(arguments)
    zone = ZoneInfo(_settings().time_zone)
    scope = principal().scope
    query = tracing.sessions(scope).where(owner.c.customer_id == arguments["customer_id"])
    if first:
        query = query.where(record.c.acctstarttime >= datetime.combine(first, time(), zone))
    if last:
        end = datetime.combine(last + timedelta(days=1), time(), zone)
        query = query.where(record.c.acctstarttime < end)
    with database().transaction(scope) as session:
        found = page(
            session, query, arguments, key=record.c.radacctid, default_sort="-id",
            sortable={"id": record.c.radacctid},
        )  # fmt: skip
    return as_json(found.body(session_record), found.headers())


def _sums(arguments: dict[str, Any]) -> Any:
    last = arguments.get("last") or datetime.now(ZoneInfo(_settings().time_zone)).date()
    first = arguments.get("first") or last - timedelta(days=30)
    if arguments["period"] == "day" and (last - first).days >= MOST_DAYS:
        raise invalid_parameter("from", f"at most {MOST_DAYS} days at once: ask by month")
    scope = principal().scope
    with database().transaction(scope) as session:
        rows = tracing.sums(
            session, scope, arguments["customer_id"], first, last, arguments["period"]
        )
    return as_json({"items": [dict(row._mapping) for row in rows], "next_cursor": None})


@usage.get("/v1/sessions/who-had")
@usage.arguments(WhoHadArguments, location="query")
@usage.response(200, SessionPageSchema)
@permission("sessions.read")
def who_had(arguments: dict[str, Any]) -> Any:
    """The sessions that had an IPv4 or IPv6 address, or a delegated prefix around it, at a time."""
    at = arguments.get("at") or datetime.now(UTC)
    scope = principal().scope
    with database().transaction(scope) as session:
        rows = tracing.who_had(session, scope, arguments["address"], at)
    return as_json({"items": [session_record(row) for row in rows], "next_cursor": None})


def _settings() -> Settings:
    settings: Settings = current_app.extensions["tenure.settings"]
    return settings
