"""Telling the person at the terminal."""

from contextlib import suppress


def say(line: str) -> None:
    """Print a line at once; a terminal or pipe that is gone is no reason to stop a site badly."""
    with suppress(OSError):
        print(line, flush=True)
