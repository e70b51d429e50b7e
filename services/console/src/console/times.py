"""Days as people enter them, as the moments that the APIs take: in the ISP's own time zone."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from flask import current_app


def end_of(day: str) -> str:
    """Midnight at which the day ends, RFC 3339; what is no day goes on as it is, to be refused."""
    try:
        at = date.fromisoformat(day) + timedelta(days=1)
    except (ValueError, OverflowError):
        return day
    return datetime.combine(at, time(), _zone()).isoformat()


def in_zone(moment: str) -> str:
    """A moment of the ISP's clock, RFC 3339; what is none goes on as it is, to be refused."""
    try:
        return datetime.fromisoformat(moment).replace(tzinfo=_zone()).isoformat()
    except ValueError:
        return moment


def zone() -> str:
    """The IANA name of the ISP's time zone."""
    return _zone().key


def _zone() -> ZoneInfo:
    return ZoneInfo(current_app.extensions["console.settings"].time_zone)
