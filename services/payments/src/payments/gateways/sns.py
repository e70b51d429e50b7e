"""Amazon SNS messages, the form of bKash's webhook: proved by AWS' certificate of the signing host.

The string to sign and the fields in it: "Verifying the signatures of Amazon SNS messages",
SignatureVersion 1 (SHA1withRSA) and 2 (SHA256withRSA).
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import threading
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from payments.gateways.calling import Caller
from payments.gateways.interface import Delivery, Forged, Unreachable, Unreadable

NOTIFICATION = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
SUBSCRIPTION = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
# SHA-1 is what version 1 is defined with; who can forge it still has to pay: the gateway is asked.
HASHES = {"1": hashes.SHA1(), "2": hashes.SHA256()}  # noqa: S303
# AWS has few at a time; more addresses than that are somebody playing.
MOST_CERTIFICATES = 20


def message(delivery: Delivery) -> dict[str, Any]:
    """Raises Unreadable."""
    try:
        found = json.loads(delivery.body)
    except (ValueError, RecursionError) as error:
        raise Unreadable("not JSON") from error
    if not isinstance(found, dict) or not all(isinstance(v, str) for v in found.values()):
        raise Unreadable("not a message of SNS")
    return found


def string_to_sign(found: dict[str, Any]) -> bytes:
    names = NOTIFICATION if found.get("Type") == "Notification" else SUBSCRIPTION
    return "".join(f"{name}\n{found[name]}\n" for name in names if name in found).encode()


class SnsVerifier:
    """`endpoint` is `https://sns.{region}.amazonaws.com`; certificates are kept by address."""

    def __init__(self, caller: Caller, topic_arn: str, endpoint: str) -> None:
        self.caller, self.topic_arn = caller, topic_arn
        before, _, after = endpoint.partition("{region}")
        self.origin = re.compile(re.escape(before) + r"[a-z0-9-]{1,40}" + re.escape(after))
        if not after:
            self.origin = re.compile(re.escape(before))
        self.kept: dict[str, x509.Certificate] = {}
        self.lock = threading.Lock()

    def verify(self, found: dict[str, Any]) -> None:
        """Raises Forged, and Unreachable while the certificate can't be had."""
        if not self.topic_arn or found.get("TopicArn") != self.topic_arn:
            raise Forged("another topic")
        algorithm = HASHES.get(found.get("SignatureVersion", ""))
        url = found.get("SigningCertURL", "")
        if algorithm is None or not self.ours(url) or not urlsplit(url).path.endswith(".pem"):
            raise Forged("not signed by SNS")
        key = self._certificate(url).public_key()
        try:
            signature = base64.b64decode(found.get("Signature", ""), validate=True)
            assert isinstance(key, RSAPublicKey)
            key.verify(signature, string_to_sign(found), PKCS1v15(), algorithm)
        except (InvalidSignature, binascii.Error, AssertionError) as error:
            raise Forged("bad signature") from error

    def ours(self, url: str) -> bool:
        """Whether an address lies at SNS itself: scheme, host and port as configured, no user."""
        parts = urlsplit(url)
        return bool(self.origin.fullmatch(f"{parts.scheme}://{parts.netloc}"))

    def _certificate(self, url: str) -> x509.Certificate:
        with self.lock:
            found = self.kept.get(url)
        if found is None:
            answer = self.caller.call("GET", url)
            if answer.status != 200:
                raise Forged("a certificate that is not there")
            try:
                found = x509.load_pem_x509_certificate(answer.body)
            except ValueError as error:
                raise Forged("a certificate that is none") from error
            with self.lock:
                if len(self.kept) >= MOST_CERTIFICATES:
                    self.kept.clear()
                self.kept[url] = found
        if not found.not_valid_before_utc <= datetime.now(UTC) <= found.not_valid_after_utc:
            raise Forged("a certificate out of its time")
        return found

    def confirm(self, found: dict[str, Any]) -> None:
        """Follow SubscribeURL: bKash sends from now on. Raises Unreachable."""
        url = found.get("SubscribeURL", "")
        if not self.ours(url):
            raise Forged("a subscription elsewhere")
        answer = self.caller.call("GET", url)
        if answer.status != 200:
            raise Unreachable(f"HTTP {answer.status}")
