"""The list of customers: filters, order, search, pages."""

from typing import Any

import pytest

from customers import searching
from tests.customers.conftest import Site


def _names(site: Site, query: str) -> list[str]:
    answer: Any = site.admin.get(f"/v1/customers?{query}")
    assert answer.status_code == 200, answer.text
    return [row["username"] for row in answer.get_json()["items"]]


def test_filters_narrow_and_search_looks_at_every_field(site: Site) -> None:
    """C1, E30: by login, name, phone in any format, e-mail, number, id."""
    package = site.package()
    one = site.customer(
        "rahim", name="Rahim Uddin", phone="+8801711123456", email="r@example.org",
        package_id=package, service_type="hotspot",
    )  # fmt: skip
    site.customer("karim", kind="lead", name="100% _off\\")
    assert _names(site, "kind=lead") == ["karim"]
    assert _names(site, "service_type=hotspot") == ["rahim"]
    assert _names(site, f"package_id={package}") == ["rahim"]
    assert _names(site, "status=inactive") == ["rahim"]
    for q in (
        "rah",
        "im udd",
        "0171-1123",
        "8801711",
        "R@EX",
        one["customer_number"],
        one["id"],
        "ra",
    ):
        assert _names(site, f"q={q}") == ["rahim"], q
    for q in ("100%25", "_off", "%5C"):
        assert _names(site, f"q={q}") == (["karim"] if q != "%5C" else []), q
    assert _names(site, "q=%25%25%25") == [] and _names(site, "q=r%25h") == []
    site.admin.post(f"/v1/customers/{one['id']}/holds", {"kind": "fraud"})
    assert _names(site, "hold=fraud") == ["rahim"] == _names(site, "status=blocked")


def test_pages_of_25_by_default_meet_without_gap_or_double(site: Site) -> None:
    """C54."""
    made = {site.customer(f"page{n:02d}")["username"] for n in range(30)}
    for sort in ("created_at", "-created_at", "name", "-username", "expires_at", "-expires_at",
                 "balance", "status,-name", "customer_number"):  # fmt: skip
        seen: list[str] = []
        answer: Any = site.admin.get(f"/v1/customers?sort={sort}&include=total").get_json()
        assert answer["total"] == 30 and len(answer["items"]) == 25
        seen += [row["username"] for row in answer["items"]]
        cursor = answer["next_cursor"]
        rest: Any = site.admin.get(f"/v1/customers?sort={sort}&cursor={cursor}").get_json()
        seen += [row["username"] for row in rest["items"]]
        assert rest["next_cursor"] is None
        assert len(seen) == 30 and set(seen) == made, sort


def test_the_list_sorts_by_every_column_of_money_both_ways_c40_to_c44_c52(site: Site) -> None:
    """Who has none of it comes last both ways; pages meet."""
    for n in range(7):
        more: dict[str, Any] = {"currency": ("BDT", "USD")[n % 2]}
        if n % 3:
            amount = {"amount": f"{(5 - n) * 100}.00" if n < 5 else "100.00", **more}
            more |= {"balance_control": "postpaid", "credit_limit": amount}
        site.customer(f"c{n}", **more)
    site.change("UPDATE customer SET available_funds = right(username, 1)::int % 4 - 1")
    for name in ("balance_control", "currency", "balance", "credit_limit", "available_funds"):
        whole = [
            (getattr(row, name), row.id)
            for row in site.rows(f"SELECT id, {name} FROM customer ORDER BY {name}, id")
        ]
        for sort in (name, f"-{name}"):
            filled = [one for one in whole if one[0] is not None]
            empty = [one for one in whole if one[0] is None]
            down = sort.startswith("-")
            wanted = [*filled[::-1], *empty[::-1]] if down else [*filled, *empty]
            url, seen = f"/v1/customers?limit=2&sort={sort}", []
            page: Any = site.admin.get(url).get_json()
            seen += page["items"]
            while page["next_cursor"]:
                page = site.admin.get(f"{url}&cursor={page['next_cursor']}").get_json()
                seen += page["items"]
            assert [row["id"] for row in seen] == [str(one[1]) for one in wanted], sort


def test_what_is_no_filter_no_sort_no_page_is_refused_by_name(site: Site) -> None:
    """B4, B5, B6."""
    for query in (
        "limit=0", "limit=-1", "limit=501", "cursor=forged", "sort=password_sealed", "sort=;drop",
        "state=deleted", "status=happy", "operator_id=7", "q=", "q=%00", "include=secrets",
    ):  # fmt: skip
        answer: Any = site.admin.get(f"/v1/customers?{query}")
        assert answer.status_code == 422, query
        assert answer.get_json()["errors"][0]["parameter"] == query.split("=")[0]


def test_deleted_lists_by_columns_that_may_be_empty_lose_and_double_nobody(site: Site) -> None:
    """A12-A18: those without a phone, a package or a day of erasure come last, both ways."""
    package = site.package()
    for n in range(7):
        more = {"phone": f"+88017111234{n:02d}"} if n % 3 else {}
        more |= {"package_id": package} if n % 2 else {}
        site.deleted(f"gone{n}", "closed_account" if n % 4 else "operator_error", **more)
    for column in searching.DELETED_SORTABLE:
        for sort in (column, f"-{column}"):
            seen: list[dict[str, Any]] = []
            place = f"/v1/deleted-customers?sort={sort}&limit=2"
            page: Any = site.admin.get(place).get_json()
            seen += page["items"]
            while page["next_cursor"]:
                page = site.admin.get(f"{place}&cursor={page['next_cursor']}").get_json()
                seen += page["items"]
            assert len(seen) == 7 == len({one["id"] for one in seen}), sort
            values = [one[column] for one in seen]
            filled = [value for value in values if value is not None]
            assert values == filled + [None] * (7 - len(filled)), sort
            assert filled == sorted(filled, reverse=sort.startswith("-")), sort


