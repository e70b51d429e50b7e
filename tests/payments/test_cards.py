"""Recharge cards: PINs shown once, redeemed once, guarded against guessing, commission exact."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from payments import proving
from payments.cards import changing, pins
from payments.cards.making import making
from payments.cards.sealed_file import NotOpened, Sealer, new_lock, opened
from payments.jobs import kinds
from payments.settings import PaymentsSettings
from shared.database import Database
from shared.jobs import run_due
from tests.payments.stage import NORTH, SOUTH, Stage

PASSPHRASE = "correct horse battery"


def money(amount: str, currency: str = "BDT") -> dict[str, str]:
    return {"amount": amount, "currency": currency}


def order(stage: Stage, count: int = 3, path: str = "1/", role: Any = "admin", **more: Any) -> Any:
    body = {
        "count": count,
        "value": money("100.00"),
        "expires_at": (datetime.now(UTC) + timedelta(days=365)).isoformat(),
        "passphrase": PASSPHRASE,
        **more,
    }
    return stage.post("/v1/recharge-cards", body, path, role)


class Press:
    """Makes and issues cards, and opens the sealed file."""

    def __init__(self, stage: Stage, database: Database, settings: PaymentsSettings) -> None:
        self.stage, self.database, self.settings = stage, database, settings

    def run(self) -> None:
        run_due(self.database, kinds(self.settings))
        assert self.stage.rows("SELECT error FROM job WHERE state = 'failed'") == []

    def batch(self, count: int = 3, *, issued: bool = True, **more: Any) -> tuple[str, list[str]]:
        """The batch's id and its PINs."""
        asked = order(self.stage, count, **more)
        assert asked.status_code == 202, asked.json
        self.run()
        batch = asked.json["batch_id"]
        file = self.stage.get(f"/v1/recharge-cards/batches/{batch}/file")
        lines = b"".join(opened(io.BytesIO(file.data), PASSPHRASE)).decode().splitlines()
        file.close()
        if issued:
            self.change("issue", batch)
        return batch, [line.split(",")[1] for line in lines[1:]]

    def change(self, action: str, batch: str, **more: Any) -> Any:
        reason = {} if action == "issue" else {"reason": "for the test"}
        answer: Any = self.stage.post(
            f"/v1/recharge-cards/{action}", {"batch_id": batch, **reason, **more}
        )
        assert answer.status_code == 202, answer.json
        self.run()
        return self.stage.get(f"/v1/jobs/{answer.json['id']}").json

    def states(self, batch: str) -> dict[str, int]:
        found: Any = self.stage.get(f"/v1/recharge-cards/batches/{batch}").json
        return dict(found["cards"])


@pytest.fixture
def press(stage: Stage, database: Database, settings: PaymentsSettings) -> Press:
    return Press(stage, database, settings)


def redeem(stage: Stage, pin: str, username: str = "karim.ahmed", **more: Any) -> Any:
    return stage.post("/v1/recharge-cards/redeem", {"pin": pin, "username": username}, **more)


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
    with database.transaction() as session:
        assert proving.prove(session)["differences"] == 0


