"""bKash tokenised checkout, with its webhook in the form of Amazon SNS.

Facts from bKash-developer's repositories and open SDKs (reference gateways 5.6). The return to our
page is unsigned; a payment that the payer agreed to is taken only by Execute, so whoever looks first,
return page or poller, executes it. After a time-out of Execute the state is queried, never guessed.
"""

from __future__ import annotations

import json
import re
from datetime import datetime
from decimal import Decimal
from typing import Any

from payments.gateways import sns
from payments.gateways.bkash_vault import BkashVault, opened
from payments.gateways.calling import READ_SECONDS, Caller, decimal, text
from payments.gateways.checkout import Opened, Order
from payments.gateways.configuration import BkashSettings
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
from payments.gateways.tokens import Tokens

# bKash gives an hour; five minutes less, so that none runs out on its way.
TOKEN_MARGIN = 300
# bKash itself answers within 30 s (gateways 5.6).
EXECUTE_SECONDS = 30.0
_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?::\d+)? GMT([+-]\d{4})")


class Bkash:
    name, title = "bkash", "bKash"
    signs, refunds = True, True

    def __init__(self, settings: BkashSettings, tokens: Tokens) -> None:
        self.settings, self.tokens = settings, tokens
        self.caller = Caller()
        self.vault = BkashVault(self._call, EXECUTE_SECONDS)
        self.sns = sns.SnsVerifier(self.caller, settings.topic_arn, settings.sns_endpoint)

    def check(self, amount: Decimal, currency: str) -> None:
        if currency != "BDT":
            raise Declined("currency", "bKash takes BDT only")

    def open(self, order: Order) -> Opened:
        made = self._call("create", {
            "mode": "0011", "payerReference": order.reference, "callbackURL": order.return_url,
            "amount": str(order.amount), "currency": order.currency, "intent": "sale",
            "merchantInvoiceNumber": order.reference,
        })  # fmt: skip
        return opened(made)

    # ---------------------------------------------------------------- what became of a payment
    def find(self, clue: Clue) -> Found:
        if clue.session is None:
            return self._search(clue.transaction) if clue.transaction else Found(state="pending")
        known = self._call("payment/status", {"paymentID": clue.session})
        agreed = known.get("userVerificationStatus") or known.get("verificationStatus")
        if known.get("transactionStatus") == "Initiated" and agreed == "Complete":
            known = self._execute(clue.session)
        if known.get("transactionStatus") != "Completed" and clue.transaction:
            # Money that the webhook tells of, and not by this checkout.
            return self._search(clue.transaction)
        return _found(known)

    def _execute(self, session: str) -> dict[str, Any]:
        """Take the money; whatever bKash answers, or not, its own record of it decides."""
        try:
            answer = self._call("execute", {"paymentID": session}, seconds=EXECUTE_SECONDS)
        except Unreachable:
            return self._call("payment/status", {"paymentID": session})
        if answer.get("transactionStatus") == "Completed":
            return answer
        known = self._call("payment/status", {"paymentID": session})
        if known.get("transactionStatus") == "Completed":
            return known
        # 2xxx are its business codes (no balance, wrong PIN); what else it says may pass.
        code = str(answer.get("statusCode") or answer.get("errorCode") or "")
        return {"failed": code} if code.startswith("2") else known

    def _search(self, transaction: str) -> Found:
        return _found(self._call("general/searchTransaction", {"trxID": transaction}))

    # ---------------------------------------------------------------- deliveries
    def verify(self, delivery: Delivery) -> None:
        try:
            found = sns.message(delivery)
        except Unreadable as error:
            raise Forged(str(error)) from error
        self.sns.verify(found)

    def read(self, delivery: Delivery) -> Notice:
        outer = sns.message(delivery)
        event_id = text(outer.get("MessageId"))
        if outer.get("Type") == "SubscriptionConfirmation":
            return Notice(about="subscription", event_id=event_id)
        if outer.get("Type") != "Notification":
            return Notice(about="nothing", event_id=event_id)
        try:
            inner = json.loads(outer["Message"])
            transaction, status = text(inner.get("trxID")), inner.get("transactionStatus")
        except (ValueError, KeyError, AttributeError, RecursionError) as error:
            raise Unreadable("a message without a transaction") from error
        if transaction is None or status != "Completed":
            return Notice(about="nothing", event_id=event_id)
        return Notice(
            about="payment", event_id=event_id,
            clue=Clue(reference=text(inner.get("merchantInvoiceNumber")), transaction=transaction),
        )  # fmt: skip

    def confirm(self, delivery: Delivery) -> None:
        self.sns.confirm(sns.message(delivery))

    # ---------------------------------------------------------------- giving back
    def refund(self, order: RefundOrder) -> Refunded:
        """bKash gives a payment back once, and has no key: so its own record is asked first."""
        asked = {"paymentID": order.session or "", "trxID": order.transaction}
        known = self._call("payment/refund", asked)
        if not known.get("refundTrxID"):
            known = self._call("payment/refund", {
                **asked, "amount": str(order.amount), "sku": "internet", "reason": order.reason[:255],
            }, seconds=EXECUTE_SECONDS)  # fmt: skip
        reference = text(known.get("refundTrxID"))
        if reference is None:
            code = text(known.get("statusCode") or known.get("errorCode")) or "no reason"
            if not code.startswith("2"):
                raise Unreachable(f"refund: {code}")
            return Refunded(state="failed", error=f"bKash refuses: {code}")
        if decimal(known.get("amount")) != order.amount:
            return Refunded(state="failed", gateway_reference=reference,
                            error="bKash has given another amount of it back before")  # fmt: skip
        done = known.get("transactionStatus") == "Completed"
        return Refunded(state="refunded" if done else "pending", gateway_reference=reference)

    def given_back(self, clue: Clue) -> list[GivenBack]:
        """bKash's one record of a refund; it has none of disputes."""
        if clue.session is None or clue.transaction is None:
            return []
        known = self._call("payment/refund", {"paymentID": clue.session, "trxID": clue.transaction})
        reference = text(known.get("refundTrxID"))
        if reference is None:
            return []
        done = known.get("transactionStatus") == "Completed"
        return [GivenBack(
            reference=reference, state="refunded" if done else "pending", currency="BDT",
            amount=decimal(known.get("amount")),
        )]  # fmt: skip

    # ---------------------------------------------------------------- calls
    def _call(
        self, path: str, body: dict[str, str], *, seconds: float = READ_SECONDS, again: bool = True
    ) -> dict[str, Any]:
        token = self.tokens.get(self.name, self._grant)
        answer = self.caller.call(
            "POST", f"{self.settings.base_url}/{path}", json=body,
            headers={"Authorization": token, "X-APP-Key": self.settings.app_key},
            read_seconds=seconds,
        )  # fmt: skip
        if answer.status in (401, 403) and again:
            self.tokens.forget(self.name, token)
            return self._call(path, body, seconds=seconds, again=False)
        if answer.status in (401, 403):
            raise Unreachable("bKash does not take our token: look at BKASH_APP_KEY")
        return answer.json

    def _grant(self) -> tuple[str, int]:
        settings = self.settings
        answer = self.caller.call(
            "POST", f"{settings.base_url}/token/grant",
            headers={"username": settings.username, "password": settings.password},
            json={"app_key": settings.app_key, "app_secret": settings.app_secret},
        ).json  # fmt: skip
        if not answer.get("id_token"):
            raise Unreachable("bKash grants no token: look at BKASH_USERNAME and BKASH_PASSWORD")
        return str(answer["id_token"]), int(answer.get("expires_in") or 3600) - TOKEN_MARGIN


def _found(known: dict[str, Any]) -> Found:
    if known.get("failed"):
        return Found(state="failed", failure=f"bKash {known['failed']}")
    status = known.get("transactionStatus")
    if status != "Completed" or not known.get("trxID"):
        gone = status in ("Declined", "Failed", "Cancelled", "Expired")
        return Found(state="failed" if gone else "pending", failure=str(status) if gone else None)
    moment = known.get("paymentExecuteTime") or known.get("completedTime")
    return Found(
        state="paid",
        transaction=text(known["trxID"]),
        amount=decimal(known.get("amount")),
        currency=str(known.get("currency") or ""),
        reference=text(known.get("merchantInvoiceNumber") or known.get("merchantInvoice")),
        paid_at=_moment(str(moment or "")),
    )


def _moment(value: str) -> datetime | None:
    """`2025-12-09T16:12:43:828 GMT+0600`."""
    found = _TIME.fullmatch(value)
    if found is None:
        return None
    return datetime.strptime("".join(found.groups()), "%Y-%m-%dT%H:%M:%S%z")
