"""Stripe's objects in our words: amounts, sessions, refunds, disputes (docs.stripe.com/api)."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

from payments.gateways.calling import text
from payments.gateways.interface import Declined, Found, GivenBack, Refunded, Unreachable

# docs.stripe.com/currencies: not ISO's list. ISK and UGX are told in hundredths that must be zero.
ZERO_DECIMAL = frozenset({
    "BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF",
    "XOF", "XPF",
})  # fmt: skip
WHOLE_ONLY = frozenset({"ISK", "UGX"})
THREE_DECIMAL = frozenset({"BHD", "JOD", "KWD", "OMR", "TND"})
RISKY = ("elevated", "highest")


def minor(amount: Decimal, currency: str) -> int:
    """An amount in Stripe's smallest unit. Raises Declined for one that Stripe can't take."""
    digits = 0 if currency in ZERO_DECIMAL else 3 if currency in THREE_DECIMAL else 2
    step = 100 if currency in WHOLE_ONLY else 10 if currency in THREE_DECIMAL else 1
    units = amount.scaleb(digits)
    if units != units.to_integral_value() or int(units) % step:
        raise Declined("amount", f"Stripe takes no such part of {currency}")
    return int(units)


def major(units: object, currency: str) -> Decimal:
    """Raises Unreachable for what is no whole number."""
    if not isinstance(units, int):
        raise Unreachable("an amount that is no number")
    digits = 0 if currency in ZERO_DECIMAL else 3 if currency in THREE_DECIMAL else 2
    return Decimal(units).scaleb(-digits)


def reference(intent: dict[str, Any]) -> str | None:
    """Our number of a payment intent; None for one that is not ours."""
    metadata = intent.get("metadata")
    return text(metadata.get("reference")) if isinstance(metadata, dict) else None


def taken(intent: dict[str, Any]) -> Found:
    """Of a payment intent by a stored method, with its charge expanded."""
    status, ours = str(intent.get("status") or ""), reference(intent)
    if status == "processing" or ours is None:
        return Found(state="pending")
    if status != "succeeded":
        error = intent.get("last_payment_error")
        code = text(error.get("code")) if isinstance(error, dict) else None
        return Found(state="failed", failure=code or status)
    currency = str(intent.get("currency") or "").upper()
    return Found(
        state="paid", transaction=text(intent.get("id")), reference=ours, currency=currency,
        amount=major(intent.get("amount_received"), currency), **_charged(intent),
    )  # fmt: skip


def _charged(intent: dict[str, Any]) -> dict[str, Any]:
    charge = intent.get("latest_charge")
    outcome = (charge.get("outcome") or {}) if isinstance(charge, dict) else {}
    created = charge.get("created") if isinstance(charge, dict) else None
    return {
        "paid_at": datetime.fromtimestamp(created, UTC) if isinstance(created, int) else None,
        "risky": outcome.get("risk_level") in RISKY,
    }


def payment(session: dict[str, Any]) -> Found:
    """Of a Checkout session with its payment intent and charge expanded."""
    if session.get("payment_status") != "paid":
        expired = session.get("status") == "expired"
        return Found(state="failed" if expired else "pending",
                     failure="the payer let the page expire" if expired else None)  # fmt: skip
    intent = session.get("payment_intent")
    if not isinstance(intent, dict) or not intent.get("id"):
        raise Unreachable("a paid session without payment_intent")
    currency = str(session.get("currency") or "").upper()
    return Found(
        state="paid",
        transaction=text(intent["id"]),
        amount=major(session.get("amount_total"), currency),
        currency=currency,
        reference=text(session.get("client_reference_id")),
        **_charged(intent),
    )


def refunded(data: dict[str, Any]) -> Refunded:
    """Of a refund that we asked for."""
    reference, status = text(data.get("id")), str(data.get("status") or "")
    if status == "succeeded":
        return Refunded(state="refunded", gateway_reference=reference)
    if status in ("failed", "canceled"):
        error = text(data.get("failure_reason")) or status
        return Refunded(state="failed", gateway_reference=reference, error=error)
    return Refunded(state="pending", gateway_reference=reference)


def refund(data: dict[str, Any]) -> GivenBack:
    """Of any refund; ours carry our number."""
    done, currency = refunded(data), str(data.get("currency") or "").upper()
    metadata = data.get("metadata")
    asked_as = metadata.get("refund_id") if isinstance(metadata, dict) else None
    return GivenBack(
        reference=done.gateway_reference or "", state=done.state, currency=currency,
        amount=major(data.get("amount"), currency), detail=done.error, refund_id=_uuid(asked_as),
    )  # fmt: skip


def dispute(data: dict[str, Any]) -> GivenBack:
    """The bank has the last word; until then Stripe holds the money."""
    status, currency = str(data.get("status")), str(data.get("currency") or "").upper()
    state: Literal["refunded", "failed", "disputed"] = "disputed"
    if status == "lost":
        state = "refunded"
    elif status in ("won", "warning_closed", "prevented"):
        state = "failed"
    return GivenBack(
        reference=str(data.get("id") or ""), state=state, currency=currency,
        amount=major(data.get("amount"), currency), detail=text(data.get("reason")),
    )  # fmt: skip


def _uuid(value: object) -> UUID | None:
    try:
        return UUID(str(value))
    except ValueError:
        return None
