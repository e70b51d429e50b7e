"""What each gateway is told by the environment. A gateway without its variables is not configured."""

from __future__ import annotations

from dataclasses import MISSING, dataclass, field, fields
from typing import Any, TypeVar

from environs import Env

from shared.settings import BadSetting

One = TypeVar("One")


@dataclass(frozen=True, kw_only=True)
class BkashSettings:
    """Tokenised checkout. `topic_arn` is the SNS topic of bKash's webhook; without it none is taken:
    everybody who has an AWS account can have SNS sign a message of another topic."""

    username: str
    password: str = field(repr=False)
    app_key: str
    app_secret: str = field(repr=False)
    base_url: str = "https://tokenized.pay.bka.sh/v1.2.0-beta/tokenized/checkout"
    topic_arn: str = ""
    # The only place that certificates and subscriptions are taken from.
    sns_endpoint: str = "https://sns.{region}.amazonaws.com"


@dataclass(frozen=True, kw_only=True)
class NagadSettings:
    """Keys are PEM, or the bare base64 that Nagad's portal gives. `hash` and `checkout_path` differ
    between the open SDKs: confirm them with Nagad."""

    merchant_id: str
    merchant_number: str
    gateway_public_key: str
    merchant_private_key: str = field(repr=False)
    base_url: str = "https://api.mynagad.com/api/dfs"
    checkout_path: str = "check-out"
    hash: str = "sha1"
    api_version: str = "v-0.2.0"
    # The address that Nagad knows this site by (header X-KM-IP-V4).
    server_address: str = "127.0.0.1"


@dataclass(frozen=True, kw_only=True)
class SslcommerzSettings:
    """Version 4. SSLCommerz asks for a payer's contact; it gets the site's own."""

    store_id: str
    store_password: str = field(repr=False)
    contact_email: str
    contact_phone: str
    base_url: str = "https://securepay.sslcommerz.com"


@dataclass(frozen=True, kw_only=True)
class StripeSettings:
    """`webhook_secrets`: one, or two separated by a comma while they are rotated."""

    secret_key: str = field(repr=False)
    webhook_secrets: str = field(repr=False)
    base_url: str = "https://api.stripe.com"
    api_version: str = "2024-06-20"
    # Stripe's own advice; a delivery that was on its way for longer is sent again with a new time.
    tolerance_seconds: str = "300"


KINDS: dict[str, type[Any]] = {
    "bkash": BkashSettings,
    "nagad": NagadSettings,
    "sslcommerz": SslcommerzSettings,
    "stripe": StripeSettings,
}


@dataclass(frozen=True, kw_only=True)
class GatewaySettings:
    """`public_url` is where gateways and payers reach this service from outside."""

    public_url: str = ""
    bkash: BkashSettings | None = None
    nagad: NagadSettings | None = None
    sslcommerz: SslcommerzSettings | None = None
    stripe: StripeSettings | None = None
    # An hour to pay: wallets time out in minutes, and Stripe takes no less than thirty.
    intent_minutes: int = 60
    # Long enough to answer a dispute about a delivery; a body names a payer, so not for ever.
    webhook_days: int = 90

    def required(self, gateway: str) -> str:
        """The variables that a gateway needs, for a message."""
        kind = KINDS[gateway]
        return ", ".join(_variable(gateway, one.name) for one in fields(kind) if _needed(one))


def _variable(gateway: str, name: str) -> str:
    return f"{gateway}_{name}".upper()


def _needed(one: Any) -> bool:
    return one.default is MISSING


def read(env: Env, public_url: str) -> GatewaySettings:
    """Raises BadSetting for a gateway of which only some variables are set."""
    found = {name: _one(env, name, kind) for name, kind in KINDS.items()}
    if found["nagad"] is not None and found["nagad"].hash not in ("sha1", "sha256"):
        raise BadSetting("NAGAD_HASH is sha1 or sha256")
    if found["stripe"] is not None and not found["stripe"].tolerance_seconds.isdecimal():
        raise BadSetting("STRIPE_TOLERANCE_SECONDS is a number of seconds, such as 300")
    minutes = env.int("PAYMENT_INTENT_MINUTES", 60)
    if not 30 <= minutes <= 1440:
        raise BadSetting("PAYMENT_INTENT_MINUTES lies between 30 and 1440, as Stripe asks")
    return GatewaySettings(
        public_url=env.str("PAYMENTS_PUBLIC_URL", public_url).rstrip("/"),
        intent_minutes=minutes,
        webhook_days=env.int("WEBHOOK_DAYS", 90),
        **found,
    )


def _one(env: Env, gateway: str, kind: type[One]) -> One | None:
    given = {
        one.name: env.str(_variable(gateway, one.name), "")
        for one in fields(kind)  # type: ignore[arg-type]
    }
    needed = [one.name for one in fields(kind) if _needed(one)]  # type: ignore[arg-type]
    missing = [_variable(gateway, name) for name in needed if not given[name]]
    if len(missing) == len(needed):
        return None
    if missing:
        raise BadSetting(f"{gateway} is configured in part: set {', '.join(missing)} too, or none")
    return kind(**{name: value.rstrip("/") if name.endswith("url") else value
                   for name, value in given.items() if value})  # fmt: skip
