"""What the beat role rings for: task → seconds. Nothing of the work is imported here."""

from __future__ import annotations

from collections.abc import Mapping

SCHEDULE: Mapping[str, float] = {
    # Grace ends at a minute of the day, so look every minute.
    "payments.mark_overdue": 60,
    # A reminder is of a day: ten minutes do not matter to who reads it.
    "payments.remind": 600,
    # Who pays prepaid waits for the network: a bill is debited within the minute.
    "payments.debit": 60,
    # A period is announced days before it begins: ten minutes do not matter.
    "payments.announce": 600,
    # Once per day of the tick; hourly, so that a beat that was away costs an hour.
    "payments.prove_ledger": 3600,
    # A file lives for a day: ten minutes more do not matter, and the look is cheap.
    "payments.remove_exports": 600,
    # A measurement: ten seconds later it is the same.
    "payments.note_online": 10,
    # Deliveries are kept for months: an hour more does not matter.
    "payments.remove_deliveries": 3600,
    # A card past its day is refused at once; that lists say so may take ten minutes.
    "payments.expire_cards": 600,
    # A day ends once a day; who waits for its file waits ten minutes more.
    "payments.schedule_exports": 600,
    # A changed day is read from the payments themselves until then.
    "payments.roll_up": 600,
}
