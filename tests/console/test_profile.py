"""The page of one customer."""

from typing import Any

import pytest

from tests.console.conftest import Browser
from tests.console.scripted_services import Script
from tests.console.test_pages import ID, PERSON

NETWORK = {"asked": True, "online": False, "detail": None, "what_to_do": None}
BOOKS = {
    "source": "books", "code": "vacation", "status": "vacation", "reason": "vacation",
    "detail": None, "what_to_do": "End the pause.", "at": None,
}  # fmt: skip
SEEN = {
    "source": "network", "code": "session_ended", "status": None, "reason": None,
    "detail": "Its last session, at tower-1, ended.", "what_to_do": "Look at the cable.",
    "at": None,
}  # fmt: skip


def _page(browser: Browser, script: Script, reasons: list[Any], **network: Any) -> str:
    script.says("GET", f"/v1/customers/{ID}", PERSON)
    body = {"reasons": reasons, "network": NETWORK | network}
    script.says("GET", f"/v1/customers/{ID}/why-offline", body)
    return browser.get(f"/customers/{ID}").get_data(as_text=True)


def test_the_books_reasons_come_first_then_the_networks_each_with_what_to_do(
    browser: Browser, script: Script
) -> None:
    password = {**SEEN, "code": "wrong_password", "detail": "Refused 2 times."}
    text = _page(browser, script, [BOOKS, password, SEEN])
    words = (
        "End the pause under Holds.", "Wrong password", "Refused 2 times.", "under Edit",
        "Session ended", "tower-1", "Look at the cable.",
    )  # fmt: skip
    places = [text.index(one) for one in words]
    assert places == sorted(places)


@pytest.mark.parametrize(
    ("network", "shown"),
    [
        ({"online": True}, "Online now."),
        ({"asked": False, "online": None, "detail": "radius-sync does not answer"}, "not answer"),
        ({}, "Nothing in the books keeps this customer offline."),
    ],
)
def test_the_page_says_whether_the_customer_is_online_and_whether_the_network_was_asked(
    browser: Browser, script: Script, network: dict[str, Any], shown: str
) -> None:
    assert shown in _page(browser, script, [], **network)


@pytest.mark.parametrize("limited", [True, False])
def test_what_was_charged_today_stands_beside_the_spending_limit_c30(
    browser: Browser, script: Script, limited: bool
) -> None:
    names = ("billed", "paid", "outstanding", "available_funds")
    body = {name: {"amount": "0.00", "currency": "BDT"} for name in names}
    spent, limit = {"amount": "12.50", "currency": "BDT"}, {"amount": "50.00", "currency": "BDT"}
    script.says(
        "GET", f"/v1/customers/{ID}", PERSON | {"spending_limit": limit if limited else None}
    )
    script.says("GET", f"/v1/customers/{ID}/balance", body | {"expenses_today": spent})
    text = browser.get(f"/customers/{ID}").get_data(as_text=True)
    assert ("Charged today" in text) is limited
    assert ("12.50" in text and "50.00" in text) is limited
