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
    assert lapsing.sweep(site.database) == dict.fromkeys(lapsing._DUE, 0)
    site.change("UPDATE hold SET since = now() - interval '31 days' WHERE kind = 'terminated'")
    assert lapsing.sweep(site.database)["terminations"] == 1
    assert _seen(site, one)["status"] == "closed"
    assert lapsing.sweep(site.database)["terminations"] == 0


def test_within_the_days_of_the_class_an_activation_brings_the_terminated_back(
    site: Site,
) -> None:
    """C21, C22."""
    one = _active(site)
    site.change(
        "INSERT INTO hold (id, customer_id, kind, actor) VALUES"
        " (gen_random_uuid(), :id, 'terminated', 'system')",
        id=one,
    )
    site.change("UPDATE customer SET holds = '{terminated}', status = 'provisionally_terminated'")
    back: Any = site.admin.post(f"/v1/customers/{one}/activate").get_json()
    assert back["status"] == "active" and back["holds"] == []


# No test crosses into the next slot.
AN_AGE = 10**9


def test_the_nightly_cleaning_keeps_what_still_counts(site: Site) -> None:
    """Sign-in looks at five minutes."""
    site.change("INSERT INTO login_attempt (key, at) VALUES ('a', now() - interval '1 hour')")
    site.change("INSERT INTO login_attempt (key, at) VALUES ('b', now())")
    assert tick(site.database, "clean", AN_AGE, tasks.clean) is True
    assert tick(site.database, "clean", AN_AGE, tasks.clean) is False
    assert [row.key for row in site.rows("SELECT key FROM login_attempt")] == ["b"]
