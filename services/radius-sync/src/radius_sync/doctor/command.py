"""`python -m radius_sync doctor [--config DIR] [--database-url URL] [--role NAME]`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import psycopg

from radius_sync.doctor.configuration import examine_configuration
from radius_sync.doctor.database import examine_database

# The stock name of FreeRADIUS' own role.
ROLE = "radius"


def main(argv: list[str], database_url: str) -> int:
    """Print each fault with its fix. 0 when there is none, 1 when there are some, 2 when something
    could not be looked at."""
    parser = argparse.ArgumentParser(prog="doctor", description=__doc__)
    parser.add_argument("--config", type=Path, help="the folder that FreeRADIUS runs from (-d)")
    parser.add_argument("--database-url", default=database_url)
    parser.add_argument("--role", default=ROLE, help="what FreeRADIUS logs in to PostgreSQL with")
    options = parser.parse_args(argv)
    try:
        with psycopg.connect(options.database_url, connect_timeout=5) as connection:
            findings = examine_database(connection, options.role)
        if options.config is not None:
            findings += examine_configuration(options.config)
    except (psycopg.Error, OSError) as error:
        sys.stderr.write(f"doctor: {error}\n")
        return 2
    for finding in findings:
        sys.stdout.write(f"{finding}\n")
    sys.stdout.write(f"{len(findings)} faults\n" if findings else "no fault found\n")
    return 1 if findings else 0
