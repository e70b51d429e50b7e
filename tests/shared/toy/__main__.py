"""The toy's roles as processes: `python -m tests.shared.toy web|worker|relay`.

TOY_SERVICE says whose place it takes: customers (tells of people) or payments (hears of them).
"""

import os

from shared import relay, roles, settings
from shared.settings import Settings
from shared.worker import Worker
from tests.shared.toy import service


def _settings() -> Settings:
    name = os.environ["TOY_SERVICE"]
    return Settings(**settings.read(name, database=name))


def _worker(arguments: list[str]) -> None:
    found = _settings()
    Worker(found, service.SUBSCRIPTIONS, service.jobs(found)).run(arguments)


if __name__ == "__main__":
    roles.main(
        os.environ["TOY_SERVICE"],
        {
            "web": lambda _: roles.serve(_settings(), "tests.shared.toy.web:app"),
            "worker": _worker,
            "relay": lambda _: relay.run(_settings()),
        },
    )
