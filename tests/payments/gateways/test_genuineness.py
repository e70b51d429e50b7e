"""Only what a gateway has signed is worked on; all else is kept as evidence and refused (B15)."""

from __future__ import annotations

import json
import time
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from payments.gateways import sns
from payments.gateways.calling import Caller
from tests.payments.gateways.till import Till
from tests.payments.stage import Stage
from tests.support.gateways import bkash as bkash_fake
from tests.support.gateways.bkash import FakeBkash, certificate
from tests.support.gateways.sslcommerz import FakeSslcommerz
from tests.support.gateways.stripe import WEBHOOK_SECRET, FakeStripe, signature

Delivery = tuple[dict[str, str], bytes]


def refused(till: Till, gateway: str, delivery: Delivery) -> None:
    """401 without saying why, kept with its verdict, and never worked on."""
    before = len(till.deliveries(verdict="forged", limit=200))
    answer: Any = till.deliver(gateway, delivery)
    assert answer.status_code == 401, answer.json
    assert answer.json["detail"] == "This was not signed by the gateway."
    till.pass_time("webhook_delivery")
    till.work()
    kept = till.deliveries(verdict="forged", limit=200)
    assert len(kept) == before + 1
    assert (kept[0]["state"], kept[0]["event_id"]) == ("refused", None)


def test_b15_stripe_signatures(till: Till, stage: Stage, stripe: FakeStripe) -> None:
    customer = stage.customer()
    intent = till.intent(customer, "stripe")
    session = stripe.pay(intent["redirect_url"])
    body, now = stripe.event("checkout.session.completed", session), int(time.time())

    for header in (
        "", "t=,v1=", f"t={now}", f"v1={'0' * 64}", f"t={now},v1={'0' * 64}",
        signature(body, now, "whsec_of_somebody"),
        signature(body, now, "whsec_of_somebody").replace("v1=", "v0="),
        signature(body, now, WEBHOOK_SECRET).replace("v1=", "v0="),
        signature(body, now - 301, WEBHOOK_SECRET), signature(body, now + 400, WEBHOOK_SECRET),
        signature(body, now, WEBHOOK_SECRET).replace(f"t={now}", f"t={now - 1}"),
        signature(body + b" ", now, WEBHOOK_SECRET),
        f"t={'9' * 400},v1={'0' * 64}", "t=٣,v1=ü",
    ):  # fmt: skip
        refused(till, "stripe", ({"stripe-signature": header}, body))
    reordered = json.dumps(json.loads(body), sort_keys=True).encode()
    refused(till, "stripe", ({"stripe-signature": signature(body, now, WEBHOOK_SECRET)}, reordered))
    assert till.payments(customer) == []

    both = signature(body, now - 200, "whsec_of_yesterday", WEBHOOK_SECRET)
    assert till.deliver("stripe", ({"stripe-signature": both}, body)).status_code == 200
    till.work()
    assert len(till.payments(customer)) == 1


def test_b15_either_secret_of_a_rotation_is_taken(
    till: Till, stage: Stage, stripe: FakeStripe
) -> None:
    session = stripe.pay(till.intent(stage.customer(), "stripe")["redirect_url"])
    for secret in ("whsec_to_come", WEBHOOK_SECRET):
        delivery = stripe.delivery("checkout.session.completed", session, secret=secret)
        assert till.deliver("stripe", delivery).status_code == 200


def test_b15_sslcommerz_hashes(till: Till, stage: Stage, sslcommerz: FakeSslcommerz) -> None:
    customer = stage.customer()
    attempt = dict(sslcommerz.pay(till.intent(customer, "sslcommerz")["redirect_url"]))
    headers, genuine = sslcommerz.ipn(attempt)
    fields = dict(parse_qsl(genuine.decode(), keep_blank_values=True))

    def changed(**changes: str | None) -> Delivery:
        kept = {k: v for k, v in {**fields, **changes}.items() if v is not None}
        return headers, urlencode(kept).encode()

    refused(till, "sslcommerz", changed(amount="5000.00"))
    refused(till, "sslcommerz", changed(verify_sign_sha2="0" * 64))
    refused(till, "sslcommerz", changed(verify_sign="0" * 32, verify_sign_sha2=None))
    refused(till, "sslcommerz", changed(verify_sign=None, verify_sign_sha2=None))
    refused(till, "sslcommerz", changed(verify_key=None))
    refused(till, "sslcommerz", (headers, b"\xff\xfe=1"))
    refused(till, "sslcommerz", (headers, b""))
    assert till.payments(customer) == []

    only_md5 = changed(verify_sign_sha2=None)
    assert till.deliver("sslcommerz", only_md5).status_code == 200
    till.work()
    assert len(till.payments(customer)) == 1


