"""What time alone ends: by state, so twice, late or on two machines is the same."""

from datetime import UTC, datetime, timedelta
from typing import Any

from customers import lapsing, tasks
from shared.ticks import tick
from tests.customers.conftest import Site


def _active(site: Site, username: str = "rahim") -> str:
    made = site.customer(username, package_id=site.package(f"for {username}"))
    site.admin.post(f"/v1/customers/{made['id']}/activate")
    return str(made["id"])


def _seen(site: Site, customer: str) -> dict[str, Any]:
    return dict(site.admin.get(f"/v1/customers/{customer}").get_json())


def test_an_expired_package_makes_inactive_once(site: Site) -> None:
    """B12, A31."""
    one = _active(site)
    site.change("UPDATE customer SET expires_at = now() - interval '1 second'")
    assert lapsing.sweep(site.database)["packages"] == 1
    assert lapsing.sweep(site.database)["packages"] == 0
    assert _seen(site, one)["status"] == "inactive"
    event = site.events(one)[-1]
    assert event.type == "customer.status_changed" and event.data["customer"]["activated"] is False


def test_more_than_a_chunk_expire_in_one_sweep(site: Site) -> None:
    site.change(
        "INSERT INTO customer (id, customer_number, name, username, operator_id, operator_path,"
        " activated_at, expires_at, status) SELECT gen_random_uuid(), 'M' || n, 'M', 'm' || n, o.id,"
        " o.operator_path, now() - interval '30 days', now() - interval '1 second', 'active'"
        " FROM operator o, generate_series(1, 1200) n WHERE o.username = 'admin'"
    )
    assert lapsing.sweep(site.database)["packages"] == 1200
    assert site.one("SELECT count(*) AS n FROM customer WHERE status = 'inactive'").n == 1200
    told = site.one("SELECT count(*) AS n FROM outbox WHERE type = 'customer.status_changed'")
    assert told.n == 1200


def test_while_an_export_runs_nothing_ends_and_nothing_is_charged_c33_c34_c37_c38(
    site: Site,
) -> None:
    one = _active(site)
    site.admin.post(f"/v1/customers/{one}/holds", {"kind": "export"})
    site.change("UPDATE customer SET expires_at = now() - interval '1 second'")
    site.change(
        "INSERT INTO hold (id, customer_id, kind, actor, since)"
        " SELECT gen_random_uuid(), id, k, 'system', now() - interval '90 days'"
        " FROM customer, unnest(ARRAY['overdue', 'terminated']) AS k"
    )

    swept = lapsing.sweep(site.database)
    assert (swept["exports"], swept["renewals"], swept["packages"]) == (1, 0, 0)
    assert (swept["grace"], swept["terminations"]) == (0, 0)
    assert lapsing.sweep(site.database)["exports"] == 0

    seen = _seen(site, one)
    assert seen["status"] == "export_in_progress"
    assert datetime.fromisoformat(seen["expires_at"]) > datetime.now(UTC) + timedelta(hours=20)
    event = site.events(one)[-1]
    assert event.type == "customer.status_changed", "payments bills no period"
    assert event.data["customer"]["activated"] is True
    (export,) = [hold for hold in seen["holds"] if hold["kind"] == "export"]
    assert site.admin.delete(f"/v1/customers/{one}/holds/{export['id']}").status_code == 200
    assert _seen(site, one)["status"] == "active"


def test_a_hold_ends_at_its_time(site: Site) -> None:
    """C31: the spending limit at midnight; a vacation at its date."""
    one = _active(site)
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    for body in ({"kind": "spending"}, {"kind": "vacation", "until": tomorrow}):
        site.admin.post(f"/v1/customers/{one}/holds", body)
    assert _seen(site, one)["status"] == "spending_limit_reached"
    site.change("UPDATE hold SET until = now() - interval '1 second' WHERE kind = 'spending'")
    lapsing.sweep(site.database)
    assert _seen(site, one)["status"] == "vacation"
    site.change("UPDATE hold SET until = now() - interval '1 second'")
    lapsing.sweep(site.database)
    assert _seen(site, one)["status"] == "active"


def test_a_postponement_ends_at_its_date_and_is_removed(site: Site) -> None:
    """C15."""
    one = _active(site)
    until = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    site.admin.post(f"/v1/customers/{one}/lift-suspension", {"until": until})
    site.change("UPDATE customer SET lift_suspension_until = now() - interval '1 second'")
    assert lapsing.sweep(site.database)["postponements"] == 1
    assert _seen(site, one)["lift_suspension_until"] is None


def test_overdue_past_the_grace_terminates_and_then_closes(site: Site) -> None:
    """C19-C23: 30 days by default, each by the class."""
    one = _active(site)
    site.change(
        "INSERT INTO hold (id, customer_id, kind, actor, since) VALUES"
        " (gen_random_uuid(), :id, 'overdue', 'system', now() - interval '31 days')",
        id=one,
    )
    site.change("UPDATE customer SET holds = '{overdue}', overdue = true")
    assert lapsing.sweep(site.database)["grace"] == 1
    assert _seen(site, one)["status"] == "provisionally_terminated"
    assert not any(lapsing.sweep(site.database).values())
    site.change("UPDATE hold SET since = now() - interval '31 days' WHERE kind = 'terminated'")
    assert lapsing.sweep(site.database)["terminations"] == 1
    assert _seen(site, one)["status"] == "closed"
    assert lapsing.sweep(site.database)["terminations"] == 0


