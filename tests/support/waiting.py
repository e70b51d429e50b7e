"""Waiting for a condition instead of sleeping."""

import time
from collections.abc import Callable
from typing import TypeVar

Result = TypeVar("Result")
# What comes true needs no limit: a machine that stalls for a moment must not end a test.
PATIENCE = 60.0


def until(
    condition: Callable[[], Result | None],
    timeout: float = PATIENCE,
    message: str = "the condition did not come true",
    interval: float = 0.02,
) -> Result:
    """Call `condition` until it returns something true, and return that.

    AssertionError with `message` and the last value after `timeout` seconds. An AssertionError in
    the condition counts as "not yet"; any other exception is the caller's.
    """
    deadline = time.monotonic() + timeout
    while True:
        try:
            last: object = (value := condition())
            if value:
                return value
        except AssertionError as failure:
            last = failure
        if time.monotonic() >= deadline:
            raise AssertionError(f"{message} (after {timeout:g} s; last: {last!r})")
        time.sleep(interval)