def test_b15_sns_messages_of_bkash(till: Till, stage: Stage, bkash: FakeBkash) -> None:
    customer = stage.customer()
    checkout = bkash.pay(till.intent(customer, "bkash")["redirect_url"])
    bkash._execute({"paymentID": checkout.payment_id})
    headers, genuine = bkash.notification(checkout)
    fields = json.loads(genuine)
    strangers = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def changed(resign: Any = None, **changes: str) -> Delivery:
        made = {**fields, **changes}
        if resign is not None:
            made["Signature"] = bkash_fake.sign(made, resign)
        return headers, json.dumps(made).encode()

    refused(till, "bkash", changed(Message=fields["Message"].replace("500.00", "5000.00")))
    refused(till, "bkash", changed(strangers))
    refused(till, "bkash", changed(bkash_fake.KEY, TopicArn="arn:aws:sns:eu-west-1:1:theirs"))
    refused(till, "bkash", changed(bkash_fake.KEY, SigningCertURL="https://evil.example/c.pem"))
    refused(till, "bkash", changed(bkash_fake.KEY, SigningCertURL=f"{bkash.url}/cert.txt"))
    refused(till, "bkash", changed(bkash_fake.KEY, SignatureVersion="3"))
    refused(till, "bkash", changed(Signature="not base64!"))
    for body in (b"", b"{", b"[]", b'{"Type": 1}', b"\xff"):
        refused(till, "bkash", (headers, body))
    bkash.certificate = certificate(bkash_fake.KEY, days=-1)
    refused(till, "bkash", changed(bkash_fake.KEY, SigningCertURL=f"{bkash.url}/old/cert.pem"))
    assert till.payments(customer) == []


def test_sns_version_2_and_a_subscription_are_taken(
    till: Till, stage: Stage, bkash: FakeBkash
) -> None:
    customer = stage.customer()
    checkout = bkash.pay(till.intent(customer, "bkash")["redirect_url"])
    bkash._execute({"paymentID": checkout.payment_id})
    _, body = bkash.notification(checkout)
    newer = bkash.sns("Notification", json.loads(body)["Message"], SignatureVersion="2")
    asked = bkash.sns("SubscriptionConfirmation", "You have chosen to subscribe")

    assert till.deliver("bkash", newer).status_code == 200
    assert till.deliver("bkash", asked).status_code == 200
    till.work()

    assert len(till.payments(customer)) == 1
    assert bkash.subscribed == 1


@pytest.mark.parametrize(
    "url",
    [
        "http://sns.eu-west-1.amazonaws.com/x.pem",
        "https://sns.eu-west-1.amazonaws.com.evil.example/x.pem",
        "https://sns.eu-west-1.amazonaws.com@evil.example/x.pem",
        "https://user@sns.eu-west-1.amazonaws.com/x.pem",
        "https://sns.eu-west-1.amazonaws.com:8443/x.pem",
        "https://evil.sns.eu-west-1.amazonaws.com/x.pem",
        "https://snsx.eu-west-1.amazonaws.com/x.pem",
        "https://sns.eu-west-1/.amazonaws.com/x.pem",
        "https://sns.eu-west-1.amazonaws.com\n.evil.example/x.pem",
    ],
)
def test_certificates_come_from_sns_itself_and_from_nowhere_else(url: str) -> None:
    verifier = sns.SnsVerifier(Caller(), "topic", "https://sns.{region}.amazonaws.com")
    assert verifier.ours("https://sns.ap-southeast-1.amazonaws.com/SimpleNotification-1.pem")
    assert not verifier.ours(url)


def test_a_delivery_that_cannot_be_verified_yet_is_kept_and_worked_on_later(
    till: Till, stage: Stage, bkash: FakeBkash
) -> None:
    customer = stage.customer()
    checkout = bkash.pay(till.intent(customer, "bkash")["redirect_url"])
    bkash._execute({"paymentID": checkout.payment_id})
    bkash.broken = {"/cert.pem"}

    assert till.deliver("bkash", bkash.notification(checkout)).status_code == 200
    (kept,) = till.deliveries()
    assert (kept["verdict"], kept["state"]) == (None, "received")
    bkash.broken = set()
    till.pass_time("webhook_delivery")
    till.work()

    assert len(till.payments(customer)) == 1
    (kept,) = till.deliveries()
    assert (kept["verdict"], kept["outcome"]) == ("genuine", "credited")


def test_many_forged_requests_are_refused_unkept_and_genuine_ones_still_taken(
    till: Till, stage: Stage, stripe: FakeStripe
) -> None:
    customer = stage.customer()
    session = stripe.pay(till.intent(customer, "stripe")["redirect_url"])
    forged = ({"stripe-signature": f"t={int(time.time())},v1={'0' * 64}"}, b"x" * 5000)
    codes = [till.deliver("stripe", forged).status_code for _ in range(62)]

    assert codes == [401] * 60 + [429] * 2
    assert till.deliver("stripe", forged).headers["Retry-After"] == "60"
    assert stage.rows("SELECT count(*), max(length(body)) FROM webhook_delivery")[0] == (60, 2048)
    genuine = stripe.delivery("checkout.session.completed", session)
    assert till.deliver("stripe", genuine).status_code == 200
    till.work()
    assert len(till.payments(customer)) == 1


def test_bodies_that_are_too_long_are_refused_unread(till: Till, stage: Stage) -> None:
    answer = till.deliver("stripe", ({}, b"x" * (256 * 1024 + 1)))

    assert answer.status_code == 413
    assert till.deliveries() == []
    assert till.deliver("paypal", ({}, b"{}")).status_code == 404
