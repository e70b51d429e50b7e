"""What every page owes people with a keyboard, a screen reader or a dark screen (WCAG 2.2)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape

import pytest
from playwright.sync_api import Browser, Page

from tests.flows.chromium import opened, sign_in
from tests.flows.site import Site

PAGES = [
    "/customers", "/customers/new", "/deleted-customers", "/deleted-customers/cleanup", "/erasures",
    "/payments", "/bills", "/network/subscribers", "/network/sessions", "/network/disconnects",
    "/network/nas", "/network/reconciliations", "/network/dead-letters", "/operations", "/jobs",
    "/operators", "/packages", "/nowhere", "/attention", "/gateways/reviews", "/gateways/payments",
    "/gateways/notifications", "/gateways/refunds", "/gateways/ledger-proof", "/statements/lines",
    "/statements/imports", "/cash/drawers", "/cash/shifts", "/cash/shifts/new", "/cash/hand-overs",
    "/cash/hand-overs/new", "/recharge-cards/batches", "/recharge-cards", "/recharge-cards/new",
    "/dunning/promises", "/dunning/reminders", "/dunning/policies", "/network/targets",
    "/network/targets/00000000-0000-7000-8000-000000000001/doctor", "/network/storm", "/looks",
    "/webhooks", "/webhooks/new", "/password", "/operators/new", "/packages/new",
    "/network/nas/new", "/network/who-had", "/retention", "/retention/test_account",
    "/reports/collections", "/reports/ageing", "/reports/unknown", "/reports/taxes",
    "/customers/import", "/statements/imports/new", "/customers/imports", "/customer-classes",
    "/customer-classes/new", "/customer-classes/00000000-0000-7000-8000-000000000001",
    "/dunning/policies/default", "/dunning/days-off", "/dunning/days-off/edit", "/numbering",
    "/network/walled-garden", "/network/walled-garden/overdue", "/exports", "/exports/schedules",
    "/exports/schedules/new", "/settings", "/proforma-bills", "/credits", "/gateways/methods",
    "/network/targets/new", "/network/storm/limits",
    "/network/targets/00000000-0000-7000-8000-000000000001",
]  # fmt: skip

# What is wrong with the page, in words; an empty list when nothing is.
FAULTS = """() => {
  const wrong = [];
  const all = (query) => [...document.querySelectorAll(query)];
  if (document.documentElement.lang !== "en") wrong.push("no language");
  if (!document.title.includes(" · Tenure")) wrong.push("no title of its own");
  if (all("h1").length !== 1) wrong.push(`${all("h1").length} h1`);
  for (const one of all("main, nav[aria-label]")) if (!one.isConnected) wrong.push("lost landmark");
  if (all("main").length !== 1) wrong.push("not one main");
  const ids = all("[id]").map((one) => one.id);
  for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) wrong.push(`id ${id} twice`);
  for (const field of all("input:not([type=hidden]), select, textarea"))
    if (!field.labels?.length && !field.getAttribute("aria-label"))
      wrong.push(`no label: ${field.outerHTML}`);
  for (const one of all("button, a[href], summary"))
    if (!(one.getAttribute("aria-label") || one.textContent.trim())) wrong.push(`no name: ${one.outerHTML}`);
  for (const table of all("table")) {
    if (!table.caption?.textContent.trim()) wrong.push("table without caption");
    for (const head of table.querySelectorAll("th")) if (!head.scope) wrong.push("th without scope");
  }
  for (const one of all("[aria-describedby]"))
    for (const id of one.getAttribute("aria-describedby").trim().split(/ +/))
      if (!document.getElementById(id)) wrong.push(`described by nothing: ${id}`);
  for (const one of all("[style], script:not([src]), style")) wrong.push(`inline: ${one.outerHTML}`);
  for (const one of all("button, a.button, input:not([type=hidden]), select")) {
    const box = one.getBoundingClientRect();
    if (one.checkVisibility() && box.width && (box.height < 16 || box.width < 16))
      wrong.push(`too small: ${one.outerHTML}`);
  }
  return wrong;
}"""

# Text whose contrast with what lies behind it is below 4.5 to 1 (WCAG 1.4.3).
FAINT = """() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = ([r, g, b]) => [r, g, b].map((c) => c / 255)
    .map((c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, place) => sum + c * [0.2126, 0.7152, 0.0722][place], 0);
  const behind = (one) => {
    for (let at = one; at; at = at.parentElement) {
      const colour = rgba(getComputedStyle(at).backgroundColor);
      if (colour[3] === 255) return colour;
    }
    return rgba(getComputedStyle(document.body).backgroundColor);
  };
  const faint = [];
  for (const one of document.querySelectorAll("body *")) {
    const own = [...one.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!own || !one.checkVisibility() || one.closest(":disabled")) continue;
    const [a, b] = [light(rgba(getComputedStyle(one).color)), light(behind(one))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) faint.push(`${ratio.toFixed(2)}: ${one.outerHTML.slice(0, 120)}`);
  }
  return faint;
}"""


@pytest.fixture(scope="module")
def customer(site: Site) -> str:
    made = site.admin.create_customer("reader.friend", "friend-password", name="Reader Friend")
    return str(made["id"])


@pytest.fixture(params=["light", "dark"])
def page(request: pytest.FixtureRequest, chromium: Browser, site: Site) -> Iterator[Page]:
    with opened(chromium, site.urls["console"], color_scheme=request.param) as page:
        yield page


def faults(page: Page, address: str) -> list[str]:
    page.goto(address)
    found = [*page.evaluate(FAULTS), *page.evaluate(FAINT)]
    return [f"{address}: {each}" for each in found]


def test_every_page_can_be_read_and_used_by_everybody(page: Page, customer: str) -> None:
    found = faults(page, "/sign-in")
    sign_in(page)
    whats = (
        "",
        "/edit",
        "/delete",
        "/payments/new",
        "/promises/new",
        "/statement",
        "/adjust",
        "/write-off",
        "/as-of",
        "/bills/new",
        "/legal-hold",
        "/accounts/new",
    )
    one = [f"/customers/{customer}{what}" for what in whats]
    for address in [*PAGES, *one, f"/network/usage/{customer}"]:
        found += faults(page, address)
    assert found == []


def test_the_customers_page_is_walked_by_keyboard_alone(page: Page, customer: str) -> None:
    sign_in(page)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to content"
    page.keyboard.press("Enter")
    page.goto("/customers?q=reader.friend")
    page.get_by_role("checkbox", name="Select Reader Friend").focus()
    page.keyboard.press("Space")
    page.get_by_role("button", name="Delete").press("Enter")
    page.wait_for_url("**/customers/delete")
    page.keyboard.press("Escape")


def test_no_page_is_wider_than_a_phone(page: Page, customer: str) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    sign_in(page)
    wide = []
    for address in [*PAGES, f"/customers/{customer}", f"/customers/{customer}/promises/new"]:
        page.goto(address)
        width = page.evaluate("document.documentElement.scrollWidth")
        wide += [f"{address} is {width} wide"] if width > 360 else []
    assert wide == []


@pytest.mark.parametrize("role", ["reseller", "manager"])
def test_every_entry_of_the_menu_opens_for_whom_it_is_offered(
    chromium: Browser, site: Site, role: str
) -> None:
    """And every tab of a page behind it."""
    name = f"menu.{role}"
    site.admin.create_operator(name, role=role)
    with opened(chromium, site.urls["console"]) as page:
        sign_in(page, name, f"{name}-password")
        links = "all => all.map(each => each.getAttribute('href'))"
        waiting, seen = set(page.locator("#menu a").evaluate_all(links)), set[str]()
        while waiting:
            seen.add(address := waiting.pop())
            answer = page.request.get(address)
            assert answer.status == 200, address
            tabs = re.findall(r'<nav class="tabs".*?</nav>', answer.text(), re.DOTALL)
            waiting |= {unescape(each) for each in re.findall(r'href="([^"]+)"', "".join(tabs))}
            waiting -= seen
        assert len(seen) > 20
