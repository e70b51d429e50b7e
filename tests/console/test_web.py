"""Pages over scripted services: what is shown, what is sent, what happens when a service says no."""

from __future__ import annotations

import pytest

from tests.console.conftest import Browser
from tests.console.scripted_services import Script

ID = "01990000-0000-7000-8000-0000000000aa"
PAGES = [
    "/customers", "/customers/new", "/deleted-customers", "/erasures", "/payments", "/bills",
    "/network/subscribers", "/network/sessions", "/network/disconnects", "/network/nas",
    "/network/reconciliations", "/network/dead-letters", f"/network/usage/{ID}",
    "/operations", "/jobs", "/operators", "/packages", "/customer-classes", "/customers/imports",
    "/numbering", "/exports", "/exports/schedules",
]  # fmt: skip
LISTS = [
    "customers", "packages", "deleted-customers", "erasures", "payments", "payments/totals", "bills",
    "subscribers", "sessions", "disconnects", "nas", "reconciliations", "dead-letters", "usage",
    "operations", "jobs", "operators", "customer-classes", "imports", "number-patterns", "exports",
    "export-schedules",
]  # fmt: skip


@pytest.mark.parametrize("page", PAGES)
def test_every_page_of_the_menu_shows_an_empty_list(
    browser: Browser, script: Script, page: str
) -> None:
    for name in LISTS:
        script.lists(f"/v1/{name}")
    response = browser.get(page)
    assert response.status_code == 200, response.get_data(as_text=True)
    assert response.get_data(as_text=True).count("<h1>") == 1
