"""What `make run` reads from the environment, and what it says when that is broken."""

from pathlib import Path

import pytest

from local_site import settings
from local_site.errors import SiteError

pytestmark = pytest.mark.unit


def test_an_empty_environment_gives_the_documented_places() -> None:
    chosen = settings.read({})
    assert chosen.home == Path("var").resolve()
    assert chosen.url("CONSOLE_PORT") == "http://127.0.0.1:8000"
    assert chosen.ports["RADIUS_AUTH_PORT"] == 1812
    assert chosen.demo
    assert chosen.database_url is chosen.redis_url is None


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("CUSTOMERS_PORT", "eight", "is not a port"),
        ("CUSTOMERS_PORT", "0", "is not a port"),
        ("RADIUS_AUTH_PORT", "65536", "is not a port"),
        ("PAYMENTS_PORT", "8001", "is the same port as CUSTOMERS_PORT"),
        ("DATABASE_URL", "mysql://127.0.0.1", "starts with postgresql://"),
        ("DATABASE_URL", "postgresql:///customers", "starts with postgresql://"),
        ("DATABASE_URL", "postgresql://u@h:port", "is not an address"),
        ("REDIS_URL", "127.0.0.1:6379", "starts with redis://"),
        ("TENURE_DEMO", "no", "neither 0 nor 1"),
    ],
)
def test_a_broken_variable_is_named_with_the_fix(name: str, value: str, said: str) -> None:
    with pytest.raises(SiteError, match=f"{name}.*{said}"):
        settings.read({name: value})


def test_every_broken_variable_is_named_at_once() -> None:
    with pytest.raises(SiteError) as raised:
        settings.read({"CONSOLE_PORT": "x", "REDIS_URL": "x"})
    assert len(str(raised.value).splitlines()) == 2


def test_a_password_in_a_broken_address_is_not_shown() -> None:
    with pytest.raises(SiteError) as raised:
        settings.read({"DATABASE_URL": "mysql://user:hunter2@host"})
    assert "hunter2" not in str(raised.value)
