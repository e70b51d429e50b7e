"""Nagad checkout. There is no public specification: this is what the open SDKs agree on (gateways 5.6).

What travels is encrypted to the receiver's key and signed with the sender's. The return of the payer
is unsigned, and so is a server's call to us: both only make us ask `verify/payment`.
"""

from __future__ import annotations

import base64
import binascii
import json
import secrets
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, cast
from urllib.parse import parse_qs

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

from payments.gateways.calling import Answer, Caller, decimal, text
from payments.gateways.checkout import Opened, Order
from payments.gateways.configuration import NagadSettings
from payments.gateways.interface import (
    Clue,
    Declined,
    Delivery,
    Found,
    GivenBack,
    Notice,
    Refunded,
    RefundOrder,
    Unreachable,
    Unreadable,
)

BDT = "050"
DHAKA = timezone(timedelta(hours=6))
HASHES = {"sha1": hashes.SHA1(), "sha256": hashes.SHA256()}  # noqa: S303
# States in which nothing more happens to a payment.
OVER = {"Failed", "Cancelled", "Aborted", "Fraud", "UnKnownFailed", "InvalidRequest", "Expired"}


class Nagad:
    name, title = "nagad", "Nagad"
    vault = None
    signs, refunds = False, False

    def __init__(self, settings: NagadSettings) -> None:
        self.settings = settings
        self.caller = Caller()
        self.hash = HASHES[settings.hash]
        self.public = public_key(settings.gateway_public_key)
        self.private = private_key(settings.merchant_private_key)

    def check(self, amount: Decimal, currency: str) -> None:
        if currency != "BDT":
            raise Declined("currency", "Nagad takes BDT only")

    def open(self, order: Order) -> Opened:
        """Initialise, prove our key by Nagad's challenge, complete."""
        merchant, moment = self.settings.merchant_id, datetime.now(DHAKA).strftime("%Y%m%d%H%M%S")
        began = self._post(f"initialize/{merchant}/{order.reference}", {
            "merchantId": merchant, "datetime": moment, "orderId": order.reference,
            "challenge": secrets.token_hex(20),
        }, accountNumber=self.settings.merchant_number, dateTime=moment)  # fmt: skip
        opened = self._open_sealed(began)
        session, challenge = opened.get("paymentReferenceId"), opened.get("challenge")
        if not session or not challenge:
            raise Unreachable("initialised without paymentReferenceId")
        done = self._post(f"complete/{session}", {
            "merchantId": merchant, "orderId": order.reference, "currencyCode": BDT,
            "amount": str(order.amount), "challenge": challenge,
        }, merchantCallbackURL=order.return_url)  # fmt: skip
        if done.get("status") != "Success" or not done.get("callBackUrl"):
            raise _declined(done)
        return Opened(session=str(session), redirect_url=str(done["callBackUrl"]))

    def find(self, clue: Clue) -> Found:
        session = clue.session or clue.transaction
        if session is None:
            return Found(state="pending")
        known = self._verified(session)
        status = str(known.get("status") or "")
        if status != "Success":
            over = status in OVER
            return Found(state="failed" if over else "pending", failure=status if over else None)
        if str(known.get("merchantId") or self.settings.merchant_id) != self.settings.merchant_id:
            return Found(state="failed", failure="paid to another merchant")
        return Found(
            state="paid",
            transaction=text(known.get("issuerPaymentRefNo")) or session,
            amount=decimal(known.get("amount")),
            currency="BDT",
            reference=text(known.get("orderId")),
            paid_at=_moment(known.get("issuerPaymentDateTime")),
        )

    def _verified(self, session: str) -> dict[str, Any]:
        return self.caller.call(
            "GET", f"{self.settings.base_url}/verify/payment/{session}", headers=self._headers()
        ).json

    # ---------------------------------------------------------------- deliveries
    def verify(self, delivery: Delivery) -> None:
        """Nagad signs nothing: what comes is a hint, and `find` says whether it is true."""

    def read(self, delivery: Delivery) -> Notice:
        given = _fields(delivery.body)
        session, reference = text(given.get("payment_ref_id")), text(given.get("order_id"))
        # Into the path of our own call: nothing but what such an id is made of.
        if session is None or not session.isascii() or not session.isalnum():
            raise Unreadable("no payment_ref_id")
        if reference is None:
            raise Unreadable("no order_id")
        # Two at most for a payment, whatever a stranger writes into `status`.
        told = "success" if given.get("status") == "Success" else "other"
        return Notice(
            about="payment", event_id=f"{reference} {told}",
            clue=Clue(session=session, reference=reference),
        )  # fmt: skip

    def confirm(self, delivery: Delivery) -> None:
        raise Unreadable("Nagad has no subscriptions")

    def refund(self, order: RefundOrder) -> Refunded:
        return Refunded(state="failed", error="Nagad gives merchants no way to refund by program")

    def given_back(self, clue: Clue) -> list[GivenBack]:
        """Nagad tells of no refund; that it has ceased to confirm the payment is all one can ask."""
        if clue.session is None or clue.transaction is None:
            return []
        known = self._verified(clue.session)
        if known.get("status") in (None, "Success"):
            return []
        return [GivenBack(
            reference=f"{clue.transaction} {known['status']}"[:120], state="unclear", currency="BDT",
            amount=decimal(known.get("amount")), detail=text(known.get("status")),
        )]  # fmt: skip

    # ---------------------------------------------------------------- calls
    def _post(self, path: str, sensitive: dict[str, str], **plain: str) -> dict[str, Any]:
        clear = json.dumps(sensitive, separators=(",", ":")).encode()
        answer = self.caller.call(
            "POST", f"{self.settings.base_url}/{self.settings.checkout_path}/{path}",
            headers=self._headers(),
            json={
                **plain,
                "sensitiveData": base64.b64encode(self.public.encrypt(clear, PKCS1v15())).decode(),
                "signature": base64.b64encode(
                    self.private.sign(clear, PKCS1v15(), self.hash)
                ).decode(),
            },
        )  # fmt: skip
        return _accepted(answer)

    def _open_sealed(self, answer: dict[str, Any]) -> dict[str, Any]:
        """What Nagad has encrypted to us; Unreachable unless Nagad has signed it."""
        try:
            clear = self.private.decrypt(base64.b64decode(answer["sensitiveData"]), PKCS1v15())
            signature = base64.b64decode(answer["signature"])
            self.public.verify(signature, clear, PKCS1v15(), self.hash)
            return cast("dict[str, Any]", json.loads(clear))
        except (KeyError, TypeError, ValueError, binascii.Error, InvalidSignature) as error:
            raise Unreachable("an answer that Nagad has not signed") from error

    def _headers(self) -> dict[str, str]:
        return {
            "X-KM-Api-Version": self.settings.api_version,
            "X-KM-IP-V4": self.settings.server_address,
            "X-KM-Client-Type": "PC_WEB",
            "X-KM-MC-Id": self.settings.merchant_id,
        }


