"""Recharge cards that were made: found in their branch, blocked, freed and expired."""

from __future__ import annotations

from typing import Any

from payments.cards import changing
from shared.database import Database
from tests.payments.press import Press, order, redeem
from tests.payments.stage import NORTH, SOUTH, Stage


def test_cards_expire_by_the_clock(stage: Stage, press: Press, database: Database) -> None:
    stage.customer()
    batch, drawn = press.batch(3)
    redeem(stage, drawn[0])
    other, _ = press.batch(1)
    stage.rows("UPDATE card_batch SET expires_at = now() WHERE id = :id RETURNING 1", id=batch)

    assert changing.expire(database) == 2
    assert changing.expire(database) == 0

    assert press.states(batch) == {"expired": 2, "used": 1}
    assert press.states(other) == {"issued": 1}


def test_a_part_of_a_batch_can_be_blocked_and_freed(stage: Stage, press: Press) -> None:
    batch, _ = press.batch(5)
    first: Any = stage.get(f"/v1/recharge-cards/batches/{batch}").json
    serial = int(first["first_serial"])

    done = press.change(
        "block", batch, first_serial=f"{serial + 1:013d}", last_serial=f"{serial + 2:013d}"
    )

    assert done["result"]["cards"] == 2
    assert press.states(batch) == {"issued": 3, "blocked": 2}
    press.change("unblock", batch)
    assert press.states(batch) == {"issued": 5}
    press.change("void", batch)
    assert press.states(batch) == {"void": 5}
    assert press.change("issue", batch)["result"]["cards"] == 0


def test_cards_of_another_branch_are_not_there(stage: Stage, press: Press) -> None:
    north = stage.operator(NORTH, "north")
    batch, _ = press.batch(2, operator_id=str(north), issued=False)
    mine: Any = stage.get("/v1/recharge-cards", NORTH, "manager").json
    serial = mine["items"][0]["serial"]

    for url in (f"/batches/{batch}", f"/batches/{batch}/file", f"/{serial}"):
        assert stage.get(f"/v1/recharge-cards{url}", SOUTH, "manager").status_code == 404, url
    of_batch = stage.get("/v1/recharge-cards", SOUTH, "manager", batch_id=batch)
    assert of_batch.status_code == 404
    assert stage.get("/v1/recharge-cards", SOUTH, "manager").json["items"] == []  # type: ignore[index]
    for action in ("issue", "void", "block", "unblock"):
        body = {"batch_id": batch, **({} if action == "issue" else {"reason": "a reason"})}
        answer = stage.post(f"/v1/recharge-cards/{action}", body, SOUTH, "manager")
        assert answer.status_code == 404
    assert order(stage, path=SOUTH, role="manager", operator_id=str(north)).status_code == 404
    assert order(stage, path=NORTH, role="reseller").status_code == 403


def test_cards_are_paged_by_serial_and_filtered_by_state(stage: Stage, press: Press) -> None:
    batch, _ = press.batch(5)
    first: Any = stage.get("/v1/recharge-cards", limit=2, state="issued").json
    again: Any = stage.get(
        "/v1/recharge-cards", limit=2, state="issued", cursor=first["next_cursor"]
    ).json
    serials = [card["serial"] for card in first["items"] + again["items"]]
    assert serials == sorted(serials)
    assert len(set(serials)) == 4
    found: Any = stage.get("/v1/recharge-cards", batch_id=batch, limit=500).json
    assert len(found["items"]) == 5
    assert stage.get("/v1/recharge-cards", state="void").json["items"] == []  # type: ignore[index]
