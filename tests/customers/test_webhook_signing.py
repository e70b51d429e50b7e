"""Webhooks are signed as Standard Webhooks says."""

from __future__ import annotations

from customers.webhooks import signing


def test_the_signature_is_that_of_the_standards_own_example() -> None:
    made = signing.headers(
        "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}',
        ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
    )  # fmt: skip
    expected = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert made["webhook-signature"] == expected