def _accepted(answer: Answer) -> dict[str, Any]:
    found = answer.json
    if answer.status >= 400 or found.get("reason"):
        raise _declined(found)
    return found


def _declined(found: dict[str, Any]) -> Exception:
    code = text(found.get("reason") or found.get("statusCode") or found.get("status")) or "unknown"
    return Declined(code, str(found.get("message") or "Nagad refuses"))


def _fields(body: bytes) -> dict[str, Any]:
    """A callback's fields, as JSON or as a form."""
    try:
        found = json.loads(body)
        return found if isinstance(found, dict) else {}
    except (ValueError, RecursionError):
        form = parse_qs(body.decode(errors="replace"), max_num_fields=50)
        return {name: values[0] for name, values in form.items()}


def _moment(value: object) -> datetime | None:
    """`20251209161243` or `2025-12-09 16:12:43.0`, both in Dhaka."""
    digits = "".join(c for c in str(value or "") if c.isdigit())[:14]
    try:
        return datetime.strptime(digits, "%Y%m%d%H%M%S").replace(tzinfo=DHAKA).astimezone(UTC)
    except ValueError:
        return None


def _pem(key: str, label: str) -> bytes:
    if "BEGIN" in key:
        return key.replace("\\n", "\n").encode()
    return f"-----BEGIN {label}-----\n{key.strip()}\n-----END {label}-----\n".encode()


def public_key(key: str) -> RSAPublicKey:
    """Raises ValueError for what is no RSA key."""
    found = serialization.load_pem_public_key(_pem(key, "PUBLIC KEY"))
    if not isinstance(found, RSAPublicKey):
        raise ValueError("not an RSA key")
    return found


def private_key(key: str) -> RSAPrivateKey:
    """Raises ValueError for what is no RSA key."""
    found = serialization.load_pem_private_key(_pem(key, "PRIVATE KEY"), None)
    if not isinstance(found, RSAPrivateKey):
        raise ValueError("not an RSA key")
    return found
