"""Servers every test can ask for: started at the first use, shared by the whole session."""

import gc
import os
from collections.abc import Iterator

import hypothesis
import psycopg
import pytest

from tests.support.servers import start_postgres, start_redis
from tests.support.waiting import PATIENCE

# How long an example takes says how busy the machine is, nothing of what is tested.
PATIENT = hypothesis.settings(
    deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
# The gate says the same of the same commit; new examples are looked for on purpose.
hypothesis.settings.register_profile("gate", PATIENT, derandomize=True)
hypothesis.settings.register_profile("explore", PATIENT, print_blob=True)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "gate"))


def pytest_collection_finish() -> None:
    """What is imported stays: looking through it again and again cost a fifth of a second each time."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def patient_requests() -> Iterator[None]:
    """Who waits for another one's rows is told to come back only where a test asks for that."""
    with pytest.MonkeyPatch.context() as patch:
        for setting in (
            "shared.database.LOCK_TIMEOUT", "shared.http.transactions.LOCK_TIMEOUT",
            "shared.http.transactions.TWIN_WAIT",
        ):  # fmt: skip
            patch.setattr(setting, f"{PATIENCE:g}s")
        patch.setattr("shared.database.POOL_TIMEOUT", PATIENCE)
        yield


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a PostgreSQL server: `postgresql://postgres@127.0.0.1:PORT/postgres`."""
    server = start_postgres(tmp_path_factory.mktemp("postgresql") / "data")
    with psycopg.connect(server.url, autocommit=True) as connection:
        # A plan is chosen by what its test has counted, not by when a daemon came round.
        connection.execute("ALTER SYSTEM SET autovacuum = off")
        connection.execute("SELECT pg_reload_conf()")
    yield server.url
    server.stop()


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a Redis server without persistence: `redis://127.0.0.1:PORT/0`."""
    server = start_redis(tmp_path_factory.mktemp("redis") / "data")
    yield server.url
    server.stop()
