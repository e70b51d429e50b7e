"""From sign-up to erasure on real servers: what the books say is what the network does."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, datetime, timedelta
from itertools import count

import orjson
import pytest
import redis as redis_client
from joserfc import jws
from joserfc.jwk import KeySet
from python_calamine import CalamineWorkbook

from tests.flows.front_end import CUSTOMERS, PAYMENTS, RADIUS, Json, Refused, new_key
from tests.flows.leftovers import places_that_name
from tests.flows.site import PATIENCE, Site
from tests.support import radclient
from tests.support.waiting import until

RATE = "5000k/10000k"
DISCONNECT_ACK = 41  # RFC 5176 section 3.6
SOON = PATIENCE
PASSWORD = "kotha-7-bolo"
_numbers = count(1)


def activated(site: Site, username: str, **more: object) -> Json:
    """A customer with a running package, accepted by FreeRADIUS."""
    package = site.admin.create_package(f"Home {next(_numbers)}")
    made = site.admin.create_customer(username, PASSWORD, package_id=package["id"], **more)
    assert site.admin.activate(made["id"])["status"] == "active"
    site.until_accepted(username, PASSWORD, SOON)
    return made


def until_access(site: Site, username: str, access: str, seconds: float = SOON) -> None:
    until(
        lambda: site.admin.subscriber(username)["access"] == access, seconds,
        f"{username} does not become {access}",
    )  # fmt: skip


@pytest.mark.parametrize("method", ["pap", "chap", "mschap"])
def test_b8_an_active_customer_is_accepted_with_the_rate_of_the_package(
    site: Site, method: radclient.Method
) -> None:
    username = f"rate-{method}"
    activated(site, username)
    reply = site.ask(username, PASSWORD, method)
    assert reply.accepted and reply.attributes["Mikrotik-Rate-Limit"] == RATE
    assert not site.ask(username, "wrong", method).accepted


def test_a1_to_a41_a_deleted_customer_is_cut_off_comes_back_inactive_pays_and_surfs(
    site: Site,
) -> None:
    made = activated(site, "rahim", phone="01711-000001", email="rahim@example.org")
    _is_cut_off_by_deletion(site, made)
    _is_in_the_deleted_list(site, made)
    back = _comes_back_with_another_login(site, made)
    _pays_once_and_is_activated(site, back)


def _is_cut_off_by_deletion(site: Site, made: Json) -> None:
    session = site.nas.dial("rahim", PASSWORD)
    assert session is not None and dict(session.attributes)["Mikrotik-Rate-Limit"] == RATE
    online = site.admin.get(RADIUS, "/v1/sessions?username=rahim&open=true")["items"]
    assert [one["session_id"] for one in online] == [session.session_id]

    gone = site.admin.delete(made["id"], note="moved to another city")
    assert gone["deleted_by"] == "admin"
    site.until_rejected("rahim", PASSWORD)
    until(
        lambda: session.session_id not in [one.session_id for one in site.nas.sessions],
        SOON, "the session is not cut",
    )  # fmt: skip
    until(
        lambda: [one["confirmed_by"] for one in site.admin.disconnects(made["id"])]
        == ["accounting_stop"],
        SOON, "no Accounting-Stop confirms the disconnect",
    )  # fmt: skip
    (order,) = site.admin.disconnects(made["id"])
    details = site.admin.get(RADIUS, f"/v1/disconnects/{order['id']}")
    assert details["attempts"][-1]["code"] == DISCONNECT_ACK, details
    assert site.nas.effects["disconnect", session.session_id] == 1


def _is_in_the_deleted_list(site: Site, made: Json) -> None:
    gone = site.admin.send(CUSTOMERS, "GET", f"/v1/customers/{made['id']}")
    assert gone.status_code == 404 and gone.json()["type"].endswith("/deleted")
    (row,) = site.admin.get(CUSTOMERS, "/v1/deleted-customers?q=01711 000001")["items"]
    shown = {name: row[name] for name in ("name", "username", "phone")}
    assert shown == {"name": "Rahim", "username": "rahim", "phone": "+8801711000001"}
    assert re.fullmatch("Home [0-9]+", row["package_name"])
    assert row["operator_name"] and row["deleted_at"] and row["deleted_by"] == "admin"


def _comes_back_with_another_login(site: Site, made: Json) -> Json:
    """B13: the login was taken meanwhile, so the restored one gets another."""
    activated(site, "rahim", name="Another Rahim")
    with pytest.raises(Refused) as clash:
        site.admin.restore(made["id"])
    assert clash.value.response.status_code == 409
    (taken,) = clash.value.response.json()["errors"]
    assert taken["code"] == "taken" and taken["pointer"] == "/username"
    back = site.admin.restore(made["id"], username="rahim2")
    assert back["status"] == "inactive" and back["integrity"]["intact"]
    assert back["customer_number"] == made["customer_number"]
    until_access(site, "rahim2", "blocked")
    report = until(lambda: _proved(site, back["id"]), SOON, "payments proved no books")
    assert report["intact"] and report["checks"]["books_account_is_ledger"]
    assert not site.ask("rahim2", PASSWORD).accepted
    assert site.ask("rahim", PASSWORD).accepted, "the living one owns the login"
    return back


def _proved(site: Site, customer_id: str) -> Json | None:
    """B17-B20: the report of the restore, once payments has said what it finds in the books."""
    report: Json = site.admin.get(CUSTOMERS, f"/v1/customers/{customer_id}/integrity")
    return report if report["books"]["state"] == "proved" else None


def _pays_once_and_is_activated(site: Site, back: Json) -> None:
    key = new_key("rahim-pays")
    paid = site.admin.record_payment(back["id"], "500.00", key)
    assert site.admin.record_payment(back["id"], "500.00", key) == paid
    listed = site.admin.get(PAYMENTS, f"/v1/payments?customer_id={back['id']}")["items"]
    assert [one["id"] for one in listed] == [paid["id"]]
    site.admin.activate(back["id"])
    reply = site.until_accepted("rahim2", PASSWORD)
    assert reply.attributes["Mikrotik-Rate-Limit"] == RATE


def test_c10_c18_a_payment_that_covers_what_is_overdue_lifts_the_suspension_by_itself(
    site: Site,
) -> None:
    made = activated(site, "overdue1")
    until(
        lambda: site.admin.balance(made["id"])["billed"]["amount"] == "500.00", SOON, "not billed"
    )
    site.admin.record_payment(made["id"], "500.00")
    long_ago = (datetime.now(UTC) - timedelta(days=20)).isoformat()
    site.admin.issue_bill(made["id"], "300.00", long_ago)

    until_access(site, "overdue1", "walled")
    walled = site.ask("overdue1", PASSWORD)
    assert walled.accepted and walled.attributes["Mikrotik-Address-List"]
    # Customers hears of the debt by its own queue, which may be later than radius-sync's.
    until(
        lambda: site.admin.get(CUSTOMERS, f"/v1/customers/{made['id']}")["status"] == "suspended",
        SOON, "the customer does not show as suspended",
    )  # fmt: skip

    site.admin.record_payment(made["id"], "100.00")
    assert site.admin.subscriber("overdue1")["access"] == "walled", "a part lifts nothing"
    site.admin.record_payment(made["id"], "200.00")
    until_access(site, "overdue1", "open")
    freed = site.ask("overdue1", PASSWORD).attributes
    assert freed["Mikrotik-Rate-Limit"] == RATE and "Mikrotik-Address-List" not in freed
    until(
        lambda: site.admin.get(CUSTOMERS, f"/v1/customers/{made['id']}")["status"] == "active",
        SOON, "the customer stays suspended",
    )  # fmt: skip


def test_a32_to_a38_an_erased_customer_is_gone_everywhere_with_proof(site: Site) -> None:
    words = {"name": "Jhorna Begum Qazi", "phone": "+8801811777666", "email": "jhorna@qazi.example"}
    made = activated(site, "jhornaqz", **words)
    site.admin.record_payment(made["id"], "500.00")
    assert site.nas.dial("jhornaqz", PASSWORD) is not None
    site.admin.export(CUSTOMERS, "customers", "csv")
    site.admin.delete(made["id"])
    site.until_rejected("jhornaqz", PASSWORD)
    site.admin.export(CUSTOMERS, "deleted_customers", "xlsx")
    site.admin.export(PAYMENTS, "payments", "csv")
    needles = ["jhornaqz", made["customer_number"], "8801811777666", words["name"], words["email"]]
    assert places_that_name(site, needles), "the search finds what is there"

    ended = _erased_once_nothing_names_her(site, made)
    assert ended["state"] == "done", ended
    assert set(ended["receipts"]) == {CUSTOMERS, PAYMENTS, RADIUS}
    assert ended["leftovers"]["hits"] == []
    assert ended["leftovers"]["redis"]["searched"] and ended["leftovers"]["logs"]["files"] >= 13
    _verify_certificate(site, ended["id"], made["id"])
    assert places_that_name(site, needles) == []
    assert not site.ask("jhornaqz", PASSWORD).accepted
    assert site.admin.send(CUSTOMERS, "GET", f"/v1/customers/{made['id']}").status_code == 410
    free = site.admin.create_customer(
        "jhornaqz", PASSWORD, customer_number=made["customer_number"], phone=words["phone"]
    )
    assert free["id"] != made["id"]


def _erased_once_nothing_names_her(site: Site, made: Json) -> Json:
    """A38: a key and a line of a log that somebody else has left keep the certificate back."""
    rotated = site.logs / "proxy.log.1"
    rotated.write_text("GET /v1/customers?q=jhorna%40qazi.example\n")
    with redis_client.Redis.from_url(site.redis.url) as redis:
        redis.set("proxy:cache", "jhornaqz")
        erasure = site.admin.ask_to_erase(made)
        held = until(lambda: _hits(site, erasure), 120, "nothing keeps the certificate back")
        assert {hit.get("redis") or hit["log"] for hit in held} == {"proxy:cache", "proxy.log.1"}
        redis.delete("proxy:cache")
    rotated.unlink()
    return site.admin.wait_for_erasure(erasure)


def _hits(site: Site, erasure: str) -> list[Json]:
    found: Json | None = site.admin.get(CUSTOMERS, f"/v1/erasures/{erasure}")["leftovers"]
    return found["hits"] if found else []


def _verify_certificate(site: Site, erasure_id: str, customer_id: str) -> None:
    certificate = site.admin.get(CUSTOMERS, f"/v1/erasures/{erasure_id}/certificate")
    keys = KeySet.import_key_set(site.admin.get(CUSTOMERS, "/.well-known/jwks.json"))
    payload = orjson.dumps(certificate["document"], option=orjson.OPT_SORT_KEYS)
    checked = jws.deserialize_compact(
        certificate["signature"], keys, algorithms=["Ed25519"], payload=payload
    )
    assert checked.payload == payload and customer_id.encode() in payload


def test_e20_to_e24_exports_of_payments_and_deleted_customers_say_what_the_lists_say(
    site: Site,
) -> None:
    south = site.admin.create_operator("export-south")
    for number in range(3):
        made = south.create_customer(f"export{number}", PASSWORD, name=f"=Export, {number}")
        south.record_payment(made["id"], f"{100 + number}.50")
        site.admin.delete(made["id"])
    paid = south.get(PAYMENTS, "/v1/payments?sort=recorded_at")["items"]
    listed = {(one["username"], one["amount"]["amount"]) for one in paid}
    assert len(listed) == 3
    for rows in (_csv(south.export(PAYMENTS, "payments", "csv")),
                 _xlsx(south.export(PAYMENTS, "payments", "xlsx"))):  # fmt: skip
        found = {(str(row["Username"]), f"{float(str(row['Amount'])):.2f}") for row in rows}
        assert found == listed
    gone = south.get(CUSTOMERS, "/v1/deleted-customers")["items"]
    for rows in (_csv(south.export(CUSTOMERS, "deleted_customers", "csv")),
                 _xlsx(south.export(CUSTOMERS, "deleted_customers", "xlsx"))):  # fmt: skip
        found = {(str(row["Username"]), str(row["Customer Name"]).lstrip("'")) for row in rows}
        assert found == {(one["username"], one["name"]) for one in gone}


def _csv(content: bytes) -> list[dict[str, object]]:
    return [dict(row) for row in csv.DictReader(io.StringIO(content.decode("utf-8-sig")))]


def _xlsx(content: bytes) -> list[dict[str, object]]:
    book = CalamineWorkbook.from_filelike(io.BytesIO(content))
    head, *rows = book.get_sheet_by_index(0).to_python()
    return [dict(zip(map(str, head), row, strict=True)) for row in rows]
