"""One whole site for the session; a test brings its own operators, packages and customers."""

from collections.abc import Iterator

import pytest

from tests.flows.site import Site, start_site


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Every role, PostgreSQL, Redis, FreeRADIUS and the simulated NAS."""
    site = start_site(tmp_path_factory.mktemp("site"))
    yield site
    site.stop()
