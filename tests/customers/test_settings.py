"""The settings of a site, and what its environment must say."""

from dataclasses import replace
from typing import Any

import pytest

from customers import preparing
from shared.settings import BadSetting
from tests.customers.conftest import Site


def test_settings_are_changed_with_their_etag_and_logged(site: Site) -> None:
    seen = site.admin.get("/v1/settings")
    defaults: Any = seen.get_json()
    assert defaults["portal_authentication_field"] == "login"
    tag = seen.headers["ETag"]
    changed: Any = site.admin.patch("/v1/settings", {"lift_suspension_days": 3}, tag)
    assert changed.get_json() == defaults | {"lift_suspension_days": 3}
    assert site.admin.patch("/v1/settings", {"lift_suspension_days": 4}, tag).status_code == 412
    for wrong in (
        {"time_zone": "Mars/Base"}, {"lift_suspension_days": 91}, {"deletion_blockers": ["mood"]},
        {"portal_authentication_field": "phone"}, {"unknown": 1},
    ):  # fmt: skip
        assert site.admin.patch("/v1/settings", wrong).status_code == 422, wrong
    assert site.operator("north").patch("/v1/settings", {}).status_code == 403
    (row,) = site.rows("SELECT actor FROM operation WHERE action = 'settings.changed'")
    assert row.actor == "admin"


def test_the_time_zone_is_that_of_the_environment_and_of_nobody_else(site: Site) -> None:
    """C31: customers and payments must not begin their days at two midnights."""
    zone = site.admin.get("/v1/settings").get_json()["time_zone"]
    assert zone == site.settings.time_zone == "Asia/Dhaka"
    assert site.admin.patch("/v1/settings", {"time_zone": zone}).status_code == 200
    refused = site.admin.patch("/v1/settings", {"time_zone": "Asia/Kathmandu"})
    assert refused.status_code == 422
    (error,) = refused.get_json()["errors"]
    assert error["pointer"] == "/time_zone" and "TENURE_TIME_ZONE" in error["detail"]
    for _ in range(2):
        preparing.migrate(replace(site.settings, time_zone="Asia/Kathmandu"))
    assert site.admin.get("/v1/settings").get_json()["time_zone"] == "Asia/Kathmandu"
    logged = site.rows(
        "SELECT d.after FROM operation o JOIN operation_detail d ON d.operation_id = o.id"
        " WHERE o.action = 'settings.changed' AND o.actor = 'system'"
    )
    assert [row.after for row in logged] == [{"time_zone": "Asia/Kathmandu"}]
    told = site.admin.get("/metrics").get_data(as_text=True)
    for of, said in (("environment", "Asia/Dhaka"), ("settings", "Asia/Kathmandu")):
        labels = f'of="{of}",service="customers",zone="{said}"'
        assert f"tenure_time_zone{{{labels}}} 1.0" in told


def test_the_first_operator_needs_a_password_of_its_own_outside_the_demo(site: Site) -> None:
    site.change("DELETE FROM operator")
    bare = replace(site.settings, demo=False)
    for password in ("", "admin-demo"):
        with pytest.raises(BadSetting, match="TENURE_ADMIN_PASSWORD"):
            preparing.migrate(replace(bare, admin_password=password))
    preparing.migrate(replace(bare, admin_password="long-enough-1"))
    # Once there is an operator nothing is asked for any more.
    preparing.migrate(bare)
    assert site.one("SELECT username FROM operator").username == "admin"
