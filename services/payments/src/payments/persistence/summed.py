"""Which part of a span of time the sums of days answer, and which the rows themselves."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlalchemy.orm import Session

_ROLLED = text("SELECT until FROM collection_rolled WHERE time_zone = :zone")
DAY = timedelta(days=1)


def summed_days(
    session: Session, begin: datetime, end: datetime, zone: str
) -> dict[str, Any] | None:
    """`first` to `last`, both included, are whole days of `zone` that are summed up; the rest is read
    from `begin` to before `summed`, and from `after` to before `end`. None before anything is."""
    until: date | None = session.scalar(_ROLLED, {"zone": zone})
    if until is None:
        return None
    place = ZoneInfo(zone)
    first = (begin.astimezone(place) - timedelta(microseconds=1)).date() + DAY
    last = min(end.astimezone(place).date() - DAY, until)
    summed, after = (datetime.combine(day, time(), place) for day in (first, last + DAY))
    if first > last:
        summed = after = end
    return {"begin": begin, "end": end, "first": first, "last": last, "summed": summed,
            "after": after}  # fmt: skip
