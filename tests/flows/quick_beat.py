"""`python -m tests.flows.quick_beat`: the clock of payments, quick where flows wait for its minute."""

from payments.schedule import SCHEDULE
from payments.settings import read
from shared import logs, roles

QUICK = {"payments.mark_overdue": 2.0}


def main() -> None:
    logs.configure("payments", "beat")
    roles.beat(read(), {**SCHEDULE, **QUICK})


if __name__ == "__main__":
    main()
