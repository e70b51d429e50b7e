"""Agreements of bKash's tokenised checkout: the wallet's owner agrees once, then pays by agreementID.

Facts from open SDKs: create with mode 0000 and execute make an agreement, create with mode 0001 a payment
by it. Money moves at Execute only, and only for the checkout that is kept: opening another is harmless.
Whether the owner's PIN is asked for each payment is a matter of the contract with bKash; if it is, the
payment waits for it on the page of the intent.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from payments.gateways.calling import text
from payments.gateways.checkout import Opened, Order
from payments.gateways.interface import Declined, Unreachable
from payments.gateways.vault import Enrolled, Enrolment, Method

Call = Callable[..., dict[str, Any]]
DONE = "0000"


class BkashVault:
    def __init__(self, call: Call, execute_seconds: float) -> None:
        self.call, self.execute_seconds = call, execute_seconds

    def enrol(self, enrolment: Enrolment) -> Opened:
        return opened(self.call("create", {
            "mode": "0000", "payerReference": enrolment.reference,
            "callbackURL": enrolment.return_url,
        }))  # fmt: skip

    def enrolled(self, session: str) -> Enrolled:
        known = self.call("payment/status", {"paymentID": session})
        agreed = known.get("userVerificationStatus") or known.get("verificationStatus")
        if known.get("agreementStatus") == "Initiated" and agreed == "Complete":
            known = self._execute(session)
        status = known.get("agreementStatus")
        if status != "Completed" or not text(known.get("agreementID")):
            gone = status in ("Declined", "Failed", "Cancelled", "Expired")
            return Enrolled(
                state="failed" if gone else "pending", failure=text(status) if gone else None
            )
        wallet = text(known.get("customerMsisdn"))
        method = Method(
            payer=None, token=text(known["agreementID"]),
            label=f"bKash {wallet[-4:]}" if wallet else "bKash",
        )  # fmt: skip
        return Enrolled(state="active", method=method)

    def _execute(self, session: str) -> dict[str, Any]:
        """Whatever bKash answers, or not, its own record of it decides."""
        try:
            answer = self.call("execute", {"paymentID": session}, seconds=self.execute_seconds)
        except Unreachable:
            answer = {}
        if answer.get("agreementStatus") == "Completed":
            return answer
        return self.call("payment/status", {"paymentID": session})

    def charge(self, order: Order, method: Method) -> Opened:
        return opened(self.call("create", {
            "mode": "0001", "agreementID": str(method.token), "payerReference": order.reference,
            "callbackURL": order.return_url, "amount": str(order.amount),
            "currency": order.currency, "intent": "sale", "merchantInvoiceNumber": order.reference,
        }))  # fmt: skip

    def charged(self, order: Order, method: Method) -> str | None:
        """None: what is not kept was never executed, so it has taken nothing."""
        return None

    def forget(self, method: Method) -> None:
        answer = self.call("agreement/cancel", {"agreementID": str(method.token)})
        code = text(answer.get("statusCode") or answer.get("errorCode"))
        # 2xxx are its business codes: it knows of no such agreement (any more).
        if code is None or not (code == DONE or code.startswith("2")):
            raise Unreachable(f"agreement: {code}")


def opened(made: dict[str, Any]) -> Opened:
    """What Create answers. Raises Declined, and Unreachable for what may pass."""
    code = text(made.get("statusCode") or made.get("errorCode"))
    if code != DONE:
        detail = str(made.get("statusMessage") or made.get("errorMessage") or "")
        if code is None or not code.startswith("2"):
            raise Unreachable(f"{code}: {detail}"[:200])
        raise Declined(code, detail)
    if not made.get("paymentID") or not made.get("bkashURL"):
        raise Unreachable("created without paymentID")
    return Opened(session=str(made["paymentID"]), redirect_url=str(made["bkashURL"]))
