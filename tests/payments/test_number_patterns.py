"""Numbers of receipts and bills: what they look like, for the site and for an operator (E28, E33)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import pytest

from payments import settings as payments_settings
from payments.persistence import numbering
from shared.database import Database
from shared.settings import BadSetting
from tests.payments.dunning import put
from tests.payments.stage import NORTH, SOUTH, Stage, operator_id
from tests.support.noon import NOON

YEAR = datetime.now(NOON).year
SITE = "R-{operator}-{year}-{number:06d}"
BELOW = "1/2/4/"


def site(stage: Stage) -> Any:
    """An admin, two resellers and one below the first; a customer of the one below."""
    for path, name in (("1/", "admin"), (NORTH, "north"), (SOUTH, "south"), (BELOW, "far-north")):
        stage.operator(path, name)
    return stage.customer(path=BELOW, operator_id=operator_id(BELOW))


def place(path: str) -> str:
    return f"/v1/number-patterns/{operator_id(path)}"


def choose(stage: Stage, path: str, **patterns: str | None) -> Any:
    answer = put(stage, place(path), patterns)
    assert answer.status_code == 200, answer.json
    return answer.json


def receipt(stage: Stage, customer: Any, path: str = NORTH, name: str = "north") -> str:
    body = {
        "customer_id": str(customer), "amount": {"amount": "5.00", "currency": "BDT"},
        "method": "cash", "override_duplicate": {"reason": "a test"},
    }  # fmt: skip
    headers = {
        **stage.bearer(path, "reseller", name),
        "Idempotency-Key": f"numbers-{next(stage.keys):08d}",
    }
    answer: Any = stage.client.post("/v1/payments", json=body, headers=headers)
    assert answer.status_code == 201, answer.json
    number: str = answer.json["receipt_number"]
    return number


def test_an_operator_has_a_number_pattern_of_its_own_e28_e33(stage: Stage) -> None:
    customer = site(stage)
    assert receipt(stage, customer) == f"R-NORTH-{YEAR}-000001"
    choose(stage, NORTH, receipt="NB/{year}/{number:04d}")
    assert receipt(stage, customer) == f"NB/{YEAR}/0001"
    assert receipt(stage, stage.customer(path=SOUTH), SOUTH, "south") == f"R-SOUTH-{YEAR}-000001"


def test_the_nearest_pattern_up_the_branch_wins_else_the_sites(stage: Stage) -> None:
    customer = site(stage)

    def next_number() -> str:
        return receipt(stage, customer, BELOW, "far-north")

    assert next_number() == f"R-FARNORTH-{YEAR}-000001"
    choose(stage, "1/", receipt="ISP-{operator}-{number}")
    assert next_number() == "ISP-FARNORTH-1"
    choose(stage, NORTH, receipt="N-{operator}-{number}")
    assert next_number() == "N-FARNORTH-1"
    choose(stage, BELOW, receipt="F-{operator}-{number}", bill="FB-{number}")
    assert next_number() == "F-FARNORTH-1"
    # No pattern of receipts: that of the operator above holds again, where it was.
    choose(stage, BELOW, bill="FB-{number}")
    assert next_number() == "N-FARNORTH-2"


def test_numbers_stay_unique_and_without_gaps_in_their_series_across_changes(stage: Stage) -> None:
    customer = site(stage)
    given_out = []
    for pattern in (None, "X/{number}", None, "X/{number:05d}", "R-NORTH-{year}-{number}", None):
        choose(stage, NORTH, receipt=pattern)
        given_out += [receipt(stage, customer) for _ in range(2)]
    assert given_out == [
        f"R-NORTH-{YEAR}-000001", f"R-NORTH-{YEAR}-000002", "X/1", "X/2",
        f"R-NORTH-{YEAR}-000003", f"R-NORTH-{YEAR}-000004", "X/00003", "X/00004",
        f"R-NORTH-{YEAR}-5", f"R-NORTH-{YEAR}-6", f"R-NORTH-{YEAR}-000007", f"R-NORTH-{YEAR}-000008",
    ]  # fmt: skip


def test_operators_with_one_series_share_its_numbers(stage: Stage, database: Database) -> None:
    site(stage)
    for path in (NORTH, SOUTH):
        choose(stage, path, receipt="T-{number}")
    wanted = [("north", YEAR), ("south", YEAR), ("north", YEAR), ("admin", YEAR)] * 5

    def take(_: int) -> list[str]:
        with database.transaction() as session:
            return list(numbering.take(session, "receipt", SITE, wanted))

    with ThreadPoolExecutor(4) as pool:
        found = [number for numbers in pool.map(take, range(8)) for number in numbers]
    assert len(set(found)) == len(found) == 160
    shared = {int(number[2:]) for number in found if number.startswith("T-")}
    assert shared == set(range(1, 121))


def test_bills_proformas_and_credits_have_patterns_too(stage: Stage) -> None:
    customer = site(stage)
    choose(stage, NORTH, bill="NBILL/{operator}/{number}", credit="NCN/{operator}/{number}")
    assert stage.bill(customer)["number"] == "NBILL/FARNORTH/1"
    choose(stage, "1/", credit="CR.{number:03d}")
    answer: Any = stage.post(
        f"/v1/customers/{customer}/adjustments",
        {
            "direction": "credit",
            "amount": {"amount": "1.00", "currency": "BDT"},
            "reason": "outage",
        },
    )
    assert answer.json["number"] == "CR.001"
    with stage.database.transaction() as session:
        (number,) = numbering.take(session, "proforma", "PF-{number}", [("north", YEAR)])
        assert number == "PF-1"
    choose(stage, NORTH, proforma="NPF-{number}")
    with stage.database.transaction() as session:
        (number,) = numbering.take(session, "proforma", "PF-{number}", [("north", YEAR)])
    assert number == "NPF-1"


def test_an_operator_sees_which_patterns_are_in_force_and_whose_changed_when(stage: Stage) -> None:
    site(stage)
    untouched: Any = stage.get(place(BELOW), BELOW, "reseller")
    assert (untouched.json["version"], untouched.json["receipt"]) == (0, None)
    assert untouched.json["in_force"]["receipt"] == SITE
    made = choose(stage, NORTH, receipt="N-{number}")
    assert (made["version"], made["operator_name"], made["bill"]) == (1, "North", None)
    # That of the operator above, whom the caller does not see.
    below: Any = stage.get(place(BELOW), BELOW, "reseller").json
    assert (below["receipt"], below["in_force"]["receipt"]) == (None, "N-{number}")
    assert stage.get(place(NORTH), BELOW, "reseller").status_code == 404
    listed: Any = stage.get("/v1/number-patterns").json
    assert [(item["operator_name"], item["receipt"]) for item in listed["items"]] == [
        ("North", "N-{number}")
    ]
    assert stage.get("/v1/number-patterns", SOUTH, "reseller").json["items"] == []  # type: ignore[index]
    logged = stage.rows(
        "SELECT o.actor, o.subject, d.before, d.after FROM operation o"
        " JOIN operation_detail d ON d.operation_id = o.id WHERE o.action = 'number_patterns.changed'"
    )
    assert logged == [("admin", operator_id(NORTH), {}, {"receipt": "N-{number}"})]


def test_managers_set_patterns_in_their_branch_and_only_an_admin_shares_a_series(
    stage: Stage,
) -> None:
    site(stage)
    body = {"receipt": "M-{operator}-{number}"}

    def asked(path: str, body: dict[str, Any], role: Any = "manager") -> Any:
        headers = {**stage.bearer(NORTH, role), "If-Match": "*"}
        return stage.client.put(place(path), json=body, headers=headers)

    assert asked(BELOW, body, "reseller").json["permission"] == "number_patterns.write"
    assert asked(SOUTH, body).status_code == 404
    assert asked(BELOW, body).status_code == 200
    refused = asked(BELOW, {"receipt": "R-SOUTH-{year}-{number}"})
    assert (refused.status_code, refused.json["errors"][0]["pointer"]) == (422, "/receipt")
    # What an admin gave stays when the manager changes something else.
    choose(stage, BELOW, receipt="T-{number}")
    assert asked(BELOW, {"receipt": "T-{number}", "bill": "{operator}/{number}"}).status_code == 200


def test_patterns_are_written_over_what_was_read(stage: Stage) -> None:
    site(stage)
    choose(stage, NORTH, receipt="A-{number}")
    body = {"receipt": "B-{number}"}
    assert put(stage, place(NORTH), body, '"0"').status_code == 412
    headers = stage.bearer()
    assert stage.client.put(place(NORTH), json=body, headers=headers).status_code == 428
    assert stage.rows("SELECT patterns FROM number_pattern") == [({"receipt": "A-{number}"},)]


@pytest.mark.parametrize(
    "pattern",
    [
        "", "R-2026", "{number}{number}", "{number}-{number}", "R-{month}-{number}", "R-{number:6}",
        "R-{number!r}", "R-{number.real}", "R-{{number}}", "={number}", "-{number}", "R-{number} ",
        "R{year}{number}", "R-{operator}{number}", "R-2{number}", "{number}/{year}", "{number}-2",
        "R\n{number}", "R-{number", "ৰ-{number}", f"{'R' * 60}-{{number}}", "R-{number:013d}",
    ],
)  # fmt: skip
def test_a_pattern_that_is_not_understood_is_refused_by_its_field(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, pattern: str
) -> None:
    site(stage)
    for kind in ("receipt", "bill", "proforma", "credit"):
        answer = put(stage, place(NORTH), {kind: pattern})
        assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, f"/{kind}")
        monkeypatch.setenv(f"{kind.upper()}_PATTERN", pattern)
        with pytest.raises(BadSetting, match=f"{kind.upper()}_PATTERN"):
            payments_settings.read()
        monkeypatch.delenv(f"{kind.upper()}_PATTERN")


def test_series_go_on_where_the_numbers_of_a_year_were(stage: Stage, database: Database) -> None:
    """What the migration makes of the old counters, and of numbers by a site's own pattern."""
    site(stage)
    customer = stage.customer(path=NORTH)
    stage.bill(customer)
    receipt(stage, customer)
    script = (payments_settings.MIGRATIONS / "versions" / "0028_number_patterns.sql").read_text()
    with database.connection() as connection:
        for statement in (
            "RESET ROLE",
            "UPDATE bill SET number = 'F/2026/0041'",
            "DROP TABLE number_pattern, numbering",
            "DROP INDEX operator_fact_username",
            "DROP FUNCTION number_pattern_of",
            "CREATE TABLE numbering (kind text, owner text, year int, last bigint)",
            # An erased payment's receipt: its number is not in the books any more.
            f"INSERT INTO numbering VALUES ('receipt', 'NORTH', {YEAR}, 7)",
        ):
            connection.exec_driver_sql(statement)
        driver: Any = connection.connection.driver_connection
        driver.execute(script)
        made = connection.exec_driver_sql("SELECT * FROM numbering ORDER BY kind").all()
        connection.exec_driver_sql(f"SET ROLE {database.role}")
    assert made == [
        ("bill", "F/2026/{number}", 41), ("receipt", f"R-NORTH-{YEAR}-{{number}}", 7)
    ]  # fmt: skip
