"""`python -m payments open-cards FILE`: the PINs as CSV on standard output, for who has the passphrase."""

from __future__ import annotations

import sys
from getpass import getpass
from pathlib import Path

from payments.cards.sealed_file import NotOpened, opened


def main(arguments: list[str]) -> None:
    """The passphrase is asked for, or read as one line from standard input."""
    if len(arguments) != 1:
        sys.exit("usage: python -m payments open-cards FILE > cards.csv")
    passphrase = (
        getpass("Passphrase: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
    )
    try:
        with Path(arguments[0]).open("rb") as file:
            for block in opened(file, passphrase):
                sys.stdout.buffer.write(block)
    except (OSError, NotOpened) as error:
        sys.exit(f"open-cards: {error}")
