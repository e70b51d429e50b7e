"""FreeRADIUS for the tests that ask for it (`pytest_plugins`), one for the session."""

from collections.abc import Iterator

import pytest

from tests.radius_sync.freeradius_site import Site


@pytest.fixture(scope="session")
def freeradius(postgres: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    site = Site(tmp_path_factory.mktemp("freeradius"), postgres)
    site.start()
    yield site
    site.close()
