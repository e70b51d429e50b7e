"""The list of customers: filters, order, search, pages."""

from typing import Any

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
