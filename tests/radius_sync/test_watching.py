"""A RADIUS server is asked whether it is there, and what time it is: a real one."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import text

from radius_sync import gauges, radius_client, watching
from radius_sync.installation import migrate
from radius_sync.protocol import Code
from radius_sync.settings import Settings, read
from radius_sync.watching import Watcher
from shared import metrics
from shared.database import Database
from shared.settings import BadSetting
from tests.radius_sync.calling import Caller
from tests.radius_sync.freeradius_site import SECRET, Site
from tests.support.databases import SECRETS
from tests.support.waiting import PATIENCE, until

EMBEDDED = "/v1/targets/00000000-0000-7000-8000-000000000001"


@pytest.fixture
def server(postgres: str, tmp_path: Path) -> Iterator[Site]:
    """Not started yet."""
    made = Site(tmp_path / "watched", postgres)
    yield made
    made.close()


@pytest.fixture
def watcher(
    database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Watcher]:
    monkeypatch.setattr(watching, "ASK_SECONDS", 0)
    monkeypatch.setattr(watching, "TIMEOUT", PATIENCE)
    yield Watcher(database, settings.secret_key)


def name(admin: Caller, server: Site, secret: str = SECRET) -> None:
    radius = {"address": "127.0.0.1", "port": server.auth_port, "secret": secret}
    assert admin("PATCH", EMBEDDED, {"radius": radius}, **{"If-Match": "*"}).status_code == 200


def findings(admin: Caller) -> dict[str, str]:
    found = admin("GET", f"{EMBEDDED}/doctor").json["findings"]
    return {one["code"]: one["fault"] for one in found}


def told(admin: Caller) -> dict[str, Any]:
    radius: dict[str, Any] = admin("GET", EMBEDDED).json["radius"]
    return radius


def metrics_of(database: Database) -> str:
    with database.transaction() as session:
        return metrics.exposition("radius-sync", session, gauges.sample).decode()


def test_a_server_that_runs_answers_and_one_that_stopped_is_silent(
    admin: Caller, database: Database, server: Site, watcher: Watcher
) -> None:
    assert admin("GET", EMBEDDED).json["radius"] is None
    server.start()
    name(admin, server)
    assert told(admin)["state"] == "unknown"
    watcher.run()
    now = told(admin)
    assert (now["state"], now["clock_skew_seconds"]) == ("answering", 0)
    assert now["seen_at"]
    assert findings(admin) == {}
    assert 'tenure_radius_answering{target="embedded"} 1.0' in metrics_of(database)

    assert server.process is not None
    server.process.stop()
    watcher.run()
    assert told(admin)["state"] == "silent"
    assert told(admin)["seen_at"] == now["seen_at"]
    assert set(findings(admin)) == {"radius_silent"}
    assert 'tenure_radius_answering{target="embedded"} 0.0' in metrics_of(database)
    assert "secret" not in str(admin("GET", EMBEDDED).json)


def test_another_secret_is_silence_too(
    admin: Caller, server: Site, watcher: Watcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "TIMEOUT", 0.1)
    server.start()
    name(admin, server, "not-the-secret-of-it")
    watcher.run()
    assert told(admin)["state"] == "silent"


@pytest.mark.parametrize(
    ("told", "skew"), [(1000, 0), (1003, 0), (1007, 0), (997, -3), (1010, 3), (None, None)]
)
def test_an_answer_that_took_its_time_makes_no_clock_wrong(
    monkeypatch: pytest.MonkeyPatch, told: int | None, skew: int | None
) -> None:
    """Asked at 1000, heard at 1007."""
    clock = iter([1000.9, 1007.2])
    monkeypatch.setattr(radius_client, "time", SimpleNamespace(time=lambda: next(clock)))
    answer = SimpleNamespace(code=Code.ACCESS_ACCEPT, timestamp=told)
    monkeypatch.setattr(radius_client, "exchange", lambda *_: answer)
    server = radius_client.Server("192.0.2.1", 1812, 1813, b"secret")
    assert radius_client.ask_status(server) == radius_client.Status(alive=True, skew=skew)


@pytest.mark.parametrize("ahead", [3600, -90])
def test_a_server_whose_clock_is_off_is_found_by_the_doctor(
    admin: Caller, server: Site, watcher: Watcher, ahead: int
) -> None:
    file = server.folder / "radiusd.conf"
    clock = 'Event-Timestamp := "%l"'
    assert clock in file.read_text()
    file.write_text(
        file.read_text().replace(clock, clock.replace("%l", f"%{{expr: %l + {ahead}}}"))
    )
    server.start()
    name(admin, server)

    def measured() -> bool:
        """What the answer took on its way, the clock may be off by less."""
        watcher.run()
        assert told(admin)["state"] == "answering"
        skew: int = told(admin)["clock_skew_seconds"]
        return abs(skew - ahead) <= 1

    until(measured)
    fault = findings(admin)["radius_clock_skew"]
    assert f"{abs(ahead)} s apart" in fault or f"{abs(ahead) - 1} s apart" in fault


def test_a_server_is_asked_by_one_worker_at_a_time_and_not_when_it_is_disabled(
    admin: Caller, database: Database, settings: Settings, server: Site,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    name(admin, server)
    monkeypatch.setattr(watching, "ASK_SECONDS", 600)
    first, second = (Watcher(database, settings.secret_key) for _ in range(2))
    assert [one.name for one in first._due()] == ["embedded"]
    assert second._due() == []
    with database.transaction() as session:
        session.execute(text("UPDATE target SET radius_asked_at = NULL, enabled = false"))
    assert first._due() == []


def test_the_answer_of_a_server_that_is_no_longer_named_is_not_kept(
    admin: Caller, database: Database, server: Site, watcher: Watcher
) -> None:
    server.start()
    name(admin, server)
    (asked,) = watcher._due()
    assert admin("PATCH", EMBEDDED, {"radius": None}, **{"If-Match": "*"}).status_code == 200
    watcher._record(asked)
    with database.transaction() as session:
        assert session.scalar(text("SELECT radius_state FROM target")) == "unknown"


@pytest.mark.parametrize(
    "wrong", [{"address": "radius.example", "secret": "x"}, {"address": "192.0.2.1"},
              {"address": "192.0.2.1", "secret": "x", "port": 0}],
)  # fmt: skip
def test_what_is_no_server_is_refused(admin: Caller, wrong: dict[str, Any]) -> None:
    answer = admin("PATCH", EMBEDDED, {"radius": wrong}, **{"If-Match": "*"})
    assert answer.status_code == 422
    assert answer.json["errors"][0]["pointer"].startswith("/radius/")


def test_the_environment_names_where_the_sites_own_server_is_asked(
    admin: Caller, settings: Settings, server: Site, watcher: Watcher
) -> None:
    """A fresh `make run` shows whether FreeRADIUS answers; a second start changes nothing."""
    server.start()
    named = replace(
        settings, radius_status_address="127.0.0.1", radius_status_port=server.auth_port,
        radius_status_secret=SECRET,
    )  # fmt: skip
    migrate(named)
    watcher.run()
    assert told(admin)["state"] == "answering"
    migrate(named)
    assert told(admin)["state"] == "answering"
    migrate(replace(named, radius_status_port=9))
    assert (told(admin)["port"], told(admin)["state"]) == (9, "unknown")


@pytest.mark.parametrize(("address", "secret"), [("localhost", "x"), ("127.0.0.1", "")])
def test_a_place_to_ask_that_makes_no_sense_is_refused(
    monkeypatch: pytest.MonkeyPatch, address: str, secret: str
) -> None:
    for name, value in {**SECRETS, "RADIUS_STATUS_ADDRESS": address}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("RADIUS_HEALTH_SECRET", secret)
    with pytest.raises(BadSetting, match="RADIUS_"):
        read()
