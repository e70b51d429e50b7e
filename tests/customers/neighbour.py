"""Another service beside customers, for tests of what customers asks of the others."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from werkzeug.serving import make_server

from shared.database import Database
from shared.settings import Settings
from tests.customers.conftest import Site
from tests.shared.toy import service as toy
from tests.support.databases import drop, fresh, read_settings

NOWHERE = "http://127.0.0.1:1"


@contextmanager
def neighbour(
    site: Site, postgres: str, redis_url: str, folder: Path, *names: str
) -> Iterator[Database]:
    """A service with every service's tables, which answers under `names`; yields its database.

    Where the other services would be, nobody answers.
    """
    settings = fresh(
        read_settings("payments", "toy", Settings, postgres, folder, redis_url), toy.migrate
    )
    opened = Database(settings)
    server = make_server("127.0.0.1", 0, toy.build(settings, opened), threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    url = f"http://127.0.0.1:{server.server_port}"
    away = dict.fromkeys(("payments", "radius-sync"), NOWHERE)
    urls = {**site.settings.urls, **away, **dict.fromkeys(names, url)}
    object.__setattr__(site.settings, "urls", urls)
    try:
        yield opened
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        opened.close()
        drop(settings)
