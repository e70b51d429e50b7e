"""One module per section of the menu."""

from __future__ import annotations

from console.pages import (
    administration,
    bills,
    customer_forms,
    customers,
    deleted,
    erasing,
    exports,
    health,
    jobs,
    network,
    payments,
    profile,
    signing,
    sync_state,
    tables,
)

ALL = (
    health.pages,
    tables.pages,
    signing.pages,
    customers.pages,
    profile.pages,
    customer_forms.pages,
    deleted.pages,
    erasing.pages,
    payments.pages,
    bills.pages,
    exports.pages,
    jobs.pages,
    network.pages,
    sync_state.pages,
    administration.pages,
)
