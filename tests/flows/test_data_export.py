"""What every service holds on a person, as one file, from a running site (GDPR articles 15 and 20)."""

import io
import zipfile
from decimal import Decimal
from typing import Any

import orjson

from tests.flows.front_end import CUSTOMERS, new_key
from tests.flows.site import PATIENCE, Site
from tests.support.waiting import until


def test_one_file_holds_what_three_services_know_of_a_customer(site: Site) -> None:
    """A37, the other way round; and the heads of three operations logs are signed (B21)."""
    package = site.admin.create_package("For the export")
    made = site.admin.create_customer("exported-one", "secret-1", package_id=package["id"])
    site.admin.activate(made["id"])
    site.until_accepted("exported-one", "secret-1")
    site.admin.record_payment(made["id"], "500.00")

    asked = site.admin.call(
        CUSTOMERS, "POST", f"/v1/customers/{made['id']}/data-export", {},
        **{"Idempotency-Key": new_key()},
    )  # fmt: skip
    job = site.admin.wait_for_job(CUSTOMERS, asked["id"])
    assert job["state"] == "succeeded", job
    answer = site.admin.send(CUSTOMERS, "GET", f"/v1/exports/{asked['export_id']}/file")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        found: dict[str, Any] = {
            name: orjson.loads(archive.read(name)) for name in archive.namelist()
        }
    assert [row["username"] for row in found["customers.json"]["customer"]] == ["exported-one"]
    # Digits, not a float: money is exact.
    (paid,) = [row["amount"] for row in found["payments.json"]["payment"]]
    assert isinstance(paid, str) and Decimal(paid) == 500
    radcheck = {row["attribute"]: row["value"] for row in found["radius-sync.json"]["radcheck"]}
    assert radcheck["Cleartext-Password"] == "[sealed]"
    assert b"secret-1" not in orjson.dumps(found)

    def signed() -> set[str]:
        heads = site.admin.get(CUSTOMERS, "/v1/operations/heads?limit=500")["items"]
        return {head["service"] for head in heads}

    # Taken when a worker starts, and every ten minutes; a service was not up yet, or had no log.
    until(lambda: CUSTOMERS in signed(), PATIENCE, "no head of customers' own log")
