"""PostgreSQL and Redis from wheels: start, stop, faults."""

from pathlib import Path

import psycopg
import pytest
import redis

from local_site.postgresql import PostgreSQL
from local_site.redis_server import Redis
from tests.support.servers import start_postgres, start_redis


def count_kept(server: PostgreSQL) -> int:
    with psycopg.connect(server.url) as connection:
        row = connection.execute("select count(*) from kept").fetchone()
    assert row
    return int(row[0])


def test_postgresql_keeps_committed_rows_through_stop_and_kill(tmp_path: Path) -> None:
    server = start_postgres(tmp_path / "data")
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute("create table kept as select 1 as one")
    server.restart()
    assert count_kept(server) == 1
    server.kill()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(server.url)
    server.start()
    assert count_kept(server) == 1
    server.stop()
    assert not server.running


def test_a_cluster_is_told_from_another_by_its_identifier(tmp_path: Path) -> None:
    server = start_postgres(tmp_path / "data")
    with psycopg.connect(server.url) as connection:
        told = connection.execute("SELECT system_identifier FROM pg_control_system()").fetchone()
    server.stop()
    assert told == (server.identifier,)


def test_postgresql_speaks_utf8_whatever_the_locale(postgres: str) -> None:
    with psycopg.connect(postgres) as connection:
        assert connection.execute("show server_encoding").fetchone() == ("UTF8",)
        assert connection.execute("select 'Ünïcode €'").fetchone() == ("Ünïcode €",)


def test_postgresql_listens_on_loopback_only(postgres: str) -> None:
    with psycopg.connect(postgres) as connection:
        assert connection.execute("show listen_addresses").fetchone() == ("127.0.0.1",)


def test_postgresql_starts_over_a_stale_lock_file(tmp_path: Path) -> None:
    server = start_postgres(tmp_path / "data")
    server.stop()
    # The number of a process that runs, is of the same user, and is not PostgreSQL: init or ours.
    (tmp_path / "data" / "postmaster.pid").write_text(f"1\n{tmp_path / 'data'}\n")
    server.start()
    server.stop()


def test_a_postgresql_that_cannot_start_shows_its_log(tmp_path: Path, postgres: str) -> None:
    taken = int(postgres.rpartition(":")[2].partition("/")[0])
    with pytest.raises(RuntimeError, match="Address already in use"):
        start_postgres(tmp_path / "data", taken)


def test_a_redis_that_cannot_start_shows_its_log(tmp_path: Path, redis_url: str) -> None:
    taken = int(redis_url.rpartition(":")[2].partition("/")[0])
    with pytest.raises(RuntimeError, match="Address already in use"):
        start_redis(tmp_path / "data", taken)


def ping(server: Redis) -> bool:
    with redis.Redis.from_url(server.url) as client:
        return bool(client.ping())


def test_redis_forgets_or_keeps_as_told(tmp_path: Path) -> None:
    for durable, expected in ((False, None), (True, b"1")):
        server = start_redis(tmp_path / str(durable), durable=durable)
        with redis.Redis.from_url(server.url) as client:
            client.set("kept", 1)
        server.restart()
        with redis.Redis.from_url(server.url) as client:
            assert client.get("kept") == expected
        server.stop()


def test_redis_never_evicts_a_message(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}


def test_redis_comes_back_after_kill(tmp_path: Path) -> None:
    server = start_redis(tmp_path / "data")
    server.kill()
    with pytest.raises(redis.ConnectionError):
        ping(server)
    server.start()
    assert ping(server)
    server.stop()
