"""Takes docs/console.png anew: `python -m tests.console.picture [URL of a running console]`.

Without an address it starts the services with the demo data by itself.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.console.site import start_site
from tests.flows.chromium import launched, opened, sign_in
from tests.support.servers import start_postgres, start_redis

PICTURE = Path(__file__).parents[2] / "docs" / "console.png"
# As wide as a README shows it; a few rows tell enough.
VIEW = {"width": 1360, "height": 880}
MOST_BYTES = 200 * 1024


def take(url: str) -> None:
    with launched() as browser, opened(browser, url, viewport=VIEW, color_scheme="light") as page:
        sign_in(page)
        page.goto("/customers?sort=name")
        page.screenshot(path=PICTURE)
    size = PICTURE.stat().st_size
    if size > MOST_BYTES:
        sys.exit(f"{PICTURE.name} has {size} bytes: make the view smaller")


@contextmanager
def own_site() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        postgres, redis = start_postgres(folder / "postgresql"), start_redis(folder / "redis")
        site = start_site(postgres.url, redis.url, folder)
        yield site.url
        site.stop()
        redis.stop()
        postgres.stop()


if __name__ == "__main__":
    if len(sys.argv) > 1:
        take(sys.argv[1])
    else:
        with own_site() as address:
            take(address)
