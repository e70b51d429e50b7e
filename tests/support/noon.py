"""A time zone in which no test meets the end of a day."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo


def _noon() -> ZoneInfo:
    ahead = 12 - datetime.now(UTC).hour
    # POSIX counts to the west.
    return ZoneInfo(f"Etc/GMT{-ahead:+d}" if ahead else "Etc/GMT")


# About noon when the tests begin: its date is the one of UTC then, and stays it for ten hours.
NOON = _noon()