def test_a_hundred_redemptions_at_once_credit_one_card_once(stage: Stage, press: Press) -> None:
    customers = [stage.customer(f"Customer {number}") for number in range(4)]
    _, drawn = press.batch(1)

    with ThreadPoolExecutor(16) as pool:
        answers = list(
            pool.map(
                lambda n: (
                    redeem(
                        stage, drawn[0], f"customer.{n % 4}", path=f"1/{n + 10}/" if False else "1/"
                    ).status_code
                ),
                range(100),
            )
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


def test_the_pin_is_nowhere_in_the_database_and_the_passphrase_neither(
    stage: Stage, press: Press
) -> None:
    _, drawn = press.batch(2)
    columns = stage.rows(
        "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema ="
        " 'public' AND data_type IN ('text', 'jsonb', 'ARRAY', 'bytea')"
    )
    for needle in (*drawn, *(pins.normal(pin) for pin in drawn), PASSPHRASE):
        for table, column in columns:
            found = stage.rows(
                f'SELECT 1 FROM "{table}" WHERE strpos(CASE WHEN pg_typeof("{column}")::text ='
                f" 'bytea' THEN encode(CAST(\"{column}\"::text AS bytea), 'escape') ELSE"
                f' "{column}"::text END, :needle) > 0',
                needle=needle,
            )
            assert found == [], (table, column)


def test_the_sealed_file_goes_when_the_batch_is_issued(
    stage: Stage, press: Press, settings: PaymentsSettings
) -> None:
    batch, _ = press.batch(2, issued=False)
    url = f"/v1/recharge-cards/batches/{batch}"
    assert stage.get(url).json["url"] == f"{url}/file"  # type: ignore[index]

    press.change("issue", batch)

    assert stage.get(f"{url}/file").status_code == 410
    assert list((settings.home / "recharge-cards").iterdir()) == []
    assert stage.get(url).json["url"] is None  # type: ignore[index]


def test_a_sealed_file_past_its_time_goes_too(
    stage: Stage, press: Press, database: Database, settings: PaymentsSettings
) -> None:
    batch, _ = press.batch(1, issued=False)
    stage.rows("UPDATE card_batch SET file_until = now() RETURNING 1")

    with database.transaction() as session:
        assert changing.remove_files(session, settings)["files"] == 1

    assert list((settings.home / "recharge-cards").iterdir()) == []
    assert stage.get(f"/v1/recharge-cards/batches/{batch}/file").status_code == 410


def test_a_sealed_file_opens_for_its_passphrase_only_and_not_when_it_was_changed() -> None:
    sealed = io.BytesIO()
    sealer = Sealer(sealed, *new_lock(PASSPHRASE))
    for block in (b"one\n", b"two\n"):
        sealer.write(block)
    sealer.end()
    whole = sealed.getvalue()

    assert b"".join(opened(io.BytesIO(whole), PASSPHRASE)) == b"one\ntwo\n"
    header, _, rest = whole.partition(b"\n")
    size = 4 + int.from_bytes(rest[:4], "big")
    second = rest[size : 2 * size]
    for wrong in (
        whole[:-1],
        header + b"\n" + rest[: 2 * size],
        header + b"\n" + second + rest[:size] + rest[2 * size :],
        header.replace(b"32768", b"16384") + b"\n" + rest,
        whole + b"more",
        b"serial,pin\n",
        b"",
    ):
        with pytest.raises(NotOpened):
            b"".join(opened(io.BytesIO(wrong), PASSPHRASE))
    with pytest.raises(NotOpened):
        b"".join(opened(io.BytesIO(whole), "another passphrase"))


def test_a_batch_whose_worker_died_is_made_again_whole(
    stage: Stage, press: Press, database: Database, settings: PaymentsSettings
) -> None:
    asked = order(stage, 25_000)

    def die(done: int) -> None:
        if done > 10_000:
            raise KeyboardInterrupt

    whole = making(settings).whole
    assert whole is not None
    with database.transaction() as session:
        job = session.execute(text("SELECT * FROM job")).one()
    with pytest.raises(KeyboardInterrupt):
        whole(database, job, die)
    assert stage.rows("SELECT count(*) FROM recharge_card")[0][0] == 20_000
    press.run()

    batch = asked.json["batch_id"]
    assert press.states(batch) == {"unissued": 25_000}
    file = stage.get(f"/v1/recharge-cards/batches/{batch}/file")
    lines = b"".join(opened(io.BytesIO(file.data), PASSPHRASE)).decode().splitlines()[1:]
    file.close()
    assert len({line.split(",")[1] for line in lines}) == 25_000
    assert stage.get(f"/v1/jobs/{asked.json['id']}").json["total"] == 25_000  # type: ignore[index]
    assert [path.suffix for path in (settings.home / "recharge-cards").iterdir()] == [".sealed"]


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


def test_bad_batches_are_refused_by_the_field(stage: Stage) -> None:
    for change, pointer in (
        ({"count": 0}, "/count"),
        ({"count": 1_000_001}, "/count"),
        ({"count": "3"}, "/count"),
        ({"value": money("1.001")}, "/value"),
        ({"commission": money("100.01")}, "/commission"),
        ({"commission": money("1.00", "USD")}, "/commission"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "/expires_at"),
        ({"passphrase": "short"}, "/passphrase"),
        ({"pin": "1"}, "/pin"),
    ):
        answer: Any = order(stage, **change)
        assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, pointer)
    assert stage.rows("SELECT 1 FROM card_batch") == []


def test_an_erased_customer_leaves_a_used_card_without_a_name(stage: Stage, press: Press) -> None:
    customer = stage.customer()
    _, drawn = press.batch(1)
    redeem(stage, drawn[0])

    stage.erase(customer, "everything")

    assert stage.rows("SELECT state, customer_id, payment_id FROM recharge_card") == [
        ("used", None, None)
    ]


def test_pins_are_read_as_people_write_them() -> None:
    (pin,) = pins.draw(1)
    assert len(pin) == 12
    assert pins.normal(pins.shown(pin)) == pin
    assert pins.normal("oil0-1abc defg") == "01101ABCDEFG"
    assert len(set(pins.draw(2000))) == 2000
