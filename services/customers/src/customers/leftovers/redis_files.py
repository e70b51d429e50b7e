"""What Redis has on disk: its append-only file and its snapshot, written anew without what is gone."""

from __future__ import annotations

import time
from typing import Any

from redis import Redis
from redis.exceptions import ResponseError

# A Redis of messages is small: what lasts longer is a disk that fails, and is tried again.
PATIENCE_SECONDS = 120.0
REFUSED = "not written anew: Redis refuses BGREWRITEAOF or BGSAVE; do it by hand"


class NotWritten(OSError):
    """Redis could not write its files; its log says why."""


def write_anew(redis: Redis) -> str:
    """`none kept`, `written anew`, or why not. Raises NotWritten."""
    asked: Any = redis
    info = asked.info("persistence")
    snapshot = bool(_setting(asked, "save"))
    if not info["aof_enabled"] and not snapshot:
        return "none kept"
    try:
        if info["aof_enabled"]:
            _wait(asked)
            asked.bgrewriteaof()
            _wait(asked)
            _check(asked.info("persistence"), "aof_last_bgrewrite_status")
        if snapshot:
            asked.bgsave()
            _wait(asked)
            _check(asked.info("persistence"), "rdb_last_bgsave_status")
    except ResponseError as error:
        if "progress" in str(error):
            # It began on its own, maybe before the last of them was gone.
            raise NotWritten("Redis is still writing its files") from error
        return REFUSED
    return "written anew"


def _setting(redis: Any, name: str) -> str:
    try:
        return str(redis.config_get(name).get(name, ""))
    except ResponseError:
        # Where nobody may ask, somebody else keeps the copies.
        return "unknown"


def _wait(redis: Any) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        info = redis.info("persistence")
        busy = ("aof_rewrite_in_progress", "aof_rewrite_scheduled", "rdb_bgsave_in_progress")
        if not any(int(info[name]) for name in busy):
            return
        if time.monotonic() > until:
            raise NotWritten("Redis is still writing its files")
        time.sleep(0.05)


def _check(info: Any, status: str) -> None:
    if info[status] != "ok":
        raise NotWritten(f"Redis says {status}: {info[status]}")
