"""One whole site for the session; a test brings its own operators, packages and customers."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.flows.site import Site, start_site

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Every role, PostgreSQL, Redis, FreeRADIUS and the simulated NAS."""
    site = start_site(tmp_path_factory.mktemp("site"))
    yield site
    site.stop()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The first test waits for thirteen processes to start, on cores that others use too."""
    for item in items:
        if item.path.parent == HERE and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(300))
