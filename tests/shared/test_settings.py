"""A broken variable stops the start, with its name and what to put there."""

from pathlib import Path

import pytest

from shared import settings
from shared.settings import BadSetting, Settings

GOOD = {"TENURE_SECRET_KEY": "ab" * 32, "TENURE_SERVICE_SECRET": "s" * 32}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("DATABASE_URL", "REDIS_URL", "PAYMENTS_PORT", "TENURE_HOME", "PAYMENTS_DATABASE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def read() -> Settings:
    return Settings(**settings.read("payments", database="payments"))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PAYMENTS_PORT", "eight"),
        ("RADIUS_SYNC_PORT", ""),
        ("DATABASE_POOL_SIZE", "many"),
        ("RELAY_INTERVAL_SECONDS", "soon"),
        ("TENURE_DEMO", "perhaps"),
        ("EXPORT_HOURS", "a day"),
        ("TENURE_TRUSTED_PROXIES", "the proxy"),
        ("DATABASE_URL", "not a url"),
        ("TENURE_SECRET_KEY", "short"),
        ("TENURE_SECRET_KEY", "zz" * 32),
        ("TENURE_SERVICE_SECRET", "short"),
    ],
)
def test_a_broken_variable_is_named(environment: pytest.MonkeyPatch, name: str, value: str) -> None:
    environment.setenv(name, value)

    with pytest.raises(BadSetting, match=name):
        read()


@pytest.mark.parametrize("name", list(GOOD))
def test_a_missing_secret_says_how_to_make_one(environment: pytest.MonkeyPatch, name: str) -> None:
    environment.delenv(name)

    with pytest.raises(BadSetting, match=f"{name}.*openssl rand -hex 32"):
        read()


def test_the_message_does_not_repeat_a_secret(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("TENURE_SECRET_KEY", "hunter2" * 3)
    environment.setenv("DATABASE_URL", "postgresql://u:hunter2@[bad")

    with pytest.raises(BadSetting) as caught:
        read()

    assert "hunter2" not in str(caught.value)


def test_what_is_not_set_has_the_default_of_the_contract(environment: pytest.MonkeyPatch) -> None:
    found = read()

    assert (found.port, found.home, found.demo, found.role) == (
        8002,
        Path("var"),
        False,
        "tenure_payments",
    )
    assert found.urls == {
        "customers": "http://127.0.0.1:8001", "payments": "http://127.0.0.1:8002",
        "radius-sync": "http://127.0.0.1:8003", "console": "http://127.0.0.1:8000",
    }  # fmt: skip
    assert found.database_url.drivername == "postgresql+psycopg"
    assert found.database_url.database == "payments"


def test_one_server_address_serves_every_service(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("DATABASE_URL", "postgresql://u:p@db:5432/anything")
    environment.setenv("PAYMENTS_URL", "http://payments.internal/")

    found = read()

    assert (found.database_url.host, found.database_url.database) == ("db", "payments")
    assert found.urls["payments"] == "http://payments.internal"
