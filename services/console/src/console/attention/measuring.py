"""What the services' metrics say is wrong: the alerts of docs/operating.md, with what to do."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from flask import url_for

from console.attention.finding import Finding
from console.times import zone

_SAMPLE = re.compile(r"^(tenure_\w+)(?:\{(.*)\})? (\S+)$", re.M)
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
# How old each work of the clock may be: three of its periods, the daily ones 26 hours.
TICKS = {"reconcile": 180, "usage": 900, "customers.purge": 93_600, "prove_ledger": 93_600}


@dataclass(frozen=True)
class Rule:
    """`text` and `advice` may name {service}, {age}, {number} and the labels of the metric."""

    metric: str
    wrong: Callable[[float], bool]
    text: str
    advice: str
    tone: Literal["bad", "warn", "calm"] = "bad"
    where: Mapping[str, str] = field(default_factory=dict)
    # Endpoint and name of the page where it is mended.
    page: tuple[str, str] | None = None


def above(limit: float) -> Callable[[float], bool]:
    return lambda value: value > limit


RULES = (
    Rule(
        "tenure_workers", lambda value: value == 0, "No worker of {service} lives.",
        "Start its worker role, or read its log. Until then nothing is heard, sent or scheduled;"
        " nothing is lost, and it catches up by itself.",
    ),
    Rule(
        "tenure_worker_idle_seconds", above(10),
        "A worker of {service} has taken no message for {age} although some wait.",
        "It ends itself at 15 s and is started again. If this stays, its log says what it hangs on.",
    ),
    Rule(
        "tenure_outbox_oldest_age_seconds", above(10),
        "Events of {service} have waited {age} for the relay.",
        "See that its relay role runs and that Redis answers. The other services read the events"
        " from its feed meanwhile, within seconds.", "warn",
    ),
    Rule(
        "tenure_dead_letters", above(0), "{number} events could not be taken by {service}.",
        "Each says why. Mend the cause, then replay it.", page=("sync_state.dead_letters", "Dead letters"),
    ),
    Rule(
        "tenure_storm", above(0), "All cut-offs are stopped by an operator.",
        "Undo the suspension if it was a mistake; then pace or release them.",
        where={"state": "stopped"}, page=("radius.storm", "Mass cut-offs"),
    ),
    Rule(
        "tenure_storm", above(0), "Very many sessions are to be cut at once: they are paced.",
        "Is it a mistake, stop it now and undo the suspension. Is it meant, release it.",
        where={"state": "pacing"}, page=("radius.storm", "Mass cut-offs"),
    ),
    Rule(
        "tenure_orders_oldest_age_seconds", above(60),
        "Sessions have waited {age} to be ended or changed.",
        "The attempts say which NAS does not answer. Who is cut off cannot log in again meanwhile.",
        page=("network.disconnects", "Disconnects"),
    ),
    Rule(
        "tenure_nas", above(0), "{number} NASes do not answer.",
        "Test them: the answer tells a wrong secret, port, firewall or clock apart.",
        where={"state": "silent"}, page=("nas.list_nas", "NAS"),
    ),
    Rule(
        "tenure_radius_answering", lambda value: value == 0, "The RADIUS server {target} does not answer.",
        "Nobody can log in there. See that FreeRADIUS runs and that UDP reaches its port.",
        page=("radius.targets", "RADIUS servers"),
    ),
    Rule(
        "tenure_chain_heads_broken", above(0),
        "{number} signed heads of operations logs do not stand any more: a log was rewritten.",
        "Verify the chain, compare with the heads that you keep elsewhere, and find out who had access.",
        page=("administration.operations", "Operations"),
    ),
    Rule(
        "tenure_erasures_held_back", above(0),
        "{number} erasures get no certificate: the erased are still named in Redis or in a log.",
        "The page of each says where, and what to do. It is looked for again by itself.",
        page=("erasing.list_erasures", "Erasures"),
    ),
    Rule(
        "tenure_gateway_work", above(0), "{number} payments at gateways have had no answer for long.",
        "The gateway is asked again by itself. See whether it is down before you promise anything.",
        "warn", {"kind": "intents_unanswered"}, ("gateways.intents", "Gateway payments"),
    ),
    Rule(
        "tenure_card_locks", above(0), "Somebody ({kind}) may not redeem cards for now: too many wrong PINs.",
        "The lock ends by itself. If it comes again, somebody guesses PINs: block the batch.", "warn",
        page=("cards.batches", "Recharge Cards"),
    ),
)  # fmt: skip


def measured(service: str, text: str) -> Iterator[Finding]:
    """What the metrics of one service (Prometheus text) say is wrong."""
    for name, given, number in _SAMPLE.findall(text):
        labels = {"service": service} | dict(_LABEL.findall(given))
        value = float(number)
        for rule in RULES:
            if rule.metric == name and rule.wrong(value) and rule.where.items() <= labels.items():
                yield _finding(rule, labels, value)
        if name == "tenure_tick_age_seconds":
            yield from _late(labels, value)
        if name == "tenure_time_zone" and labels.get("zone") != zone():
            yield _another_zone(labels)


def _finding(rule: Rule, labels: Mapping[str, str], value: float) -> Finding:
    words = dict(labels) | {"number": f"{value:,.0f}", "age": age(value)}
    inner = {"service": labels["service"]} if rule.metric == "tenure_dead_letters" else {}
    endpoint, label = rule.page or ("", "")
    address = url_for(endpoint, **inner) if endpoint else ""  # type: ignore[arg-type]
    return Finding(
        rule.tone, rule.text.format(**words), rule.advice.format(**words), address, label
    )


def _another_zone(labels: Mapping[str, str]) -> Finding:
    service, of, other = (labels.get(name, "") for name in ("service", "of", "zone"))
    if of == "calendar":
        advice = "Save the days without cut-off again: they are then days of that zone."
        address, label = url_for("days_off.edit"), "Days without cut-off"
    else:
        advice = (
            "Set TENURE_TIME_ZONE alike for every role, run migrate of each service, and start them"
            " anew."
        )
        address, label = "", ""
    text = f"Days of {service} ({of}) begin in {other}, those of these pages in {zone()}."
    return Finding("bad", text, advice, address, label)


def _late(labels: Mapping[str, str], value: float) -> Iterator[Finding]:
    work = labels.get("work", "")
    if value > TICKS.get(work, float("inf")):
        advice = (
            f"The worker of {labels['service']} rings for it by itself, beat too: see that one of them"
            " runs. One that fails at it says so in its log."
        )
        yield Finding("bad", f"The work “{work}” was last done {age(value)} ago.", advice)


def age(seconds: float) -> str:
    """`90` as `90 s`, `600` as `10 min`; hours and days from there."""
    for most, unit, name in ((120, 1, "s"), (7200, 60, "min"), (172_800, 3600, "h")):
        if seconds < most:
            return f"{seconds / unit:.0f} {name}"
    return f"{seconds / 86_400:.0f} days"
