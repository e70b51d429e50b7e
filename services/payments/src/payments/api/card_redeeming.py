"""`/v1/recharge-cards/redeem`: a PIN becomes a payment; guessing is slowed down until it is hopeless."""

from __future__ import annotations

from typing import Any

from payments.api.answering import rules, settings
from payments.cards import guarding, redeeming
from payments.persistence import payments as stored
from payments.schemas import bodies
from payments.schemas.answers import PaymentSchema
from payments.schemas.cards import RedeemSchema
from shared.http import (
    Blueprint,
    Problem,
    client_address,
    database,
    permission,
    principal,
    transaction,
)

redeeming_cards = Blueprint("redeeming", __name__, description="Recharge cards become payments")
# One text for whatever is wrong: who guesses learns nothing.
REFUSED = "This card can't be redeemed: check the PIN and the username, or ask who sold it."


@redeeming_cards.post("/v1/recharge-cards/redeem")
@redeeming_cards.arguments(RedeemSchema)
@redeeming_cards.response(201, PaymentSchema)
@permission("recharge_cards.redeem")
def redeem_card(body: dict[str, Any]) -> Any:
    """Credit a card to the customer with this login, once; 429 after too many that could not be."""
    caller = principal()
    counted = guarding.who(
        settings().digest_key, body["username"], str(caller.id or caller.name),
        client_address(),
    )  # fmt: skip
    try:
        with guarding.attempt(database(), counted):
            return _redeem(body)
    except guarding.Locked as error:
        raise Problem(
            429, "too-many-requests", "Too many attempts", "Wait before the next card is tried.",
            headers={"Retry-After": str(error.seconds)},
        ) from error  # fmt: skip
    except redeeming.NotRedeemable as error:
        raise Problem(
            422, "not-redeemable", "Not redeemable", REFUSED,
            errors=[{"pointer": "/pin", "code": "not_redeemable", "detail": REFUSED}],
        ) from error  # fmt: skip


def _redeem(body: dict[str, Any]) -> Any:
    with transaction() as tx, rules():
        payment_id = redeeming.redeem(
            tx.session, body["pin"], body["username"], settings(), tx.actor
        )
        row = stored.detail(tx.session, payment_id)
        return tx.answer(
            None, bodies.payment(row), 201, subject=row.customer_id,
            version=row.version, headers={"Location": f"/v1/payments/{payment_id}"},
        )  # fmt: skip
