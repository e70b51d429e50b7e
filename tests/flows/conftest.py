"""One whole site for the session; a test brings its own operators, packages and customers."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.flows.chromium import PATIENCE_MS, launched, opened, sign_in
from tests.flows.site import Site, start_site
from tests.support.gateways.bkash import FakeBkash

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def bkash() -> Iterator[FakeBkash]:
    """The gateway that the site is configured for."""
    fake = FakeBkash()
    yield fake
    fake.stop()


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory, bkash: FakeBkash) -> Iterator[Site]:
    """Every role, PostgreSQL, Redis, FreeRADIUS and the simulated NAS."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in bkash.environment.items():
            patch.setenv(name, value)
        site = start_site(tmp_path_factory.mktemp("site"))
        yield site
        site.stop()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    expect.set_options(timeout=PATIENCE_MS)
    with launched() as browser:
        yield browser


@pytest.fixture
def page(chromium: Browser, site: Site) -> Iterator[Page]:
    """A page that is signed in as admin."""
    with opened(chromium, site.urls["console"]) as page:
        sign_in(page)
        yield page


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The first test waits for thirteen processes to start, on cores that others use too."""
    for item in items:
        if item.path.parent == HERE and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(900))
