"""What needs somebody now: gathered from all services, each finding with what to do about it.

A service that does not answer is one finding, and is not asked again: the page takes no longer for it.
"""

from __future__ import annotations

from console.api_client import Apis, Refused, Silent
from console.attention.checking import CHECKS
from console.attention.finding import WORST_FIRST, Finding
from console.attention.measuring import measured
from console.context import may

__all__ = ["Finding", "gather"]


def gather(services: Apis) -> list[Finding]:
    """The worst first; empty when nothing needs anybody."""
    found: list[Finding] = []
    silent: set[str] = set()
    if may("dead_letters.read"):
        for name, service in services.by_name.items():
            try:
                found += measured(name, service.metrics())
            except Silent:
                silent.add(name)
            except Refused as refused:
                found.append(_not_ready(name, refused))
    for check in CHECKS:
        if check.service in silent or not may(check.permission):
            continue
        try:
            found += check.look(services)
        except Silent:
            silent.add(check.service)
        except Refused as refused:
            detail = refused.detail or refused.title
            found.append(Finding("warn", f"Not looked at: {check.subject}.", detail))
    found += [_silent(name) for name in sorted(silent)]
    return sorted(found, key=lambda each: WORST_FIRST.index(each.tone))


def _silent(name: str) -> Finding:
    return Finding(
        "bad", f"{name} does not answer.",
        f"Start the web role of {name}, or see in its log why it does not. What its worker does goes on.",
    )  # fmt: skip


def _not_ready(name: str, refused: Refused) -> Finding:
    return Finding(
        "bad", f"{name} answers with an error: {refused.title}.",
        "See that its PostgreSQL answers, and what its log says.",
    )  # fmt: skip
