"""`python -m customers migrate|web|worker|relay|beat|demo|reseal`. Each role is imported when it is run."""

from __future__ import annotations

import sys

from customers.settings import read
from shared import roles


def migrate(_: list[str]) -> None:
    from customers.preparing import migrate

    migrate(read())


def web(_: list[str]) -> None:
    roles.serve(read(), "customers.web:app")


def worker(arguments: list[str]) -> None:
    from customers.worker import build

    build(read()).run(arguments)


def relay(_: list[str]) -> None:
    from shared.relay import run

    run(read())


def beat(_: list[str]) -> None:
    from customers.schedule import SCHEDULE

    roles.beat(read(), SCHEDULE)


def demo(_: list[str]) -> None:
    from customers.demo import fill

    fill(read())


def reseal(_: list[str]) -> None:
    from customers.resealing import run

    for table, rows in run(read()).items():
        sys.stdout.write(f"{table}: {rows} sealed anew\n")


if __name__ == "__main__":
    roles.main(
        "customers",
        {
            "migrate": migrate,
            "web": web,
            "worker": worker,
            "relay": relay,
            "beat": beat,
            "demo": demo,
            "reseal": reseal,
        },
    )
