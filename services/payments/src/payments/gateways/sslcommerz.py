"""SSLCommerz version 4 (SSLCOMMERZ-Python and the manual, gateways 5.6).

An IPN's hash proves who sent it; the validator says whether it is true. What a bank finds risky
(`risk_level` 1) is money that a person looks at first.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs

from payments.gateways.calling import Caller, decimal, text
from payments.gateways.checkout import Opened, Order
from payments.gateways.configuration import SslcommerzSettings
from payments.gateways.interface import (
    Clue,
    Declined,
    Delivery,
    Forged,
    Found,
    GivenBack,
    Notice,
    Refunded,
    RefundOrder,
    Unreachable,
    Unreadable,
)

# The manual's bounds of one payment.
LEAST, MOST = Decimal("10"), Decimal("500000")
CURRENCIES = frozenset({"BDT", "USD", "EUR", "SGD", "INR", "MYR"})
VALID = ("VALID", "VALIDATED")
DHAKA = timezone(timedelta(hours=6))


class Sslcommerz:
    name, title = "sslcommerz", "SSLCommerz"
    vault = None
    signs, refunds = True, True

    def __init__(self, settings: SslcommerzSettings) -> None:
        self.settings = settings
        self.caller = Caller()

    def check(self, amount: Decimal, currency: str) -> None:
        if currency not in CURRENCIES:
            raise Declined("currency", f"SSLCommerz takes {', '.join(sorted(CURRENCIES))}")
        if currency == "BDT" and not LEAST <= amount <= MOST:
            raise Declined("amount", f"SSLCommerz takes {LEAST} to {MOST} BDT at once")

    def open(self, order: Order) -> Opened:
        site = self.settings
        answer = self.caller.call("POST", f"{site.base_url}/gwprocess/v4/api.php", form={
            **self._store(), "total_amount": str(order.amount), "currency": order.currency,
            "tran_id": order.reference, "ipn_url": order.notify_url,
            "success_url": order.return_url, "fail_url": order.return_url,
            "cancel_url": order.return_url, "product_name": "Internet", "product_category": "Internet",
            "product_profile": "non-physical-goods", "shipping_method": "NO", "num_of_item": "1",
            "cus_name": order.reference, "cus_email": site.contact_email,
            "cus_phone": site.contact_phone, "cus_add1": "-", "cus_city": "-", "cus_postcode": "-",
            "cus_country": "Bangladesh",
        }).json  # fmt: skip
        if answer.get("status") != "SUCCESS":
            raise Declined("session", str(answer.get("failedreason") or "refused"))
        if not answer.get("GatewayPageURL") or not answer.get("sessionkey"):
            raise Unreachable("a session without GatewayPageURL")
        return Opened(session=str(answer["sessionkey"]), redirect_url=str(answer["GatewayPageURL"]))

    def find(self, clue: Clue) -> Found:
        """`transaction` is a val_id: the validator's own key; without it the attempts are listed."""
        if clue.transaction is not None:
            return self._validated(clue.transaction)
        if clue.reference is None:
            return Found(state="pending")
        answer = self._query({"tran_id": clue.reference})
        attempts = [one for one in answer.get("element") or [] if isinstance(one, dict)]
        for one in attempts:
            if one.get("status") in VALID and one.get("val_id"):
                return self._validated(str(one["val_id"]))
        # A payer may try another card as long as the page is open, so a failed attempt says nothing.
        return Found(state="pending")

    def _validated(self, val_id: str) -> Found:
        known = self.caller.call(
            "GET", f"{self.settings.base_url}/validator/api/validationserverAPI.php",
            params={"val_id": val_id, **self._store(), "v": "1", "format": "json"},
        ).json  # fmt: skip
        if known.get("status") not in VALID:
            return Found(state="pending")
        currency = str(known.get("currency_type") or known.get("currency") or "")
        # `amount` is in BDT whatever was asked for; `currency_amount` is what was asked for.
        amount = known.get("currency_amount") or known.get("amount")
        return Found(
            state="paid",
            transaction=text(known.get("bank_tran_id")) or val_id,
            amount=decimal(amount),
            currency=currency,
            reference=text(known.get("tran_id")),
            paid_at=_moment(known.get("tran_date")),
            risky=str(known.get("risk_level") or "0") != "0",
        )

    # ---------------------------------------------------------------- deliveries
    def verify(self, delivery: Delivery) -> None:
        given = form(delivery.body)
        password = self.settings.store_password
        proofs = {
            "verify_sign": hashlib.md5,
            "verify_sign_sha2": hashlib.sha256,
        }
        if not given.get("verify_key") or not proofs.keys() & given.keys():
            raise Forged("not signed")
        for name, algorithm in proofs.items():
            if name in given:
                expected = algorithm(signed_text(given, password), usedforsecurity=False)
                if not hmac.compare_digest(expected.hexdigest(), given[name].lower()):
                    raise Forged("bad signature")

    def read(self, delivery: Delivery) -> Notice:
        given = form(delivery.body)
        reference, status = text(given.get("tran_id")), text(given.get("status"))
        val_id = text(given.get("val_id"))
        if reference is None or status is None:
            raise Unreadable("an IPN without tran_id")
        event_id = f"{reference} {status} {val_id or ''}".strip()
        if status not in VALID or val_id is None:
            return Notice(about="nothing", event_id=event_id, clue=Clue(reference=reference))
        return Notice(
            about="payment", event_id=event_id, clue=Clue(reference=reference, transaction=val_id)
        )

    def confirm(self, delivery: Delivery) -> None:
        raise Unreadable("SSLCommerz has no subscriptions")

    # ---------------------------------------------------------------- giving back
    def refund(self, order: RefundOrder) -> Refunded:
        """`refund_trans_id` is ours, so a call whose answer was lost is not a second refund."""
        if order.gateway_reference is None:
            return _refunded(self._query({
                "bank_tran_id": order.transaction, "refund_amount": str(order.amount),
                "refund_remarks": order.reason[:255] or "refund",
                "refund_trans_id": order.id.hex[:30], "refe_id": order.id.hex[:30],
            }))  # fmt: skip
        return _refunded(self._query({"refund_ref_id": order.gateway_reference}))

    def given_back(self, clue: Clue) -> list[GivenBack]:
        """Refunds begun in its panel have no call; that it has ceased to confirm the payment is all."""
        if clue.reference is None or clue.transaction is None:
            return []
        attempts = self._query({"tran_id": clue.reference}).get("element") or []
        return [
            GivenBack(
                reference=f"{clue.transaction} {one.get('status')}"[:120], state="unclear",
                amount=decimal(one.get("currency_amount") or one.get("amount")),
                currency=str(one.get("currency_type") or one.get("currency") or ""),
                detail=text(one.get("status")),
            )
            for one in attempts
            if isinstance(one, dict) and one.get("bank_tran_id") == clue.transaction
            and one.get("status") not in VALID
        ]  # fmt: skip

    def _query(self, asked: dict[str, str]) -> dict[str, Any]:
        answer = self.caller.call(
            "GET", f"{self.settings.base_url}/validator/api/merchantTransIDvalidationAPI.php",
            params={**asked, **self._store(), "v": "1", "format": "json"},
        ).json  # fmt: skip
        if answer.get("APIConnect") != "DONE":
            raise Unreachable(f"APIConnect {text(answer.get('APIConnect'))}")
        return answer

    def _store(self) -> dict[str, str]:
        return {"store_id": self.settings.store_id, "store_passwd": self.settings.store_password}


