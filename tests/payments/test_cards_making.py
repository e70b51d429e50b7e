"""Making recharge cards: a batch is whole, its PINs are shown once in a file that is sealed."""

from __future__ import annotations

import base64
import io
from hashlib import sha256
from typing import Any

import pytest
from sqlalchemy import text

from payments.cards import changing, pins
from payments.cards.making import making
from payments.cards.sealed_file import NotOpened, Sealer, new_lock, opened
from payments.settings import PaymentsSettings
from shared.database import Database
from tests.payments.press import PASSPHRASE, Press, money, order, redeem
from tests.payments.stage import NORTH, SOUTH, Stage


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


def test_the_sealed_file_goes_when_who_fetched_it_says_that_it_came_whole(
    stage: Stage, press: Press, settings: PaymentsSettings
) -> None:
    batch, drawn = press.batch(2, issued=False)
    url = f"/v1/recharge-cards/batches/{batch}"
    first = stage.get(f"{url}/file")
    broken = sha256(first.data[:-1]).hexdigest()
    first.close()
    part: Any = stage.post(f"{url}/file/confirm", {"sha256": broken})
    assert (part.status_code, part.json["errors"][0]["code"]) == (409, "other_file")
    again = stage.get(f"{url}/file")
    assert again.status_code == 200, "a fetch that breaks off loses nothing"
    whole = {"sha256": sha256(again.data).hexdigest()}
    again.close()
    told = base64.b64encode(bytes.fromhex(whole["sha256"])).decode()
    assert again.headers["Repr-Digest"] == f"sha-256=:{told}:"
    assert stage.post(f"{url}/file/confirm", whole, SOUTH, "reseller").status_code in (403, 404)
    assert stage.post(f"{url}/file/confirm", whole, SOUTH, "manager").status_code == 404

    done: Any = stage.post(f"{url}/file/confirm", whole)

    assert (done.status_code, done.json["url"], done.json["cards"]) == (200, None, {"unissued": 2})
    assert stage.get(f"{url}/file").status_code == 410
    assert list((settings.home / "recharge-cards").iterdir()) == []
    assert stage.post(f"{url}/file/confirm", whole).status_code == 200, "said twice, done once"
    assert len(stage.rows("SELECT 1 FROM operation WHERE action = 'recharge_cards.confirmed'")) == 1
    press.change("issue", batch)
    stage.customer()
    assert redeem(stage, drawn[0]).status_code == 201


def test_a_manager_lets_the_file_of_the_own_cards_go(stage: Stage, press: Press) -> None:
    stage.operator(NORTH, "north")
    batch, _ = press.batch(1, issued=False, path=NORTH, role="manager")
    url = f"/v1/recharge-cards/batches/{batch}"
    whole = {"sha256": stage.get(url).json["sha256"]}  # type: ignore[index]

    done = stage.post(f"{url}/file/confirm", whole, NORTH, "manager")

    assert done.status_code == 200, done.json
    assert stage.get(f"{url}/file", NORTH, "manager").status_code == 410


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
    sold = dict(line.split(",")[:2] for line in lines)
    key = pins.pin_key(settings.digest_key)
    assert {one: pins.digest(pins.normal(pin), key) for one, pin in sold.items()} == {
        row.serial: bytes(row.pin_digest)
        for row in stage.rows("SELECT serial, pin_digest FROM recharge_card")
    }
    assert len(set(sold.values())) == 25_000
    assert stage.get(f"/v1/jobs/{asked.json['id']}").json["total"] == 25_000  # type: ignore[index]
    assert [path.suffix for path in (settings.home / "recharge-cards").iterdir()] == [".sealed"]


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


def test_pins_are_read_as_people_write_them() -> None:
    (pin,) = pins.draw(1)
    assert len(pin) == 12
    assert pins.normal(pins.shown(pin)) == pin
    assert pins.normal("oil0-1abc defg") == "01101ABCDEFG"
    assert len(set(pins.draw(2000))) == 2000
