"""`python -m payments migrate|web|worker|relay|beat|demo|open-cards`. Each role imports only what it runs."""

from __future__ import annotations

from payments.settings import SERVICE, read
from shared import roles


def _migrate(_: list[str]) -> None:
    from payments.preparing import migrate

    migrate(read())


def _web(_: list[str]) -> None:
    roles.serve(read(), "payments.web:app")


def _worker(arguments: list[str]) -> None:
    from payments.worker import build

    build(read()).run(arguments)


def _relay(_: list[str]) -> None:
    from shared.relay import run

    run(read())


def _beat(_: list[str]) -> None:
    from payments.schedule import SCHEDULE

    roles.beat(read(), SCHEDULE)


def _demo(_: list[str]) -> None:
    from payments.demo import load

    load(read())


def _open_cards(arguments: list[str]) -> None:
    from payments.cards.opening import main

    main(arguments)


COMMANDS = {
    "migrate": _migrate,
    "web": _web,
    "worker": _worker,
    "relay": _relay,
    "beat": _beat,
    "demo": _demo,
    "open-cards": _open_cards,
}

if __name__ == "__main__":
    roles.main(SERVICE, COMMANDS)
