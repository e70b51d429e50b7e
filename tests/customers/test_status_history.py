"""The status as it was shown over time, with what operators above made of it (statuses 3 and 6)."""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from tests.customers.conftest import Caller, Site


def _now() -> str:
    return datetime.now(UTC).isoformat()


def _lines(caller: Caller, made: dict[str, Any], query: str = "") -> list[tuple[str, ...]]:
    answer = caller.get(f"/v1/customers/{made['id']}/status-history{query}")
    assert answer.status_code == 200, answer.text
    items: Any = answer.get_json()["items"]
    return [(line["status"], line["reason"], line["actor"]) for line in items]


def _as_of(caller: Caller, made: dict[str, Any], at: str) -> Any:
    return caller.get(f"/v1/customers/{made['id']}/as-of?at={quote(at)}").get_json()


def _active(site: Site, caller: Caller) -> dict[str, Any]:
    made = site.customer("rahim", caller, package_id=site.package())
    caller.post(f"/v1/customers/{made['id']}/activate")
    return made


def test_a_block_of_an_operator_above_stands_in_the_history_of_everybody_below(
    site: Site,
) -> None:
    """Blocked from ten to eighteen hours, it was blocked at twelve; nothing is written per customer."""
    boss = site.operator("boss", "manager")
    below = site.operator("below", "reseller", boss)
    made = _active(site, below)
    active = _now()
    holds = f"/v1/operators/{boss.id}/holds"
    site.admin.post(holds, {"kind": "reseller"})
    paused = _now()
    site.admin.post(holds, {"kind": "fraud"})
    blocked = _now()
    below.post(f"/v1/customers/{made['id']}/holds", {"kind": "vacation"})
    site.admin.delete(f"{holds}/fraud")
    site.admin.delete(f"{holds}/reseller")

    expected = [
        ("vacation", "vacation", "admin"), ("reseller_suspended", "reseller", "admin"),
        ("reseller_blocked", "fraud", "admin"), ("reseller_suspended", "reseller", "admin"),
        ("active", None, "below"), ("inactive", None, "below"),
    ]  # fmt: skip
    assert _lines(site.admin, made) == expected
    unseen = [(*line[:2], "above" if line[2] == "admin" else line[2]) for line in expected]
    assert _lines(below, made) == unseen, "a branch sees that it is blocked, not who did it"
    assert _lines(site.admin, made, "?sort=since") == expected[::-1]
    first: Any = site.admin.get(f"/v1/customers/{made['id']}/status-history?limit=2").get_json()
    rest = _lines(site.admin, made, f"?limit=4&cursor={first['next_cursor']}")
    assert rest == expected[2:]

    for at, status, reason, kinds in (
        (active, "active", None, []),
        (paused, "reseller_suspended", "reseller", ["reseller"]),
        (blocked, "reseller_blocked", "fraud", ["fraud", "reseller"]),
        (_now(), "vacation", "vacation", []),
    ):
        found = _as_of(below, made, at)
        assert (found["status"], found["status_reason"]) == (status, reason)
        assert found["inherited"] == kinds
        assert found["status_since"] <= at
    lines = site.one(
        "SELECT count(*) AS n FROM status_change WHERE customer_id = :id", id=made["id"]
    )
    assert lines.n == 3


def test_what_stood_on_an_operator_counts_while_the_customer_was_below_it(site: Site) -> None:
    """Moved away from a blocked operator, a customer is free; moved there, it is blocked."""
    north, south = site.operator("north"), site.operator("south")
    site.admin.post(f"/v1/operators/{north.id}/holds", {"kind": "admin"})
    made = _active(site, south)
    for where in (north, south):
        moved = site.admin.patch(f"/v1/customers/{made['id']}", {"operator_id": str(where.id)})
        assert moved.status_code == 200, moved.text
    site.admin.delete(f"/v1/operators/{north.id}/holds/admin")
    assert [line[0] for line in _lines(site.admin, made)] == [
        "active", "reseller_blocked", "active", "inactive",
    ]  # fmt: skip


def test_the_operator_before_a_restore_is_the_one_of_then(site: Site) -> None:
    """A restore that moves a customer, whose operator is gone, logs where it was."""
    north = site.operator("north")
    made = _active(site, north)
    at = _now()
    site.admin.post(f"/v1/customers/{made['id']}/delete", {"reason": "operator_error"})
    site.admin.patch(f"/v1/operators/{north.id}", {"status": "disabled"})
    site.admin.post(f"/v1/deleted-customers/{made['id']}/restore")
    assert _as_of(site.admin, made, at)["profile"]["operator_path"] == north.path
    assert _as_of(site.admin, made, _now())["profile"]["operator_path"] == site.admin.path