@pytest.mark.parametrize(
    "q",
    [
        "rahmi uddin", "rahim udin", "rahim uddnn", "ra him uddin", "Mohamad Rahim Udin", "rahimuddin",
        "rahmi", "udddin", "rhaim.uddin@exmaple.org",
    ],
)  # fmt: skip
def test_a_typing_error_finds_those_who_nearly_fit_and_says_so(site: Site, q: str) -> None:
    """A19, D1; seed B4: only where nobody fits exactly."""
    wanted: dict[str, Any] = {"name": "Mohammad Rahim Uddin", "email": "rahim.uddin@example.org"}
    site.customer("u-1", **wanted)
    site.customer("u-2", name="Nasrin Sultana", email="ns@example.org")
    site.deleted("u-3", name=wanted["name"])
    for place, found in (("/v1/customers", "u-1"), ("/v1/deleted-customers", "u-3")):
        if "@" in q and found == "u-3":
            continue
        answer: Any = site.admin.get(f"{place}?q={q}").get_json()
        assert [row["username"] for row in answer["items"]] == [found], (place, q)
        assert answer["approximate"] is True


def test_who_fits_exactly_is_not_diluted_by_those_who_nearly_do(site: Site) -> None:
    site.customer("u-1", name="Rahim Uddin")
    site.customer("u-2", name="Rahima Udin")
    answer: Any = site.admin.get("/v1/customers?q=rahim uddin").get_json()
    assert [row["username"] for row in answer["items"]] == ["u-1"]
    assert answer["approximate"] is False


def test_near_is_not_anybody_and_numbers_are_taken_at_their_word(site: Site) -> None:
    site.customer("u-1", name="Rahim Uddin", phone="+8801711123456")
    for q in ("Selina Khatun", "+8801711123457", "01711123465", "xyz", "u-9"):
        assert _names(site, f"q={q.replace('+', '%2B')}") == [], q


def test_a_near_match_of_another_branch_is_nobody(site: Site) -> None:
    north, south = site.operator("north"), site.operator("south")
    site.customer("u-1", north, name="Rahim Uddin")
    found: Any = south.get("/v1/customers?q=rahmi uddin").get_json()
    assert found["items"] == []
    found = north.get("/v1/customers?q=rahmi uddin").get_json()
    assert [row["username"] for row in found["items"]] == ["u-1"]


def test_what_acts_on_all_that_is_found_takes_the_exact_ones_only(site: Site) -> None:
    """Bulk work and exports: nobody is deleted for a typing error."""
    site.customer("u-1", name="Rahim Uddin")
    body = {"filter": {"q": "rahmi uddin"}, "reason": "wrong_entry"}
    job = site.admin.bulk("/v1/customers/delete", body)
    site.run_jobs()
    assert site.admin.get(job.headers["Location"]).get_json()["total"] == 0
    assert _names(site, "q=rahim") == ["u-1"]


def test_more_than_are_worth_naming_are_walked_for_a_page(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("customers.finding.CANDIDATES", 3)
    for n in range(6):
        site.customer(f"many{n}")
    site.customer("other")
    answer: Any = site.admin.get("/v1/customers?q=many&limit=4&include=total&sort=username")
    found = answer.get_json()
    assert [row["username"] for row in found["items"]] == [f"many{n}" for n in range(4)]
    assert found["total"] == 6 and found["approximate"] is False


def test_a_phone_is_found_by_local_digits_and_with_its_national_nought(site: Site) -> None:
    """A21, B2-B5: Bangla digits in the search of both lists, in what is written and what is edited."""
    one = site.customer("rahim", name="বাড়ি ১২", phone="০১৭১১-১২৩৪৫৬")
    site.deleted("gone", phone="+880 (0)1711 123 456")
    assert one["phone"] == "+8801711123456"
    own = "".join(chr(ord("০") + int(digit)) for digit in one["customer_number"])
    forms = (
        "০১৭১১১২৩৪৫৬",
        "%2B৮৮০ (০)১৭১১-১২৩",
        "%2B880 (0)1711 123456",
        "(0)1711",
        "１７１１１２３",
    )
    for q in forms:
        assert _names(site, f"q={q}") == ["rahim"], q
        gone: Any = site.admin.get(f"/v1/deleted-customers?q={q}").get_json()
        assert [row["username"] for row in gone["items"]] == ["gone"], q
    for q in ("বাড়ি ১২", own):
        assert _names(site, f"q={q}") == ["rahim"], q
    answer: Any = site.admin.patch(f"/v1/customers/{one['id']}", {"phone": "০১৮১১১২৩৪৫৬"})
    assert answer.get_json()["phone"] == "+8801811123456"
    assert _names(site, "q=০১৮১১-১২৩") == ["rahim"] and _names(site, "q=০১৭১১") == []
