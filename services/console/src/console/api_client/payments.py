"""Calls to the payments service."""

from __future__ import annotations

from typing import IO, Any
from uuid import UUID

from console.api_client.every_service import ServiceApi
from console.api_client.transport import Answer, File, Query

Body = dict[str, Any]


class PaymentsApi(ServiceApi):
    def payments(self, query: Query) -> Body:
        return self._items("/v1/payments", query)

    def totals(self, query: Query) -> Body:
        """Sums by method over the same filters."""
        return self._items("/v1/payments/totals", query)

    def record(self, body: Body, key: str) -> Answer:
        """One payment; the same `key` never records a second one."""
        return self.line.post("/v1/payments", body, key=key)

    def payment(self, payment_id: UUID) -> Body:
        return self._items(f"/v1/payments/{payment_id}")

    def receipt(self, payment_id: UUID) -> Body:
        return self._items(f"/v1/payments/{payment_id}/receipt")

    def reverse(self, payment_id: UUID, what: str, body: Body, key: str) -> Answer:
        """`what`: void, refund."""
        return self.line.post(f"/v1/payments/{payment_id}/{what}", body, key=key)

    def bill(self, bill_id: UUID) -> Body:
        return self._items(f"/v1/bills/{bill_id}")

    def void_bill(self, bill_id: UUID, body: Body, key: str) -> Answer:
        return self.line.post(f"/v1/bills/{bill_id}/void", body, key=key)

    def issue_bill(self, body: Body, key: str) -> Answer:
        return self.line.post("/v1/bills", body, key=key)

    def note_credit(self, bill_id: UUID, body: Body, key: str) -> Answer:
        return self.line.post(f"/v1/bills/{bill_id}/credit-note", body, key=key)

    def credits(self, query: Query) -> Body:
        return self._items("/v1/credits", query)

    def credit(self, credit_id: UUID) -> Body:
        return self._items(f"/v1/credits/{credit_id}")

    def reverse_credit(self, credit_id: UUID, body: Body, key: str) -> Answer:
        return self.line.post(f"/v1/credits/{credit_id}/reverse", body, key=key)

    def proformas(self, query: Query) -> Body:
        return self._items("/v1/proforma-bills", query)

    def issue_proforma(self, proforma_id: UUID) -> Answer:
        return self.line.post(f"/v1/proforma-bills/{proforma_id}/issue")

    def bills(self, query: Query) -> Body:
        return self._items("/v1/bills", query)

    def balance(self, customer_id: UUID) -> Body:
        """E27: billed, paid, outstanding."""
        return self._items(f"/v1/customers/{customer_id}/balance")

    def statement(self, customer_id: UUID, query: Query) -> Body:
        return self._items(f"/v1/customers/{customer_id}/statement", query)

    def adjust(self, customer_id: UUID, body: Body, key: str) -> Answer:
        return self.line.post(f"/v1/customers/{customer_id}/adjustments", body, key=key)

    def write_off(self, customer_id: UUID, body: Body, key: str) -> Answer:
        return self.line.post(f"/v1/customers/{customer_id}/write-offs", body, key=key)

    def report(self, name: str, query: Query) -> Body:
        """`name`: collections, ageing, reconciliation, taxes."""
        return self._items(f"/v1/reports/{name}", query)

    def ledger_proof(self) -> Body:
        return self._items("/v1/reports/ledger-proof")

    # ------------------------------------------------------------ gateways
    def reviews(self, query: Query) -> Body:
        return self._items("/v1/payment-reviews", query)

    def review(self, review_id: UUID) -> Body:
        return self._items(f"/v1/payment-reviews/{review_id}")

    def decide_review(self, review_id: UUID, what: str, body: Body, key: str) -> Answer:
        """`what`: approve, reject."""
        return self.line.post(f"/v1/payment-reviews/{review_id}/{what}", body, key=key)

    def intents(self, query: Query) -> Body:
        return self._items("/v1/payment-intents", query)

    def deliveries(self, query: Query) -> Body:
        """What gateways told us."""
        return self._items("/v1/webhook-deliveries", query)

    def replay_delivery(self, delivery_id: UUID) -> Answer:
        return self.line.post(f"/v1/webhook-deliveries/{delivery_id}/replay")

    def refunds(self, query: Query) -> Body:
        return self._items("/v1/gateway-refunds", query)

    def saved_methods(self, query: Query) -> Body:
        return self._items("/v1/payment-methods", query)

    def saved_method(self, method_id: UUID) -> Answer:
        return self.line.get(f"/v1/payment-methods/{method_id}")

    def forget_method(self, method_id: UUID, etag: str) -> Answer:
        return self.line.delete(f"/v1/payment-methods/{method_id}", etag=etag)

    # ------------------------------------------------------------ statements
    def statement_imports(self, query: Query) -> Body:
        return self._items("/v1/statement-imports", query)

    def import_statement(self, query: Query, kind: str, file: IO[bytes], key: str) -> Answer:
        """`kind` is the media type of the file, which is sent as it is."""
        return self.line.upload("/v1/statement-imports", query, kind, file, key)

    def statement_lines(self, query: Query) -> Body:
        return self._items("/v1/statement-lines", query)

    def decide_line(self, line_id: UUID, what: str, body: Body, key: str) -> Answer:
        """`what`: match, ignore."""
        return self.line.post(f"/v1/statement-lines/{line_id}/{what}", body, key=key)

    # ------------------------------------------------------------ recharge cards
    def card_batches(self, query: Query) -> Body:
        return self._items("/v1/recharge-cards/batches", query)

    def card_batch(self, batch_id: UUID) -> Body:
        return self._items(f"/v1/recharge-cards/batches/{batch_id}")

    def card_file(self, batch_id: UUID) -> File:
        return self.line.file(f"/v1/recharge-cards/batches/{batch_id}/file")

    def confirm_card_file(self, batch_id: UUID, body: Body, key: str) -> Answer:
        return self.line.post(f"/v1/recharge-cards/batches/{batch_id}/file/confirm", body, key=key)

    def cards(self, query: Query) -> Body:
        return self._items("/v1/recharge-cards", query)

    def make_cards(self, body: Body, key: str) -> Answer:
        return self.line.post("/v1/recharge-cards", body, key=key)

    def change_cards(self, what: str, body: Body, key: str) -> Answer:
        """`what`: issue, block, unblock, void."""
        return self.line.post(f"/v1/recharge-cards/{what}", body, key=key)

    # ------------------------------------------------------------ dunning
    def promises(self, query: Query) -> Body:
        return self._items("/v1/promises", query)

    def promise(self, customer_id: UUID, body: Body, key: str) -> Answer:
        return self.line.post(f"/v1/customers/{customer_id}/promises", body, key=key)

    def withdraw_promise(self, promise_id: UUID, body: Body, key: str) -> Answer:
        return self.line.post(f"/v1/promises/{promise_id}/withdraw", body, key=key)

    def reminders(self, query: Query) -> Body:
        return self._items("/v1/reminders", query)

    def dunning_policies(self, _: Query) -> Body:
        """All of them; they have no pages."""
        return self._items("/v1/dunning-policies")

    def dunning_policy(self, name: str) -> Answer:
        """`name`: default, or the id of a class."""
        return self.line.get(f"/v1/dunning-policies/{name}")

    def set_dunning_policy(self, name: str, body: Body, etag: str) -> Answer:
        return self.line.put(f"/v1/dunning-policies/{name}", body, etag=etag)

    def calendar(self) -> Answer:
        """The weekend and the holidays."""
        return self.line.get("/v1/holidays")

    def set_calendar(self, body: Body, etag: str) -> Answer:
        return self.line.put("/v1/holidays", body, etag=etag)

    # ------------------------------------------------------------ numbers, files of every day
    def number_patterns(self, query: Query) -> Body:
        return self._items("/v1/number-patterns", query)

    def operator_patterns(self, operator_id: UUID) -> Answer:
        return self.line.get(f"/v1/number-patterns/{operator_id}")

    def set_patterns(self, operator_id: UUID, body: Body, etag: str) -> Answer:
        return self.line.put(f"/v1/number-patterns/{operator_id}", body, etag=etag)

    def export_schedules(self, query: Query) -> Body:
        return self._items("/v1/export-schedules", query)

    def export_schedule(self, schedule_id: UUID) -> Answer:
        return self.line.get(f"/v1/export-schedules/{schedule_id}")

    def add_schedule(self, body: Body, key: str) -> Answer:
        return self.line.post("/v1/export-schedules", body, key=key)

    def change_schedule(self, schedule_id: UUID, body: Body, etag: str) -> Answer:
        return self.line.patch(f"/v1/export-schedules/{schedule_id}", body, etag=etag)

    def drop_schedule(self, schedule_id: UUID, etag: str) -> Answer:
        return self.line.delete(f"/v1/export-schedules/{schedule_id}", etag=etag)

    # ------------------------------------------------------------ cash
    def drawers(self, query: Query) -> Body:
        return self._items("/v1/cash-drawers", query)

    def limit_drawer(self, operator_id: UUID, body: Body, key: str) -> Answer:
        return self.line.post(f"/v1/cash-drawers/{operator_id}/limit", body, key=key)

    def shifts(self, query: Query) -> Body:
        return self._items("/v1/cash-shifts", query)

    def open_shift(self, body: Body, key: str) -> Answer:
        return self.line.post("/v1/cash-shifts", body, key=key)

    def close_shift(self, shift_id: UUID, body: Body, key: str) -> Answer:
        return self.line.post(f"/v1/cash-shifts/{shift_id}/close", body, key=key)

    def hand_overs(self, query: Query) -> Body:
        return self._items("/v1/cash-hand-overs", query)

    def hand_over(self, body: Body, key: str) -> Answer:
        return self.line.post("/v1/cash-hand-overs", body, key=key)

    def decide_hand_over(self, hand_over_id: UUID, what: str, body: Body, key: str) -> Answer:
        """`what`: accept, refuse, cancel."""
        return self.line.post(f"/v1/cash-hand-overs/{hand_over_id}/{what}", body, key=key)
