"""What the demo registers in radius-sync."""

from dataclasses import replace

import pytest
from sqlalchemy import text

from radius_sync.demo import register_simulator, run
from radius_sync.settings import Settings
from shared.database import Database


def test_the_simulated_nas_is_registered_once_where_it_listens(
    settings: Settings, database: Database
) -> None:
    elsewhere = replace(settings, nas_address="172.30.96.9", nas_coa_port=3799)
    register_simulator(database, elsewhere)
    register_simulator(database, replace(elsewhere, nas_coa_port=13799))
    with database.transaction() as session:
        known = session.execute(text("SELECT host(address), coa_port FROM nas_device")).all()
    assert [tuple(row) for row in known] == [("172.30.96.9", 13799)]


def test_the_simulated_nas_is_asked_for_its_sessions_where_it_lists_them(
    settings: Settings, database: Database
) -> None:
    register_simulator(database, replace(settings, nas_sessions_port=3780))
    with database.transaction() as session:
        url = session.scalar(text("SELECT sessions_url FROM nas_device"))
    assert url == "http://127.0.0.1:3780/sessions"


def test_there_is_no_demo_where_it_is_not_asked_for(settings: Settings, database: Database) -> None:
    with pytest.raises(SystemExit, match="TENURE_DEMO=1"):
        run(replace(settings, demo=False))
    with database.transaction() as session:
        assert session.scalar(text("SELECT count(*) FROM nas_device")) == 0
