"""Calls to the customers service: signing in, customers, deleted customers, erasures, operators."""

from __future__ import annotations

from typing import IO, Any
from urllib.parse import quote
from uuid import UUID

from console.api_client.every_service import ServiceApi
from console.api_client.transport import Answer, File, Query

Body = dict[str, Any]


class CustomersApi(ServiceApi):
    def sign_in(self, username: str, password: str) -> Answer:
        return self.line.post("/v1/tokens", {"username": username, "password": password})

    def renew(self) -> Answer:
        """A new token for the one that is still valid."""
        return self.line.post("/v1/tokens/renew")

    def me(self) -> Answer:
        return self.line.get("/v1/me")

    def change_password(self, body: Body) -> Answer:
        """`current` and `new`; every other sign-in ends. The answer's token goes on."""
        return self.line.post("/v1/me/password", body)

    # ------------------------------------------------------------ how tables are shown
    def preference(self, table: str) -> Answer:
        return self.line.get(f"/v1/preferences/{quote(table, safe='')}")

    def prefer(self, table: str, body: Body, etag: str) -> Answer:
        return self.line.put(f"/v1/preferences/{quote(table, safe='')}", body, etag=etag)

    def views(self, query: Query) -> Body:
        return self._items("/v1/views", query)

    def save_view(self, body: Body, key: str) -> Answer:
        return self.line.post("/v1/views", body, key=key)

    def remove_view(self, view_id: UUID) -> Answer:
        return self.line.delete(f"/v1/views/{view_id}", etag="*")

    # ------------------------------------------------------------ customers
    def customers(self, query: Query) -> Body:
        return self._items("/v1/customers", query)

    def customer(self, customer_id: UUID) -> Answer:
        return self.line.get(f"/v1/customers/{customer_id}")

    def create(self, body: Body, key: str) -> Answer:
        return self.line.post("/v1/customers", body, key=key)

    def change(self, customer_id: UUID, body: Body, etag: str) -> Answer:
        return self.line.patch(f"/v1/customers/{customer_id}", body, etag=etag)

    def about(self, customer_id: UUID, what: str) -> Any:
        """`what`: status-history, why-offline, accounts, integrity."""
        return self.line.get(f"/v1/customers/{customer_id}/{what}").body

    def as_of(self, customer_id: UUID, query: Query) -> Body:
        """How the customer was `at` a past moment."""
        return self._items(f"/v1/customers/{customer_id}/as-of", query)

    def act(self, customer_id: UUID, verb: str, body: Body, key: str) -> Answer:
        """`verb`: activate, lift-suspension, close, delete, holds, legal-hold, accounts."""
        return self.line.post(f"/v1/customers/{customer_id}/{verb}", body, key=key)

    def lift_hold(self, customer_id: UUID, hold_id: str, etag: str) -> Answer:
        return self.line.delete(f"/v1/customers/{customer_id}/holds/{hold_id}", etag=etag)

    def lift_legal_hold(self, customer_id: UUID) -> Answer:
        return self.line.delete(f"/v1/customers/{customer_id}/legal-hold", etag="*")

    def close_account(self, customer_id: UUID, account_id: UUID) -> Answer:
        """A service line; its row stays."""
        return self.line.delete(f"/v1/customers/{customer_id}/accounts/{account_id}", etag="*")

    def hold_many(self, body: Body, key: str) -> Answer:
        return self.line.post("/v1/customers/holds", body, key=key)

    def activate_many(self, body: Body, key: str) -> Answer:
        return self.line.post("/v1/customers/activate", body, key=key)

    def delete_many(self, body: Body, key: str) -> Answer:
        return self.line.post("/v1/customers/delete", body, key=key)

    # ------------------------------------------------------------ customers from files
    def columns(self, kind: str, file: IO[bytes]) -> Body:
        """Of a file, with what each may be; `kind` is its media type."""
        body: Body = self.line.upload("/v1/imports/columns", {}, kind, file).body
        return body

    def import_file(self, query: Query, kind: str, file: IO[bytes], key: str) -> Answer:
        """Customers from a file; `kind` is its media type."""
        return self.line.upload("/v1/imports", query, kind, file, key)

    def imports(self, query: Query) -> Body:
        return self._items("/v1/imports", query)

    def one_import(self, import_id: UUID) -> Body:
        return self._items(f"/v1/imports/{import_id}")

    def refused_rows(self, import_id: UUID) -> File:
        return self.line.file(f"/v1/imports/{import_id}/refused-rows")

    def start_import(self, import_id: UUID, key: str) -> Answer:
        return self.line.post(f"/v1/imports/{import_id}/start", {}, key=key)

    # ------------------------------------------------------------ deleted customers
    def deleted(self, query: Query) -> Body:
        return self._items("/v1/deleted-customers", query)

    def deleted_one(self, customer_id: UUID) -> Answer:
        return self.line.get(f"/v1/deleted-customers/{customer_id}")

    def change_deleted(self, customer_id: UUID, body: Body, etag: str) -> Answer:
        return self.line.patch(f"/v1/deleted-customers/{customer_id}", body, etag=etag)

    def restore(self, customer_id: UUID, body: Body, key: str) -> Answer:
        return self.line.post(f"/v1/deleted-customers/{customer_id}/restore", body, key=key)

    def restore_many(self, body: Body, key: str) -> Answer:
        return self.line.post("/v1/deleted-customers/restore", body, key=key)

    def erase(self, customer_id: UUID, body: Body, key: str) -> Answer:
        return self.line.post(f"/v1/deleted-customers/{customer_id}/erase", body, key=key)

    def erase_many(self, body: Body, key: str) -> Answer:
        return self.line.post("/v1/deleted-customers/erase", body, key=key)

    # ------------------------------------------------------------ erasures
    def erasures(self, query: Query) -> Body:
        return self._items("/v1/erasures", query)

    def erasure(self, erasure_id: UUID) -> Answer:
        return self.line.get(f"/v1/erasures/{erasure_id}")

    def erasure_subjects(self, erasure_id: UUID, query: Query) -> Body:
        return self._items(f"/v1/erasures/{erasure_id}/subjects", query)

    def move_erasure(self, erasure_id: UUID, what: str) -> Answer:
        """`what`: approve, cancel."""
        return self.line.post(f"/v1/erasures/{erasure_id}/{what}")

    def accept_leftovers(self, erasure_id: UUID, reason: str) -> Answer:
        return self.line.post(f"/v1/erasures/{erasure_id}/accept", {"reason": reason})

    def certificate(self, erasure_id: UUID) -> Answer:
        return self.line.get(f"/v1/erasures/{erasure_id}/certificate")

    def settings(self) -> Body:
        """The rules of the site."""
        return self._items("/v1/settings")

    def site(self) -> Answer:
        """The same with their ETag."""
        return self.line.get("/v1/settings")

    def change_site(self, body: Body, etag: str) -> Answer:
        return self.line.patch("/v1/settings", body, etag=etag)

    def retention(self) -> Answer:
        """The policies, and when the purge ran last."""
        return self.line.get("/v1/retention-policies")

    def set_retention(self, items: list[Body], etag: str) -> Answer:
        return self.line.put("/v1/retention-policies", {"items": items}, etag=etag)

    def preview_retention(self, query: Query) -> Body:
        """Whom the purge would erase until a day."""
        return self._items("/v1/retention-policies/preview", query)

    def collect_data(self, customer_id: UUID, key: str) -> Answer:
        """All that every service holds on this person, as a file."""
        return self.line.post(f"/v1/customers/{customer_id}/data-export", {}, key=key)

    # ------------------------------------------------------------ webhooks
    def webhooks(self, query: Query) -> Body:
        return self._items("/v1/webhook-endpoints", query)

    def webhook(self, endpoint_id: UUID) -> Answer:
        return self.line.get(f"/v1/webhook-endpoints/{endpoint_id}")

    def add_webhook(self, body: Body, key: str) -> Answer:
        return self.line.post("/v1/webhook-endpoints", body, key=key)

    def change_webhook(self, endpoint_id: UUID, body: Body, etag: str) -> Answer:
        return self.line.patch(f"/v1/webhook-endpoints/{endpoint_id}", body, etag=etag)

    def remove_webhook(self, endpoint_id: UUID, etag: str) -> Answer:
        return self.line.delete(f"/v1/webhook-endpoints/{endpoint_id}", etag=etag)

    def webhook_deliveries(self, endpoint_id: UUID, query: Query) -> Body:
        return self._items(f"/v1/webhook-endpoints/{endpoint_id}/deliveries", query)

    def use_webhook(self, endpoint_id: UUID, what: str, body: Body, key: str) -> Answer:
        """`what`: ping, replay, rotate-secret."""
        return self.line.post(f"/v1/webhook-endpoints/{endpoint_id}/{what}", body, key=key)

    # ------------------------------------------------------------ operators, packages
    def operators(self, query: Query) -> Body:
        return self._items("/v1/operators", query)

    def operator(self, operator_id: UUID) -> Answer:
        return self.line.get(f"/v1/operators/{operator_id}")

    def add_operator(self, body: Body, key: str) -> Answer:
        return self.line.post("/v1/operators", body, key=key)

    def hold_operator(self, operator_id: UUID, body: Body, key: str) -> Answer:
        """With everybody below."""
        return self.line.post(f"/v1/operators/{operator_id}/holds", body, key=key)

    def lift_operator_hold(self, operator_id: UUID, kind: str) -> Answer:
        place = f"/v1/operators/{operator_id}/holds/{quote(kind, safe='')}"
        return self.line.delete(place, etag="*")

    def change_operator(self, operator_id: UUID, body: Body, etag: str) -> Answer:
        return self.line.patch(f"/v1/operators/{operator_id}", body, etag=etag)

    def api_keys(self, operator_id: UUID, query: Query) -> Body:
        return self._items(f"/v1/operators/{operator_id}/api-keys", query)

    def add_api_key(self, operator_id: UUID, body: Body) -> Answer:
        """Without a key of its own: the stored answer would hold no key."""
        return self.line.post(f"/v1/operators/{operator_id}/api-keys", body)

    def revoke_api_key(self, operator_id: UUID, key_id: UUID) -> Answer:
        return self.line.delete(f"/v1/operators/{operator_id}/api-keys/{key_id}", etag="*")

    def packages(self, query: Query) -> Body:
        return self._items("/v1/packages", query)

    def package(self, package_id: UUID) -> Answer:
        return self.line.get(f"/v1/packages/{package_id}")

    def add_package(self, body: Body, key: str) -> Answer:
        return self.line.post("/v1/packages", body, key=key)

    def change_package(self, package_id: UUID, body: Body, etag: str) -> Answer:
        return self.line.patch(f"/v1/packages/{package_id}", body, etag=etag)

    def classes(self, query: Query) -> Body:
        return self._items("/v1/customer-classes", query)

    def customer_class(self, class_id: UUID) -> Answer:
        return self.line.get(f"/v1/customer-classes/{class_id}")

    def add_class(self, body: Body, key: str) -> Answer:
        return self.line.post("/v1/customer-classes", body, key=key)

    def change_class(self, class_id: UUID, body: Body, etag: str) -> Answer:
        return self.line.patch(f"/v1/customer-classes/{class_id}", body, etag=etag)
