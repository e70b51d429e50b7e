"""Callers of the web role, each with the rights of a role in a branch."""

from typing import Any
from uuid import uuid4

from flask.testing import FlaskClient
from joserfc.jwk import OKPKey

from shared.tokens import Principal, issue

KEY = OKPKey.generate_key("Ed25519", parameters={"kid": "test"})


class Caller:
    def __init__(self, client: FlaskClient, role: str, path: str) -> None:
        self.client = client
        who = Principal(id=uuid4(), name=role, role=role, path=path)  # type: ignore[arg-type]
        self.headers = {"Authorization": f"Bearer {issue(who, KEY)}"}

    def __call__(self, method: str, url: str, body: Any = None, **headers: str) -> Any:
        return self.client.open(url, method=method, json=body, headers={**self.headers, **headers})
