"""`python -m radius_sync ROLE|COMMAND`: those of COMMANDS below."""

from __future__ import annotations

import sys

from radius_sync.settings import read
from shared import roles


def migrate(_: list[str]) -> None:
    from radius_sync.installation import migrate as install

    install(read())


def web(_: list[str]) -> None:
    roles.serve(read(), "radius_sync.web:app")


def worker(arguments: list[str]) -> None:
    from radius_sync.worker import run

    run(read(), arguments)


def relay(_: list[str]) -> None:
    from shared.relay import run

    run(read())


def beat(_: list[str]) -> None:
    from radius_sync.schedule import SCHEDULE

    roles.beat(read(), SCHEDULE)


def demo(_: list[str]) -> None:
    from radius_sync.demo import run

    run(read())


def nas_simulator(arguments: list[str]) -> None:
    from radius_sync.nas_simulator import main

    sys.exit(main(arguments))


def freeradius_config(arguments: list[str]) -> None:
    """A folder from which FreeRADIUS runs over this site's database, with the NASes of the books."""
    from radius_sync.freeradius import main
    from radius_sync.freeradius.arguments import configuration_arguments

    sys.exit(main([*configuration_arguments(read()), *arguments]))


def reseal(_: list[str]) -> None:
    from radius_sync.resealing import run

    for table, rows in run(read()).items():
        sys.stdout.write(f"{table}: {rows} sealed anew\n")


def doctor(arguments: list[str]) -> None:
    """Each fault of FreeRADIUS' database and configuration, with its fix."""
    from radius_sync.doctor import main

    url = read().database_url.set(drivername="postgresql")
    sys.exit(main(arguments, url.render_as_string(hide_password=False)))


COMMANDS = {
    "migrate": migrate,
    "web": web,
    "worker": worker,
    "relay": relay,
    "beat": beat,
    "demo": demo,
    "nas-simulator": nas_simulator,
    "freeradius-config": freeradius_config,
    "reseal": reseal,
    "doctor": doctor,
}

if __name__ == "__main__":
    roles.main("radius-sync", COMMANDS)
