"""bKash as its tokenised checkout, its agreements and its SNS webhook behave; with its own certificate."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from tests.support.gateways.server import FakeGateway, Request, Response

TOPIC = "arn:aws:sns:ap-southeast-1:111122223333:bkash-payments"
# Made once: a key takes a tenth of a second.
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def certificate(key: rsa.RSAPrivateKey, *, days: int = 30) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=60))
        .not_valid_after(now + timedelta(days=days))
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM)


@dataclass
class Checkout:
    payment_id: str
    amount: str
    invoice: str
    callback: str
    agreed: bool = False
    mode: str = "0011"
    agreement: str | None = None
    transaction: str | None = None
    refund: dict[str, str] | None = None


@dataclass
class FakeBkash(FakeGateway):
    checkouts: dict[str, Checkout] = field(default_factory=dict)
    # Money that came without a checkout, by trxID.
    loose: dict[str, str] = field(default_factory=dict)
    tokens: set[str] = field(default_factory=set)
    grants: int = 0
    # What its answers say instead of the truth.
    lies: dict[str, str] = field(default_factory=dict)
    execute_code: str = ""
    # Of wallets whose owners have agreed; and whether each payment by one asks for the PIN.
    agreements: set[str] = field(default_factory=set)
    asks_pin: bool = False
    certificate: bytes = field(default_factory=lambda: certificate(KEY))
    subscribed: int = 0

    @property
    def environment(self) -> dict[str, str]:
        return {
            "BKASH_USERNAME": "merchant", "BKASH_PASSWORD": "merchant-password",
            "BKASH_APP_KEY": "app", "BKASH_APP_SECRET": "app-secret",
            "BKASH_BASE_URL": f"{self.url}/checkout", "BKASH_TOPIC_ARN": TOPIC,
            "BKASH_SNS_ENDPOINT": self.url,
        }  # fmt: skip

    # ---------------------------------------------------------------- the payer
    def pay(self, redirect_url: str) -> Checkout:
        """The payer types number, OTP and PIN on bKash's page; the money moves at Execute."""
        found = self.checkouts[redirect_url.rpartition("=")[2]]
        found.agreed = True
        return found

    # ---------------------------------------------------------------- the API
    def answer(self, request: Request) -> Response:
        if request.path == "/cert.pem":
            return Response(raw=self.certificate)
        if request.path == "/subscribe":
            self.subscribed += 1
            return Response({})
        path = request.path.removeprefix("/checkout/")
        if path == "token/grant":
            return self._grant(request)
        if request.headers.get("authorization") not in self.tokens:
            return Response({"message": "The incoming token has expired"}, 401)
        work: Any = {
            "create": self._create, "execute": self._execute, "payment/status": self._status,
            "general/searchTransaction": self._search, "payment/refund": self._refund,
            "agreement/cancel": self._cancel,
        }[path]  # fmt: skip
        return Response(work(request.json))

    def _grant(self, request: Request) -> Response:
        if (request.headers.get("username"), request.headers.get("password")) != (
            "merchant", "merchant-password",
        ):  # fmt: skip
            return Response({"statusCode": "2079", "statusMessage": "Invalid app token"}, 200)
        self.grants += 1
        token = f"token-{self.grants}"
        self.tokens.add(token)
        return Response({"statusCode": "0000", "id_token": token, "expires_in": 3600})

    def _create(self, body: dict[str, str]) -> dict[str, Any]:
        mode = body["mode"]
        if mode == "0000":
            return self._ask_agreement(body)
        if mode not in ("0011", "0001") or body["intent"] != "sale" or body["currency"] != "BDT":
            return {"statusCode": "2065", "statusMessage": "Mandatory field missing"}
        if mode == "0001" and body["agreementID"] not in self.agreements:
            return {"statusCode": "2031", "statusMessage": "Invalid agreement"}
        made = Checkout(f"TR{mode}{next(self.numbers):08d}", body["amount"],
                        body["merchantInvoiceNumber"], body["callbackURL"],
                        agreed=mode == "0001" and not self.asks_pin)  # fmt: skip
        self.checkouts[made.payment_id] = made
        return {
            "statusCode": "0000", "paymentID": made.payment_id,
            "bkashURL": f"{self.url}/page?paymentId={made.payment_id}",
            "transactionStatus": "Initiated", "merchantInvoiceNumber": made.invoice,
        }  # fmt: skip

    def _ask_agreement(self, body: dict[str, str]) -> dict[str, Any]:
        made = Checkout(f"TR0000{next(self.numbers):08d}", "0", body["payerReference"],
                        body["callbackURL"], mode="0000")  # fmt: skip
        self.checkouts[made.payment_id] = made
        return {
            "statusCode": "0000", "paymentID": made.payment_id, "agreementStatus": "Initiated",
            "bkashURL": f"{self.url}/page?paymentId={made.payment_id}",
        }  # fmt: skip

    def _agreed(self, found: Checkout) -> dict[str, Any]:
        if found.agreement is None:
            return {"paymentID": found.payment_id, "agreementStatus": "Initiated"}
        return {"paymentID": found.payment_id, "agreementStatus": "Completed",
                "agreementID": found.agreement, "customerMsisdn": "01711000000"}  # fmt: skip

    def _cancel(self, body: dict[str, str]) -> dict[str, Any]:
        if body["agreementID"] not in self.agreements:
            return {"statusCode": "2031", "statusMessage": "Invalid agreement"}
        self.agreements.remove(body["agreementID"])
        return {"statusCode": "0000", "agreementStatus": "Cancelled", **body}

    def _execute(self, body: dict[str, str]) -> dict[str, Any]:
        found = self.checkouts[body["paymentID"]]
        if found.transaction is not None:
            return {"statusCode": "2062", "statusMessage": "The payment has already been completed"}
        if not found.agreed:
            return {"statusCode": "2056", "statusMessage": "Invalid Payment State"}
        if self.execute_code:
            return {"statusCode": self.execute_code, "statusMessage": "refused"}
        if found.mode == "0000":
            if found.agreement is not None:
                return {"statusCode": "2062", "statusMessage": "The agreement is made already"}
            found.agreement = f"TokenizedMerchant{next(self.numbers):06d}"
            self.agreements.add(found.agreement)
            return {"statusCode": "0000", **self._agreed(found)}
        found.transaction = f"BKX{next(self.numbers):07d}"
        return {"statusCode": "0000", **self._shown(found)}

    def _shown(self, found: Checkout) -> dict[str, Any]:
        completed = found.transaction is not None
        return {
            "paymentID": found.payment_id, "amount": found.amount, "currency": "BDT",
            "merchantInvoiceNumber": found.invoice,
            "transactionStatus": "Completed" if completed else "Initiated",
            **({"trxID": found.transaction,
                "paymentExecuteTime": "2026-11-21T16:12:43:828 GMT+0600"} if completed else {}),
            **(self.lies if completed else {}),
        }  # fmt: skip

    def _status(self, body: dict[str, str]) -> dict[str, Any]:
        found = self.checkouts[body["paymentID"]]
        return {
            "statusCode": "0000",
            **(self._agreed(found) if found.mode == "0000" else self._shown(found)),
            "userVerificationStatus": "Complete" if found.agreed else "Incomplete",
        }  # fmt: skip

    def _search(self, body: dict[str, str]) -> dict[str, Any]:
        """Without the merchant's invoice: bKash's search does not show it."""
        for found in self.checkouts.values():
            if found.transaction == body["trxID"]:
                return {"statusCode": "0000", "trxID": found.transaction, "amount": found.amount,
                        "currency": "BDT", "transactionStatus": "Completed"}  # fmt: skip
        if body["trxID"] in self.loose:
            return {"statusCode": "0000", "trxID": body["trxID"], "currency": "BDT",
                    "amount": self.loose[body["trxID"]], "transactionStatus": "Completed"}  # fmt: skip
        return {"statusCode": "2033", "statusMessage": "Transaction not found"}

    def _refund(self, body: dict[str, str]) -> dict[str, Any]:
        """Without an amount it is the question for a refund's status; a payment goes back once."""
        found = next((c for c in self.checkouts.values() if c.transaction == body["trxID"]), None)
        if found is None or found.payment_id != body["paymentID"]:
            return {"statusCode": "2033", "statusMessage": "Transaction not found"}
        if found.refund is None and "amount" in body:
            if float(body["amount"]) > float(found.amount):
                return {"statusCode": "2071", "statusMessage": "Refund amount too large"}
            found.refund = {"refundTrxID": f"BKR{next(self.numbers):07d}", "amount": body["amount"],
                            "transactionStatus": "Completed"}  # fmt: skip
        if found.refund is None:
            return {"statusCode": "2033", "statusMessage": "No refund"}
        return {"statusCode": "0000", "originalTrxID": found.transaction, **found.refund}

    # ---------------------------------------------------------------- its webhook
    def notification(self, checkout: Checkout, **changes: Any) -> tuple[dict[str, str], bytes]:
        """Headers and body of the SNS message that tells of a completed payment."""
        message = {
            "dateTime": "20261121161243", "debitMSISDN": "8801711000000",
            "trxID": checkout.transaction, "transactionStatus": "Completed",
            "transactionType": "1003", "amount": checkout.amount, "currency": "BDT",
            "merchantInvoiceNumber": checkout.invoice, **changes,
        }  # fmt: skip
        return self.sns("Notification", json.dumps(message))

    def sns(self, kind: str, message: str, **changes: str) -> tuple[dict[str, str], bytes]:
        number = next(self.numbers)
        fields = {
            "Type": kind, "MessageId": f"22b80b92-fdea-4c2c-8f9d-{number:012d}",
            "TopicArn": TOPIC, "Message": message, "Timestamp": "2026-11-21T10:12:43.000Z",
            "SignatureVersion": "1", "SigningCertURL": f"{self.url}/cert.pem",
        }  # fmt: skip
        if kind == "SubscriptionConfirmation":
            fields |= {"Token": "2336412f37", "SubscribeURL": f"{self.url}/subscribe"}
        fields |= changes
        fields["Signature"] = sign(fields)
        return {"x-amz-sns-message-type": kind, "content-type": "text/plain"}, json.dumps(
            fields
        ).encode()


def sign(fields: dict[str, str], key: rsa.RSAPrivateKey = KEY) -> str:
    """As AWS documents it, written here a second time."""
    if fields["Type"] == "Notification":
        order = ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"]
    else:
        order = ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"]
    clear = ""
    for name in order:
        if name in fields:
            clear += name + "\n" + fields[name] + "\n"
    algorithm = hashes.SHA256() if fields["SignatureVersion"] == "2" else hashes.SHA1()  # noqa: S303
    return base64.b64encode(key.sign(clear.encode(), padding.PKCS1v15(), algorithm)).decode()
