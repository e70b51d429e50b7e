"""Redeeming recharge cards: once, guarded against guessing, with the commission exact."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from payments import proving
from payments.settings import PaymentsSettings
from shared import addresses
from shared.database import Database
from tests.payments.press import Press, money, redeem
from tests.payments.stage import NORTH, SOUTH, Stage


def test_a_redeemed_card_is_a_payment_with_its_serial_and_commission(
    stage: Stage, press: Press, database: Database
) -> None:
    north = stage.operator(NORTH, "north")
    customer = stage.customer()
    bill = stage.bill(customer, "100.00")
    batch, drawn = press.batch(operator_id=str(north), commission=money("7.50"))

    answer = redeem(stage, drawn[0].lower().replace("-", " "), path=NORTH, role="reseller")

    assert answer.status_code == 201, answer.json
    paid = answer.json
    assert (paid["method"], paid["amount"]) == ("recharge_card", money("100.00"))
    card: Any = stage.get(f"/v1/recharge-cards/{paid['transaction_reference']}").json
    assert (card["state"], card["payment_id"]) == ("used", paid["id"])
    assert (card["customer_id"], card["batch_id"]) == (str(customer), batch)
    assert stage.get(f"/v1/bills/{bill['id']}").json["status"] == "paid"  # type: ignore[index]
    earned = stage.rows(
        "SELECT account, holder, amount FROM ledger_entry WHERE account LIKE 'commission%'"
        " ORDER BY amount"
    )
    assert [(row.account, str(row.amount)) for row in earned] == [
        ("commission_due", "-7.5000"), ("commission", "7.5000"),
    ]  # fmt: skip
    assert earned[0].holder == north
    assert proving.prove(database)["differences"] == 0


def test_a_hundred_redemptions_at_once_credit_one_card_once(stage: Stage, press: Press) -> None:
    customers = [stage.customer(f"Customer {number}") for number in range(4)]
    _, drawn = press.batch(1)

    with ThreadPoolExecutor(16) as pool:
        answers = list(
            pool.map(lambda n: redeem(stage, drawn[0], f"customer.{n % 4}").status_code, range(100))
        )

    assert answers.count(201) == 1
    assert set(answers) <= {201, 422, 429}
    assert stage.rows("SELECT count(*), sum(amount) FROM payment")[0] == (1, 100)
    assert len(customers) == 4


def test_whatever_is_wrong_with_a_card_is_told_in_one_text(
    stage: Stage, press: Press, database: Database
) -> None:
    stage.operator(SOUTH, "south")
    for number in range(9):
        stage.customer(f"Customer {number}")
    stage.customer("Dollar", currency="USD")
    _, used = press.batch(1)
    redeem(stage, used[0], "customer.0")
    _, unissued = press.batch(1, issued=False)
    blocked_batch, blocked = press.batch(1)
    press.change("block", blocked_batch)
    void_batch, void = press.batch(1)
    press.change("void", void_batch)
    _, souths = press.batch(1, operator_id=str(stage.operator(SOUTH, "south")))
    past_batch, past = press.batch(1)
    stage.rows(
        "UPDATE card_batch SET expires_at = now() - interval '1 s' WHERE id = :id RETURNING 1",
        id=past_batch,
    )
    _, good = press.batch(1)

    answers = [
        redeem(stage, "0000-0000-0000", "customer.1"),
        redeem(stage, used[0], "customer.2"),
        redeem(stage, unissued[0], "customer.3"),
        redeem(stage, blocked[0], "customer.4"),
        redeem(stage, void[0], "customer.5"),
        redeem(stage, souths[0], "customer.6"),
        redeem(stage, past[0], "customer.7"),
        redeem(stage, good[0], "nobody"),
        redeem(stage, good[0], "dollar"),
        redeem(stage, good[0], "customer.8", path=SOUTH, role="reseller"),
    ]

    told = {
        (answer.status_code, answer.json["type"], answer.json["detail"], str(answer.json["errors"]))
        for answer in answers
    }
    assert len(told) == 1
    assert answers[0].status_code == 422
    assert len(stage.rows("SELECT 1 FROM payment")) == 1
    assert redeem(stage, good[0], "customer.8").status_code == 201


def test_guessing_locks_the_customer_out_whatever_the_card_says_afterwards(
    stage: Stage, press: Press
) -> None:
    stage.customer()
    stage.customer("Rahim")
    _, drawn = press.batch(2)

    with ThreadPoolExecutor(8) as pool:
        answers = list(
            pool.map(lambda n: redeem(stage, f"0000-0000-{n:04d}").status_code, range(20))
        )

    assert (answers.count(422), answers.count(429)) == (5, 15)
    locked = redeem(stage, drawn[0])
    assert locked.status_code == 429
    assert 800 < int(locked.headers["Retry-After"]) <= 900
    assert redeem(stage, drawn[1], "rahim").status_code == 201, "nobody else is locked out"
    metrics = stage.client.get("/metrics").text
    assert "tenure_card_failures 5.0" in metrics
    assert 'tenure_card_locks{kind="customer"} 1.0' in metrics
    # The lock ends by itself, and the next one is twice as long.
    stage.rows("UPDATE card_guard SET locked_until = now() WHERE locks = 1 RETURNING 1")
    assert redeem(stage, drawn[0]).status_code == 201
    for _ in range(5):
        assert redeem(stage, "wrong").status_code == 422
    assert int(redeem(stage, "wrong").headers["Retry-After"]) > 1700


def test_many_customers_behind_one_operator_are_no_attack(stage: Stage, press: Press) -> None:
    for number in range(12):
        stage.customer(f"Customer {number}")
    _, drawn = press.batch(12)

    for number, pin in enumerate(drawn):
        assert redeem(stage, "mistyped", f"customer.{number}").status_code == 422
        assert redeem(stage, pin, f"customer.{number}").status_code == 201

    assert stage.rows("SELECT failures FROM card_guard WHERE kind = 'operator'") == [(12,)]


def test_guessing_from_one_address_locks_nobody_out_who_calls_through_the_same_console(
    stage: Stage, press: Press, settings: PaymentsSettings
) -> None:
    for number in range(11):
        stage.customer(f"Customer {number}")
    _, drawn = press.batch(1)

    def through_console(pin: str, username: str, address: str, operator: int) -> int:
        path = f"1/{operator}/"
        headers = {
            **stage.bearer(path, "reseller"),
            addresses.HEADER: addresses.vouch(address, settings.service_secret),
        }
        body = {"pin": pin, "username": username}
        return stage.client.post(
            "/v1/recharge-cards/redeem", json=body, headers=headers
        ).status_code

    for customer in range(11):
        guesses = {through_console("wrong", f"nobody.{customer}", "192.0.2.7", 2) for _ in range(5)}
        assert guesses <= {422, 429}

    assert through_console("wrong", "nobody.11", "192.0.2.7", 3) == 429, "this address is locked"
    assert through_console(drawn[0], "customer.1", "198.51.100.9", 2) == 201
    assert stage.rows("SELECT count(*) FROM card_guard WHERE kind = 'address'") == [(2,)]


def test_a_void_payment_of_a_card_takes_its_commission_back(
    stage: Stage, press: Press, database: Database
) -> None:
    stage.customer()
    _, drawn = press.batch(1, commission=money("3.00"))
    paid = redeem(stage, drawn[0]).json

    stage.post(f"/v1/payments/{paid['id']}/void", {"reason": "wrong customer"})

    assert stage.rows(
        "SELECT account, sum(amount) FROM ledger_entry WHERE account LIKE 'commission%'"
        " GROUP BY 1 HAVING sum(amount) <> 0"
    ) == []  # fmt: skip
    assert redeem(stage, drawn[0]).status_code == 422, "a card is used once"


def test_commissions_add_up_to_what_was_fixed_whatever_is_void(
    stage: Stage, press: Press, database: Database
) -> None:
    north = stage.operator(NORTH, "north")
    for number in range(6):
        stage.customer(f"Customer {number}")
    _, drawn = press.batch(6, operator_id=str(north), commission=money("3.33"))
    paid = [redeem(stage, pin, f"customer.{n}").json["id"] for n, pin in enumerate(drawn)]
    for payment in paid[:2]:
        stage.post(f"/v1/payments/{payment}/void", {"reason": "a slip"})

    due = stage.rows(
        "SELECT -sum(amount) FROM ledger_entry WHERE account = 'commission_due' AND holder = :id",
        id=north,
    )

    assert str(due[0][0]) == "13.3200"
    assert stage.rows("SELECT sum(amount) FROM ledger_entry") == [(0,)]


def test_an_erased_customer_leaves_a_used_card_without_a_name(stage: Stage, press: Press) -> None:
    customer = stage.customer()
    _, drawn = press.batch(1)
    redeem(stage, drawn[0])

    stage.erase(customer, "everything")

    assert stage.rows("SELECT state, customer_id, payment_id FROM recharge_card") == [
        ("used", None, None)
    ]
