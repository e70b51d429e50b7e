"""Whom a text of the search means: the look-up beside the plain condition, its plan, pages of what it cut."""

from typing import Any

import pytest
from sqlalchemy import select

from customers import finding, identities
from customers.persistence import matching, tables
from shared.arrays import EMPTY
from shared.database import EVERYTHING, Scope
from tests.customers.conftest import Site

NAMES = (
    "Rahim Uddin", "rahim.uddin", "100% _off\\ sale", "Müller İrmak ŞAHİN", "রহিম উদ্দিন", "A. B. C. D.",
    "ΟΔΥΣΣΕΥΣ ΠΑΠΑΣ", "O'Neil-Smith", "2015 Rahim 2015", "x@y", "বাড়ি ১২",
)  # fmt: skip
TEXTS = (
    "rahim", "RAHIM", "im ud", "uddin", "m.ud", "100%", "_off", "off\\", "sale", "müller", "İrmak", "irmak",
    "IRMAK", "şah", "রহিম", "উদ্দিন", "হিম উদ", "b. c", "a. b. c. d.", "οδυσσευς", "ΠΑΠΑΣ", "o'n", "l-sm",
    "2015", "2015 rahim 2015", "0171-1123", "+8801711", "8801711123", "01711 12345", "11234", "u-1", "u-1@ex",
    "@example.org", "...", "   ", "%%%", "10", "u-", "ab", "zzz", "rahim  uddin",
    "০১৭১১১২৩৪০৩", "+৮৮০ (০)১৭১১ ১২৩৪", "u-৩", "বাড়ি ১২", "১২", "২০১৫",
)  # fmt: skip


def _crowd(site: Site) -> None:
    site.operator("north")
    for place, name in enumerate(NAMES):
        more: dict[str, Any] = {"name": name, "phone": f"+88017111234{place:02d}"}
        more |= {"email": f"u-{place}@example.org"} if place % 2 else {}
        site.customer(f"u-{place}", **more)
    for place, name in enumerate(NAMES):
        site.deleted(f"gone-{place}", name=name, phone=f"+88018111234{place:02d}")


def _looked_up(site: Site, scope: Scope, state: matching.State, q: str) -> set[str]:
    with site.database.connection() as connection:
        meant = identities.readings(q)
        met = matching.look_up(connection, scope, state, meant, most=1001, first=1001)
    assert met.dense is False
    found = set(met.ids.strip("{}").split(",")) - {""}
    assert len(found) == met.many
    return found


def test_the_look_up_finds_whom_the_plain_condition_finds_whatever_the_text(site: Site) -> None:
    """A19-A21, B2-B5: its trigrams are only a quicker way to the same."""
    _crowd(site)
    c, hits = tables.customer.c, 0
    own = site.one("SELECT id FROM customer WHERE username = 'u-3'").id
    for state in ("alive", "deleted"):
        for q in (*TEXTS, str(own)):
            with site.database.transaction() as session:
                plain = select(c.id).where(c.state == state, finding.matches(q))
                wanted = {str(one) for one in session.scalars(plain)}
            assert _looked_up(site, EVERYTHING, state, q) == wanted, (state, q)
            assert _looked_up(site, Scope("1/"), state, q) == wanted, (state, q)
            assert _looked_up(site, Scope("1/2/"), state, q) == set(), (state, q)
            hits += len(wanted)
    assert hits > 100


def test_a_text_is_sought_by_its_last_trigrams_of_plain_letters() -> None:
    assert matching._pieces("user27914") == ["r27", "914", "791", "279", "er2", "ser"]
    assert matching._pieces("0171-1123") == ["123", "112", "171", "017"]
    assert matching._pieces("0111-1123") == ["123", "112", "111", "011"], "each once"
    assert matching._pieces("+8801711123456")[-1] == "111"
    assert matching._pieces("রহিম উদ্দিন") == [] == matching._pieces("a. b")
    assert matching._pieces("ŞAHİN") == []


@pytest.mark.parametrize(
    ("place", "state"), [("customers", "alive"), ("deleted-customers", "deleted")]
)
def test_pages_of_a_search_meet_without_gap_or_double(site: Site, place: str, state: str) -> None:
    """C1, C54: the first page is given its rows only, the next ones all."""
    made = [site.customer(f"many-{n}")["id"] for n in range(7)]
    site.customer("other")
    if state == "deleted":
        for one in made:
            site.admin.post(f"/v1/customers/{one}/delete", {"reason": "closed_account"})
    for limit in (1, 3, 6, 7, 8):
        url = f"/v1/{place}?q=many&limit={limit}"
        page: Any = site.admin.get(f"{url}&include=total").get_json()
        assert (page["total"], page["total_is_estimate"]) == (7, False), limit
        seen = [row["id"] for row in page["items"]]
        while page["next_cursor"]:
            page = site.admin.get(f"{url}&cursor={page['next_cursor']}").get_json()
            seen += [row["id"] for row in page["items"]]
        assert seen == made[::-1], limit


def test_another_page_follows_though_one_of_the_first_went_meanwhile(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = [site.customer(f"many-{n}")["id"] for n in range(7)]
    look_up = matching.look_up

    def then_one_goes(*about: Any, **more: Any) -> matching.Matches:
        met = look_up(*about, **more)
        site.admin.post(f"/v1/customers/{made[5]}/delete", {"reason": "closed_account"})
        return met

    monkeypatch.setattr(matching, "look_up", then_one_goes)
    page: Any = site.admin.get("/v1/customers?q=many&limit=3").get_json()
    assert [row["id"] for row in page["items"]] == [made[6], made[4], made[3]]
    assert page["next_cursor"]
    rest: Any = site.admin.get(f"/v1/customers?q=many&limit=3&cursor={page['next_cursor']}")
    assert [row["id"] for row in rest.get_json()["items"]] == made[2::-1]


def test_what_fits_many_of_the_latest_is_not_looked_up(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(matching, "DENSE", 3)
    for n in range(5):
        site.customer(f"many-{n}")
    with site.database.connection() as connection:
        met = matching.look_up(connection, EVERYTHING, "alive", ["many"], most=9, first=9)
    assert met == matching.Matches(dense=True, many=0, ids=EMPTY)
    answer: Any = site.admin.get("/v1/customers?q=many&limit=2").get_json()
    assert len(answer["items"]) == 2 and answer["next_cursor"]