def form(body: bytes) -> dict[str, str]:
    """The fields of a form post, empty ones too; the first of those given twice."""
    try:
        given = parse_qs(body.decode(), keep_blank_values=True, max_num_fields=200)
    except (ValueError, UnicodeDecodeError):
        return {}
    return {name: values[0] for name, values in given.items()}


def signed_text(given: dict[str, str], password: str) -> bytes:
    """The fields that `verify_key` names and the password's MD5, sorted, as SSLCommerz hashes them."""
    named = {name: given.get(name, "") for name in given.get("verify_key", "").split(",") if name}
    named["store_passwd"] = hashlib.md5(password.encode(), usedforsecurity=False).hexdigest()
    return "&".join(f"{name}={named[name]}" for name in sorted(named)).encode()


def _refunded(answer: dict[str, Any]) -> Refunded:
    reference, status = text(answer.get("refund_ref_id")), str(answer.get("status") or "")
    if status in ("success", "refunded"):
        return Refunded(state="refunded", gateway_reference=reference)
    if status == "processing":
        return Refunded(state="pending", gateway_reference=reference)
    error = text(answer.get("errorReason")) or status or "no reason"
    return Refunded(state="failed", gateway_reference=reference, error=error)


def _moment(value: object) -> datetime | None:
    try:
        found = datetime.strptime(str(value), "%Y-%m-%d %H:%M:%S")  # noqa: DTZ007
    except ValueError:
        return None
    return found.replace(tzinfo=DHAKA).astimezone(UTC)
