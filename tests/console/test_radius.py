"""The network in trouble: RADIUS servers, mass cut-offs, a NAS that is tested."""

from __future__ import annotations

import pytest

from tests.console.conftest import Browser
from tests.console.scripted_services import Script
from tests.console.test_pages import ID

TARGET = {"id": ID, "name": "south", "enabled": True, "health": "away", "error": "refused",
          "failures": 3, "pending": 10_000, "applied_at": None,
          "radius": {"address": "10.0.0.1", "state": "silent", "clock_skew_seconds": 400}}  # fmt: skip
STORM = {"state": "pacing", "since": "2026-11-22T02:00:00+00:00", "decided_by": None,
         "waiting": 12_345, "threshold": 2000, "window_seconds": 60, "per_second": 100.0}  # fmt: skip


def test_a_radius_server_shows_its_health_its_backlog_and_its_clock(
    browser: Browser, script: Script
) -> None:
    script.lists("/v1/targets", TARGET)
    text = browser.get("/network/targets").get_data(as_text=True)
    assert all(each in text for each in ("refused", "10000", "silent, clock +400 s"))
    script.says("GET", f"/v1/targets/{ID}", TARGET, ETag='"2"')
    script.says("PATCH", f"/v1/targets/{ID}", TARGET)
    browser.send(f"/network/targets/{ID}/switch")
    assert script.sent("PATCH", f"/v1/targets/{ID}") == [{"enabled": False}]


def test_the_doctor_names_each_fault_with_its_fix(browser: Browser, script: Script) -> None:
    finding = {"code": "no_index", "place": "radacct", "fault": "No index.", "fix": "CREATE INDEX"}
    script.says("GET", f"/v1/targets/{ID}", TARGET)
    script.says("GET", f"/v1/targets/{ID}/doctor", {"healthy": False, "findings": [finding]})
    text = browser.get(f"/network/targets/{ID}/doctor").get_data(as_text=True)
    assert "No index." in text and "CREATE INDEX" in text


@pytest.mark.parametrize(
    ("state", "offered"),
    [("calm", set()), ("pacing", {"stop", "release"}), ("stopped", {"release", "pace"}),
     ("released", {"stop", "pace"})],
)  # fmt: skip
def test_a_mass_cut_off_offers_what_fits_its_state(
    browser: Browser, script: Script, state: str, offered: set[str]
) -> None:
    script.says("GET", "/v1/storm", STORM | {"state": state})
    text = browser.get("/network/storm").get_data(as_text=True)
    assert "12,345" in text
    assert {
        what for what in ("stop", "pace", "release") if f"/network/storm/{what}" in text
    } == offered


def test_a_mass_cut_off_is_stopped_with_the_reason(browser: Browser, script: Script) -> None:
    script.says("GET", "/v1/storm", STORM)
    script.says("POST", "/v1/storm/stop", STORM | {"state": "stopped"})
    browser.send("/network/storm/stop", reason="wrong filter")
    assert script.sent("POST", "/v1/storm/stop") == [{"reason": "wrong filter"}]
    assert "no cut-off goes out" in browser.get("/network/storm").get_data(as_text=True)


def test_a_nas_that_is_tested_says_what_is_wrong(browser: Browser, script: Script) -> None:
    script.lists("/v1/nas", {"id": ID, "name": "edge", "state": "silent"})
    said = {"works": False, "advice": "The secret differs.", "requires": [], "warnings": [],
            "round_trip_ms": None}  # fmt: skip
    script.says("POST", f"/v1/nas/{ID}/test", said)
    assert f'action="/network/nas/{ID}/test"' in browser.get("/network/nas").get_data(as_text=True)
    browser.send(f"/network/nas/{ID}/test")
    text = browser.get("/network/nas").get_data(as_text=True)
    assert "It fails." in text and "The secret differs." in text


def test_who_had_an_address_is_asked_by_the_clock_of_the_isp(
    browser: Browser, script: Script
) -> None:
    path = "/v1/sessions/who-had"
    script.lists(path, {"id": 7, "username": "rahima", "framed_address": "10.0.0.9"})
    assert "Give an address" in browser.get("/network/who-had").get_data(as_text=True)
    assert script.sent("GET", path) == []
    page = browser.get("/network/who-had?address=10.0.0.9&at=2026-11-20T23:30")
    assert "rahima" in page.get_data(as_text=True)
    assert script.sent("GET", path) == [{"address": "10.0.0.9", "at": "2026-11-20T23:30:00+06:00"}]
