"""SSLCommerz version 4: session, IPN with its hash, validator, query, refund."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from tests.support.gateways.server import FakeGateway, Request, Response

STORE, PASSWORD = "testbox", "testbox@ssl"


@dataclass
class FakeSslcommerz(FakeGateway):
    sessions: dict[str, dict[str, str]] = field(default_factory=dict)
    # What the bank said of each attempt, by val_id.
    attempts: dict[str, dict[str, str]] = field(default_factory=dict)
    refunds: dict[str, dict[str, str]] = field(default_factory=dict)
    refund_status: str = "success"

    @property
    def environment(self) -> dict[str, str]:
        return {
            "SSLCOMMERZ_STORE_ID": STORE, "SSLCOMMERZ_STORE_PASSWORD": PASSWORD,
            "SSLCOMMERZ_CONTACT_EMAIL": "pay@example.net",
            "SSLCOMMERZ_CONTACT_PHONE": "+8801700000000", "SSLCOMMERZ_BASE_URL": self.url,
        }  # fmt: skip

    def pay(self, redirect_url: str, **changes: str) -> dict[str, str]:
        """An attempt with a card; VALID unless told otherwise."""
        session = self.sessions[redirect_url.rpartition("/")[2]]
        number = next(self.numbers)
        currency, amount = session["currency"], session["total_amount"]
        attempt = {
            "tran_id": session["tran_id"], "val_id": f"val{number:010d}", "status": "VALID",
            # In taka whatever was asked for, as SSLCommerz has it.
            "amount": amount if currency == "BDT" else f"{float(amount) * 110:.2f}",
            "store_amount": amount, "currency": "BDT", "currency_type": currency,
            "currency_amount": amount, "bank_tran_id": f"bank{number:010d}",
            "card_type": "VISA-Dutch Bangla", "tran_date": "2026-11-21 16:12:43",
            "risk_level": "0", "risk_title": "Safe", **changes,
        }  # fmt: skip
        self.attempts[attempt["val_id"]] = attempt
        return attempt

    def answer(self, request: Request) -> Response:
        if request.path == "/gwprocess/v4/api.php":
            return self._open(request.form)
        asked = request.query
        if (asked.get("store_id"), asked.get("store_passwd")) != (STORE, PASSWORD):
            return Response({"APIConnect": "FAILED", "status": "INVALID_TRANSACTION"})
        if request.path.endswith("validationserverAPI.php"):
            found = self.attempts.get(asked["val_id"])
            if found is None or found["status"] not in ("VALID", "VALIDATED"):
                return Response({"status": "INVALID_TRANSACTION", "APIConnect": "DONE"})
            told = dict(found)
            found["status"] = "VALIDATED"
            return Response({**told, "APIConnect": "DONE"})
        if "tran_id" in asked:
            found_all = [a for a in self.attempts.values() if a["tran_id"] == asked["tran_id"]]
            return Response({"APIConnect": "DONE", "no_of_trans_found": len(found_all),
                             "element": found_all})  # fmt: skip
        return self._refund(asked)

    def _open(self, form: dict[str, str]) -> Response:
        needed = ("cus_name", "cus_email", "cus_phone", "product_profile", "success_url", "ipn_url")
        if form.get("store_passwd") != PASSWORD or not all(form.get(name) for name in needed):
            return Response({"status": "FAILED", "failedreason": "Store Credential Error"})
        key = f"S{next(self.numbers):012d}"
        self.sessions[key] = form
        return Response({"status": "SUCCESS", "sessionkey": key,
                         "GatewayPageURL": f"{self.url}/pay/{key}"})  # fmt: skip

    def _refund(self, asked: dict[str, str]) -> Response:
        if "refund_ref_id" in asked:
            found = next(
                (r for r in self.refunds.values() if r["refund_ref_id"] == asked["refund_ref_id"]),
                None,
            )
            status = {"success": "refunded"}.get(self.refund_status, self.refund_status)
            return Response({"APIConnect": "DONE", **(found or {}), "status": status})
        key = asked["refund_trans_id"]
        if not any(a["bank_tran_id"] == asked["bank_tran_id"] for a in self.attempts.values()):
            return Response({"APIConnect": "DONE", "status": "failed",
                             "errorReason": "Invalid bank_tran_id"})  # fmt: skip
        self.refunds.setdefault(
            key, {"refund_ref_id": f"ref{next(self.numbers):08d}", "amount": asked["refund_amount"]}
        )
        return Response({"APIConnect": "DONE", "status": self.refund_status, **self.refunds[key]})

    # ---------------------------------------------------------------- IPN
    def ipn(self, attempt: dict[str, Any], **changes: str) -> tuple[dict[str, str], bytes]:
        """The form post; `changes` are made after it was signed."""
        fields = {name: str(value) for name, value in attempt.items()}
        fields |= {"verify_key": ",".join(sorted(fields))}
        fields |= {"verify_sign": _hash(fields, "md5"), "verify_sign_sha2": _hash(fields, "sha256")}
        return (
            {"content-type": "application/x-www-form-urlencoded"},
            urlencode({**fields, **changes}).encode(),
        )


def _hash(fields: dict[str, str], algorithm: str) -> str:
    """As the manual's PHP does it: ksort, then key=value with an ampersand after each but the last."""
    chosen = {key: fields[key] for key in fields["verify_key"].split(",")}
    chosen["store_passwd"] = hashlib.md5(PASSWORD.encode()).hexdigest()  # noqa: S324
    text = ""
    for key in sorted(chosen):
        text += key + "=" + chosen[key] + "&"
    return hashlib.new(algorithm, text.rstrip("&").encode()).hexdigest()
