"""Real PostgreSQL, Redis and FreeRADIUS for tests: quick, on 127.0.0.1, and made to fail.

Every handle has `url`, `stop()`, `kill()` (`kill -9`), `start()`, `restart()` and `running`.
"""

import re
from pathlib import Path

from local_site.distribution import FREERADIUS, how_to_add
from local_site.freeradius import FreeRADIUS, install_if_allowed
from local_site.ports import free_port
from local_site.postgresql import PostgreSQL, Survives
from local_site.redis_server import Redis


def start_postgres(
    folder: Path, port: int | None = None, survives: Survives = Survives.STOP
) -> PostgreSQL:
    """A PostgreSQL of the test's own; `Survives.KILL` when it must survive `kill()` with its data:
    without it what was committed in the last half second may be gone.
    """
    server = PostgreSQL(folder, port or free_port(), survives)
    server.start()
    return server


def start_redis(folder: Path, port: int | None = None, *, durable: bool = False) -> Redis:
    """A Redis of the test's own; `durable=True` keeps its data across `restart()` and `kill()`."""
    server = Redis(folder, port or free_port(), durable=durable)
    server.start()
    return server


def start_freeradius(config_dir: Path) -> FreeRADIUS:
    """FreeRADIUS on the ports that `config_dir` names; its log is `config_dir/freeradius.log`.

    `config_dir` comes from `python -m radius_sync freeradius-config --out config_dir`.
    """
    if not install_if_allowed():
        raise RuntimeError(f"this test needs FreeRADIUS: {how_to_add(FREERADIUS)}")
    _let_queries_take_their_time(config_dir / "pg_service.conf")
    server = FreeRADIUS(config_dir, config_dir / "freeradius.log")
    server.start()
    return server


def _let_queries_take_their_time(service: Path) -> None:
    """After two seconds a login is refused: on a machine that stalls, one that is welcome."""
    text, found = re.subn(
        "statement_timeout=[0-9]+", "statement_timeout=60000", service.read_text()
    )
    assert found == 1, text
    service.write_text(text)
