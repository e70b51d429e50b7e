"""Nagad's checkout: initialise, complete, verify, with keys of its own."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.support.gateways.server import FakeGateway, Request, Response

MERCHANT = "683002007104225"
# Made once each: a key takes a tenth of a second.
NAGAD = rsa.generate_private_key(public_exponent=65537, key_size=2048)
SHOP = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PKCS = padding.PKCS1v15()


def bare_public(key: rsa.RSAPrivateKey) -> str:
    """As Nagad's portal gives it: base64 without the lines of PEM."""
    made = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return base64.b64encode(made).decode()


def bare_private(key: rsa.RSAPrivateKey) -> str:
    made = key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )  # fmt: skip
    return base64.b64encode(made).decode()


@dataclass
class FakeNagad(FakeGateway):
    # By paymentReferenceId.
    payments: dict[str, dict[str, Any]] = field(default_factory=dict)
    hash: str = "sha1"
    # Who signs its answers.
    signing: rsa.RSAPrivateKey = NAGAD

    @property
    def environment(self) -> dict[str, str]:
        return {
            "NAGAD_MERCHANT_ID": MERCHANT, "NAGAD_MERCHANT_NUMBER": "01711428036",
            "NAGAD_GATEWAY_PUBLIC_KEY": bare_public(NAGAD),
            "NAGAD_MERCHANT_PRIVATE_KEY": bare_private(SHOP),
            "NAGAD_BASE_URL": f"{self.url}/api/dfs", "NAGAD_HASH": self.hash,
        }  # fmt: skip

    def pay(self, redirect_url: str, **changes: str) -> dict[str, Any]:
        found = self.payments[redirect_url.rpartition("/")[2]]
        found |= {
            "status": "Success", "statusCode": "000",
            "issuerPaymentRefNo": f"NGD{next(self.numbers):08d}",
            "issuerPaymentDateTime": "20261121161243", **changes,
        }  # fmt: skip
        return found

    def callback(self, payment: dict[str, Any]) -> tuple[dict[str, str], bytes]:
        """What a server or a browser brings; nobody signs it."""
        body = {"payment_ref_id": payment["paymentRefId"], "order_id": payment["orderId"],
                "status": payment["status"]}  # fmt: skip
        return {"content-type": "application/json"}, json.dumps(body).encode()

    def answer(self, request: Request) -> Response:
        if request.headers.get("x-km-api-version") != "v-0.2.0" or (
            request.headers.get("x-km-mc-id") != MERCHANT
        ):
            return Response({"reason": "4000", "message": "Missing headers"}, 400)
        match request.path.removeprefix("/api/dfs/").split("/"):
            case ["check-out", "initialize", merchant, order]:
                return self._initialise(request.json, merchant, order)
            case ["check-out", "complete", number]:
                return self._complete(request.json, number)
            case ["verify", "payment", number] if number in self.payments:
                found = self.payments[number]
                return Response({k: v for k, v in found.items() if k != "challenge"})
        return Response({"reason": "3005", "message": "Payment not found"}, 404)

    def _opened(self, body: dict[str, str]) -> dict[str, Any]:
        """Decrypted by our key, proved by the shop's."""
        clear = NAGAD.decrypt(base64.b64decode(body["sensitiveData"]), PKCS)
        algorithm = hashes.SHA1() if self.hash == "sha1" else hashes.SHA256()  # noqa: S303
        SHOP.public_key().verify(base64.b64decode(body["signature"]), clear, PKCS, algorithm)
        found: dict[str, Any] = json.loads(clear)
        return found

    def _initialise(self, body: dict[str, str], merchant: str, order: str) -> Response:
        asked = self._opened(body)
        assert (asked["merchantId"], asked["orderId"]) == (merchant, order)
        assert order.isalnum() and len(order) <= 20, "an order id that Nagad does not take"
        number = f"MTEyMTE{next(self.numbers):010d}"
        self.payments[number] = {
            "merchantId": merchant, "orderId": order, "paymentRefId": number, "status": "Ready",
            "statusCode": "001", "amount": None, "challenge": f"challenge-{number}",
        }  # fmt: skip
        clear = json.dumps({"paymentReferenceId": number, "challenge": f"challenge-{number}",
                            "acceptDateTime": asked["datetime"]}).encode()  # fmt: skip
        algorithm = hashes.SHA1() if self.hash == "sha1" else hashes.SHA256()  # noqa: S303
        return Response({
            "sensitiveData": base64.b64encode(SHOP.public_key().encrypt(clear, PKCS)).decode(),
            "signature": base64.b64encode(self.signing.sign(clear, PKCS, algorithm)).decode(),
        })  # fmt: skip

    def _complete(self, body: dict[str, Any], number: str) -> Response:
        asked, found = self._opened(body), self.payments[number]
        if asked["challenge"] != found["challenge"] or asked["currencyCode"] != "050":
            return Response({"reason": "4002", "message": "Challenge does not match"}, 400)
        found |= {"amount": asked["amount"], "callback": body["merchantCallbackURL"]}
        return Response({"status": "Success", "callBackUrl": f"{self.url}/pay/{number}"})
