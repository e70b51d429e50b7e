"""The lists of customers at 1,000,000 of them, 100,000 deleted: what a page and a search take.

Over HTTP, as an admin and as a reseller with a ninth of them. `customers-lists`: every median must be
below 50 ms; the plans are kept in `var/bench/`. `customers-ratios`: first page, last
page, search and filter against the bare SQL of the same page, and against the same at 10,000 customers,
in turns.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.bench import Measure
from tests.bench.customers.lists import all_lists
from tests.bench.customers.ratios import ratios
from tests.customers.conftest import Site, make_site
from tests.customers.crowd import fill, reseller
from tests.support.servers import start_postgres

NAMES = ("customers-lists", "customers-ratios")
MANY, FEW = 1_000_000, 10_000


def measures(names: tuple[str, ...]) -> list[Measure]:
    with TemporaryDirectory() as folder, ExitStack() as stack:
        server = start_postgres(Path(folder) / "data")
        stack.callback(server.stop)
        large = stack.enter_context(filled(server.url, Path(folder), MANY))
        found: list[Measure] = []
        if "customers-lists" in names:
            found += all_lists(large, "admin", large.admin)
            found += all_lists(large, "reseller", reseller(large))
        if "customers-ratios" in names:
            small = stack.enter_context(filled(server.url, Path(folder), FEW))
            found += ratios("admin", (large, large.admin), (small, small.admin))
            found += ratios("reseller", (large, reseller(large)), (small, reseller(small)))
        return found


@contextmanager
def filled(url: str, folder: Path, many: int) -> Iterator[Site]:
    for site in make_site(url, "redis://127.0.0.1:1/0", folder):
        fill(site, many)
        yield site