def _owing(site: Site, since: dict[str, int]) -> str:
    """An active customer with the holds of an account that is overdue, since so many days."""
    one = _active(site)
    for kind, days in since.items():
        site.change(
            "INSERT INTO hold (id, customer_id, kind, actor, since) VALUES"
            " (gen_random_uuid(), :id, :kind, 'system', now() - :days * interval '1 day')",
            id=one, kind=kind, days=days,
        )  # fmt: skip
    site.change(
        "UPDATE customer SET holds = :kinds, overdue = true, status = 'provisionally_terminated'",
        kinds=sorted(since),
    )
    return one


def test_within_the_days_of_the_class_an_activation_brings_the_terminated_back_though_he_owes(
    site: Site,
) -> None:
    """C21, C22: suspended for what is overdue, with the days of grace anew, and not terminated again
    by the next sweep."""
    one = _owing(site, {"overdue": 50, "terminated": 20})
    back: Any = site.admin.post(f"/v1/customers/{one}/activate").get_json()
    assert back["status"] == "suspended"
    assert [hold["kind"] for hold in back["holds"]] == ["overdue"]
    assert not any(lapsing.sweep(site.database).values())
    assert _seen(site, one)["status"] == "suspended"
    site.change("UPDATE hold SET grace_from = now() - interval '31 days' WHERE kind = 'overdue'")
    assert lapsing.sweep(site.database)["grace"] == 1
    assert _seen(site, one)["status"] == "provisionally_terminated"


def test_an_activation_of_who_is_not_terminated_leaves_the_grace_running(site: Site) -> None:
    """C19: else who renews every month would never be terminated."""
    one = _owing(site, {"overdue": 31})
    assert site.admin.post(f"/v1/customers/{one}/activate").status_code == 200
    assert lapsing.sweep(site.database)["grace"] == 1


def test_the_days_of_grace_and_termination_stand_still_while_a_customer_lies_deleted(
    site: Site,
) -> None:
    """A22, A28, A42, C22: a restore closes nobody, and gives no day more than was left."""
    one = _owing(site, {"overdue": 55, "terminated": 20})
    site.admin.post(f"/v1/customers/{one}/delete", {"reason": "operator_error"})
    for _ in range(2):
        site.change("UPDATE customer SET deleted_at = now() - interval '15 days'")
        site.change("UPDATE hold SET since = since - interval '15 days',"
                    " grace_from = grace_from - interval '15 days'")  # fmt: skip
        place = f"/v1/deleted-customers/{one}/restore"
        plan: Any = site.admin.post(place, {"dry_run": True}).get_json()
        assert any("terminated" in note and "go on" in note for note in plan["notes"]), plan
        back: Any = site.admin.post(place).get_json()
        assert back["status"] == "provisionally_terminated"
        assert lapsing.sweep(site.database)["terminations"] == 0
        site.admin.post(f"/v1/customers/{one}/delete", {"reason": "operator_error"})
    site.admin.post(f"/v1/deleted-customers/{one}/restore")
    aged = site.rows("SELECT kind, now() - coalesce(grace_from, since) AS age FROM hold")
    assert {row.kind: row.age.days for row in aged} == {"overdue": 55, "terminated": 20}
    site.change("UPDATE hold SET grace_from = grace_from - interval '11 days'")
    assert lapsing.sweep(site.database)["terminations"] == 1
    assert _seen(site, one)["status"] == "closed"


def test_an_exported_customer_is_neither_terminated_nor_closed(site: Site) -> None:
    """C32: no further operation, the sweep's own included."""
    one = _owing(site, {"overdue": 90})
    site.change("UPDATE customer SET exported_at = now(), status = 'exported'")
    assert lapsing.sweep(site.database)["grace"] == 0
    site.change("UPDATE hold SET kind = 'terminated'")
    site.change("UPDATE customer SET holds = '{terminated}'")
    assert lapsing.sweep(site.database)["terminations"] == 0
    assert _seen(site, one)["status"] == "exported"


# No test crosses into the next slot.
AN_AGE = 10**9


def test_the_nightly_cleaning_keeps_what_still_counts(site: Site) -> None:
    """Sign-in looks at five minutes."""
    site.change("INSERT INTO login_attempt (key, at) VALUES ('a', now() - interval '1 hour')")
    site.change("INSERT INTO login_attempt (key, at) VALUES ('b', now())")
    assert tick(site.database, "clean", AN_AGE, tasks.clean) is True
    assert tick(site.database, "clean", AN_AGE, tasks.clean) is False
    assert [row.key for row in site.rows("SELECT key FROM login_attempt")] == ["b"]
