"""The gateways of a site, by name."""

from __future__ import annotations

from collections.abc import Iterator

from payments.gateways.bkash import Bkash
from payments.gateways.configuration import KINDS, GatewaySettings
from payments.gateways.interface import Gateway
from payments.gateways.nagad import Nagad
from payments.gateways.sslcommerz import Sslcommerz
from payments.gateways.stripe import Stripe
from payments.gateways.tokens import Tokens
from shared.database import Database
from shared.settings import BadSetting

NAMES = tuple(KINDS)


class NotConfigured(Exception):
    """The gateway's variables are not set; the message names them."""


class Gateways:
    """The gateways of this site, made once per process. Raises BadSetting for a key that is none."""

    def __init__(self, settings: GatewaySettings, database: Database, key: bytes) -> None:
        self.settings = settings
        self.made: dict[str, Gateway] = {}
        if settings.bkash is not None:
            self.made["bkash"] = Bkash(settings.bkash, Tokens(database, key))
        if settings.nagad is not None:
            try:
                self.made["nagad"] = Nagad(settings.nagad)
            except ValueError as error:
                raise BadSetting(
                    "NAGAD_GATEWAY_PUBLIC_KEY or NAGAD_MERCHANT_PRIVATE_KEY is no RSA key:"
                    " give PEM, or the base64 of Nagad's portal"
                ) from error
        if settings.sslcommerz is not None:
            self.made["sslcommerz"] = Sslcommerz(settings.sslcommerz)
        if settings.stripe is not None:
            self.made["stripe"] = Stripe(settings.stripe)

    def __getitem__(self, name: str) -> Gateway:
        """Raises NotConfigured, and KeyError for a name that no gateway has."""
        if name not in NAMES:
            raise KeyError(name)
        if name not in self.made:
            raise NotConfigured(
                f"this site has no {name}: set {self.settings.required(name)} for payments"
            )
        return self.made[name]

    def __iter__(self) -> Iterator[Gateway]:
        return iter(self.made.values())
