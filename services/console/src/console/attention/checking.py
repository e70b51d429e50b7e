"""What the lists of the services say is wrong, or waits for a person. One call each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import url_for

from console.api_client import Apis
from console.attention.finding import Finding
from console.formatting import words


@dataclass(frozen=True)
class Check:
    """`subject` says what is looked at, where the look itself is refused."""

    service: str
    permission: str
    subject: str
    look: Callable[[Apis], Iterable[Finding]]


def count(fetch: Callable[[dict[str, Any]], dict[str, Any]], **query: str) -> int:
    return int(fetch({**query, "limit": 1, "include": "total"}).get("total") or 0)


def targets(services: Apis) -> Iterator[Finding]:
    for target in services.network.targets({"limit": 200})["items"]:
        if target["health"] == "away":
            yield Finding(
                "bad", f"The database of the RADIUS server {target['name']} fails: {target['error']}",
                "Mend it there. Nothing else waits for it: it is tried again every minute and catches up.",
                url_for("radius.targets"), "RADIUS servers",
            )  # fmt: skip


def nas_warnings(services: Apis) -> Iterator[Finding]:
    for nas in services.network.nas({"limit": 200})["items"]:
        for warning in nas.get("warnings") or ():
            yield Finding(
                "warn", f"NAS {nas['name']}: {words(warning['code']).lower()}.", warning["detail"],
                url_for("nas.list_nas"), "NAS",
            )  # fmt: skip
        if error := nas.get("sessions_error"):
            yield Finding(
                "warn", f"The list of sessions of NAS {nas['name']} does not come.",
                f"{error} Nothing is concluded from that; accounting is not compared until it comes.",
                url_for("nas.list_nas"), "NAS",
            )  # fmt: skip


def drift(services: Apis) -> Iterator[Finding]:
    for report in services.network.reconciliations({"limit": 1})["items"]:
        if report["drift"] and not report["healed"]:
            yield Finding(
                "warn", "The last comparison found differences that were not repaired.",
                "Look which, then compare again with repair.",
                url_for("sync_state.reconciliation", reconciliation_id=report["id"]), "Reconciliation",
            )  # fmt: skip


def webhooks(services: Apis) -> Iterator[Finding]:
    for endpoint in services.customers.webhooks({"limit": 200})["items"]:
        address = url_for("webhooks.show", endpoint_id=endpoint["id"])
        if endpoint["state"] == "disabled":
            yield Finding(
                "bad", f"The webhook {endpoint['url']} took nothing for five days and is off.",
                "Have it mended there, send a ping, wake it, and send again what was given up.",
                address, "Webhook",
            )  # fmt: skip
        elif endpoint["failing_since"]:
            yield Finding(
                "warn", f"The webhook {endpoint['url']} fails.",
                "Its deliveries say how it answers. Each is tried ten times over three days.",
                address, "Webhook",
            )  # fmt: skip


def jobs(service: str) -> Callable[[Apis], Iterator[Finding]]:
    def look(services: Apis) -> Iterator[Finding]:
        yesterday = datetime.now(UTC) - timedelta(days=1)
        for job in services.by_name[service].jobs({"state": "failed", "limit": 5})["items"]:
            if job["finished_at"] and datetime.fromisoformat(job["finished_at"]) > yesterday:
                yield Finding(
                    "warn", f"A job failed: {words(job['kind'])}.",
                    f"{job['error'] or 'Its page says how far it came.'}",
                    url_for("jobs.show", service=service, job_id=job["id"]), "Job",
                )  # fmt: skip

    return look


def purge(services: Apis) -> Iterator[Finding]:
    found = services.customers.retention().body
    if found["overdue"]:
        yield Finding(
            "bad", "Nobody who is due was erased for 26 hours.",
            "See that a worker of customers runs; a purge that fails says so in its log.",
            url_for("retention.show"), "Retention",
        )  # fmt: skip
    for kind, service in (("sessions", "radius-sync"), ("billing", "payments")):
        if number := found[f"{kind}_unanswered"]:
            whom = "a customer" if number == 1 else f"{number:,} customers"
            yield Finding(
                "bad", f"The {kind} of {whom} should be gone for a day, and {service} has not said so.",
                f"See that a worker of {service} runs, and look at its dead letters.",
                url_for("retention.show"), "Retention",
            )  # fmt: skip


def proof(services: Apis) -> Iterator[Finding]:
    if found := services.payments.ledger_proof()["differences"]:
        yield Finding(
            "bad", f"The ledger differs from accounts, bills or payments in {found} places.",
            "Change nothing by hand: the report names each. Keep a copy of the database, and call us.",
            url_for("gateways.proof"), "Ledger proof",
        )  # fmt: skip


def waiting(
    fetch: Callable[[Apis], Callable[[dict[str, Any]], dict[str, Any]]],
    one: str, many: str, advice: str, endpoint: str, label: str, tone: Any = "calm", **query: str,
) -> Callable[[Apis], Iterator[Finding]]:  # fmt: skip
    """Rows that wait for a person: how many there are, and where."""

    def look(services: Apis) -> Iterator[Finding]:
        if number := count(fetch(services), **query):
            text = one if number == 1 else many.format(number)
            yield Finding(tone, text, advice, url_for(endpoint, **query), label)  # type: ignore[arg-type]

    return look


CHECKS = (
    Check("radius-sync", "targets.read", "the RADIUS servers", targets),
    Check("radius-sync", "nas.read", "the NASes", nas_warnings),
    Check("radius-sync", "reconciliations.read", "the last comparison", drift),
    Check("customers", "webhooks.write", "the webhooks", webhooks),
    Check("customers", "retention.read", "the purge", purge),
    Check("payments", "reports.read", "the ledger", proof),
    *(Check(name, "jobs.read", f"the jobs of {name}", jobs(name))
      for name in ("customers", "payments")),
    Check("payments", "payments.read", "refunds at gateways", waiting(
        lambda services: services.payments.refunds,
        "A refund failed at its gateway.", "{} refunds failed at their gateways.",
        "The money is still here. Each says why; give it back another way if it cannot be mended.",
        "gateways.refunds", "Refunds", "warn", state="failed")),
    Check("payments", "webhooks.read", "notifications of gateways", waiting(
        lambda services: services.payments.deliveries,
        "A gateway's notification could not be worked on.",
        "{} notifications of gateways could not be worked on.",
        "Each says why. Take it again when that is mended: nothing is credited twice.",
        "gateways.deliveries", "Notifications", "warn", state="failed")),
    Check("payments", "payment_reviews.read", "payments to review", waiting(
        lambda services: services.payments.reviews,
        "A payment waits for a decision.", "{} payments wait for a decision.",
        "Money has come that does not fit. Each says what to do.",
        "gateways.reviews", "Payment reviews", state="open")),
    Check("payments", "imports.write", "statement lines", waiting(
        lambda services: services.payments.statement_lines,
        "A line of a statement has no payment.", "{} lines of statements have no payment.",
        "Match each with its payment, record the payment, or say why it is none.",
        "statements.lines", "Statements", state="open")),
    Check("payments", "cash.read", "cash hand-overs", waiting(
        lambda services: services.payments.hand_overs,
        "A hand-over of cash waits for its second signature.",
        "{} hand-overs of cash wait for their second signature.",
        "Who was given the cash counts it and accepts or refuses it.",
        "cash.hand_overs", "Cash", state="pending")),
    Check("customers", "erasures.read", "erasures", waiting(
        lambda services: services.customers.erasures,
        "An erasure waits for a second person.", "{} erasures wait for a second person.",
        "Look who is to be erased and why, then approve or cancel it.",
        "erasing.list_erasures", "Erasures", state="awaiting_approval")),
)  # fmt: skip
