"""A customer's life: every method that changes it returns the event that tells of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Literal, TypeVar
from uuid import UUID

from customers.domain.errors import Refusal
from customers.domain.operators import CustomerClass, Operator, Package, now
from customers.domain.status import ENDED_BY_ACTIVATION, FINAL, StatusFacts, status
from shared import events
from shared.events import CustomerEvent, CustomerFacts, Standing

Told = TypeVar("Told", bound=CustomerEvent)
ZERO = Decimal(0)
EXPORT_WAITS = timedelta(days=1)
# C36: contact data, credit limit, payment method.
EDITABLE_IN_EXPORT = frozenset(
    {"name", "email", "phone", "address", "credit_limit", "auto_payment", "custom_fields"}
)


@dataclass(eq=False, kw_only=True)
class Customer:
    id: UUID
    customer_number: str
    name: str
    username: str
    operator: Operator
    operator_path: str
    customer_class: CustomerClass
    package: Package | None = None
    password_sealed: str | None = None
    email: str | None = None
    phone: str | None = None
    address: str | None = None
    kind: Literal["customer", "lead"] = "customer"
    service_type: Literal["pppoe", "hotspot", "static", "other"] = "pppoe"
    static_address: str | None = None
    balance_control: Literal["prepaid", "postpaid"] = "prepaid"
    currency: str = "BDT"
    credit_limit: Decimal | None = None
    spending_limit: Decimal | None = None
    auto_payment: bool = False
    custom_fields: dict[str, Any] = field(default_factory=dict)
    state: Literal["alive", "deleted", "erasing"] = "alive"
    closed_at: datetime | None = None
    exported_at: datetime | None = None
    activated_at: datetime | None = None
    expires_at: datetime | None = None
    # The period's own end, while an export makes it last on.
    waits_from: datetime | None = None
    lift_suspension_until: datetime | None = None
    legal_hold: dict[str, Any] | None = None
    holds: list[str] = field(default_factory=list)
    account_version: int = 0
    balance: Decimal = ZERO
    available_funds: Decimal = ZERO
    overdue: bool = False
    # Of the ISP's day that ends then (C30).
    expenses: Decimal = ZERO
    expenses_until: datetime | None = None
    paid_periods: list[datetime] = field(default_factory=list)
    status: str = "inactive"
    status_reason: str | None = None
    status_since: datetime = field(default_factory=now)
    deleted_at: datetime | None = None
    deleted_by: str | None = None
    deleted_by_id: UUID | None = None
    deleted_package_name: str | None = None
    deleted_operator_name: str | None = None
    deletion_reason: str | None = None
    deletion_note: str | None = None
    deletion_snapshot: dict[str, Any] | None = None
    erase_after: datetime | None = None
    # Up to when what the network kept of the sessions was given up, by the last claim.
    sessions_erase_after: datetime | None = None
    sessions_erased_before: datetime | None = None
    restored_at: datetime | None = None
    restore_report: dict[str, Any] | None = None
    version: int = 1
    created_at: datetime = field(default_factory=now)
    updated_at: datetime = field(default_factory=now)
    # Only SQLAlchemy sets these, from `operator`, `package` and `customer_class`.
    operator_id: UUID = field(init=False, repr=False)
    package_id: UUID | None = field(init=False, repr=False)
    class_id: UUID = field(init=False, repr=False)

    # ---------------------------------------------------------------- what it is
    @property
    def standing(self) -> Standing:
        if self.state != "alive":
            return self.state
        if self.closed_at is not None:
            return "closed"
        return "exported" if self.exported_at is not None else self.kind

    def activated(self, moment: datetime) -> bool:
        return (
            self.activated_at is not None
            and self.expires_at is not None
            and self.expires_at > moment
        )

    def status_facts(self, moment: datetime, inherited: frozenset[str]) -> StatusFacts:
        lift = self.lift_suspension_until
        return StatusFacts(
            closed=self.closed_at is not None,
            exported=self.exported_at is not None,
            holds=frozenset(self.holds),
            inherited=inherited,
            activated=self.activated(moment),
            lifted=lift is not None and lift > moment,
            lead=self.kind == "lead",
            overdue_effect=self.customer_class.overdue_effect,
            funds_suspend=self.customer_class.funds_suspend,
        )

    def facts(self, moment: datetime) -> CustomerFacts:
        package, rules = self.package, self.customer_class
        return CustomerFacts(
            customer_number=self.customer_number,
            name=self.name,
            username=self.username,
            password=self.password_sealed,
            email=self.email,
            phone=self.phone,
            standing=self.standing,
            service_type=self.service_type,
            operator_id=self.operator.id,
            operator_name=self.operator.name,
            operator_path=self.operator_path,
            package_id=package.id if package else None,
            package_name=package.name if package else None,
            activated=self.activated(moment),
            expires_at=self.expires_at,
            holds=tuple(sorted(self.holds)),
            overdue_effect=rules.overdue_effect,
            suspended_access=rules.suspended_access,
            limited_kbps=rules.limited_kbps,
            lift_suspension_until=self.lift_suspension_until,
            balance_control=self.balance_control,
            currency=self.currency,
            credit_limit=self.credit_limit,
            static_address=self.static_address,
            class_id=rules.id,
            auto_payment=self.auto_payment,
            retry_limit=rules.retry_limit,
        )

    def told(self, kind: type[Told], moment: datetime) -> Told:
        return kind(
            subject=self.id,
            sequence=self.version,
            operator_path=self.operator_path,
            customer=self.facts(moment),
        )

    # ---------------------------------------------------------------- what happens to it
    def settle(self, moment: datetime) -> None:
        """The status that follows from the own facts; those of the operators above come at reading."""
        name, reason = status(self.status_facts(moment, frozenset()))
        if name != self.status:
            self.status, self.status_since = name, moment
        self.status_reason = reason

    def _changed(self, kind: type[Told], moment: datetime) -> Told:
        self.version, self.updated_at = self.version + 1, moment
        self.settle(moment)
        return self.told(kind, moment)

    def refuse_if_final(self) -> None:
        """C4, C32: no further operation is possible with a closed or exported customer."""
        if self.standing in FINAL:
            raise Refusal(self.standing, f"The customer is {self.standing}: it can be read, deleted"
                                         " or erased, nothing else.")  # fmt: skip

    def refuse_if_exporting(self, wish: str) -> None:
        """C33-C36: while an export runs, the other system takes this customer over as it stands."""
        if "export" in self.holds:
            raise Refusal("export_in_progress", f"While the export runs, {wish} (C33-C36): end it with"
                                                " finish-export, or lift its hold.")  # fmt: skip

    def refuse_edit(self, names: set[str]) -> None:
        """C4, C32; and while an export runs only what the other system does not hold (C36)."""
        self.refuse_if_final()
        others = names - EDITABLE_IN_EXPORT
        if "export" in self.holds and others:
            raise Refusal("export_in_progress", f"While the export runs, {', '.join(sorted(others))}"
                                                " cannot be changed here (C36).")  # fmt: skip

    def change(self, changes: dict[str, Any], moment: datetime) -> events.CustomerUpdated:
        for name, value in changes.items():
            setattr(self, name, value)
        return self._changed(events.CustomerUpdated, moment)

    def hold(self, kinds: set[str], moment: datetime) -> events.CustomerStatusChanged:
        self.holds = sorted({*self.holds, *kinds})
        return self._changed(events.CustomerStatusChanged, moment)

    def lift(self, kinds: set[str], moment: datetime) -> events.CustomerStatusChanged:
        self.holds = sorted(set(self.holds) - kinds)
        return self._changed(events.CustomerStatusChanged, moment)

    def activate(
        self, package: Package, renew: bool, moment: datetime
    ) -> events.CustomerActivated | events.CustomerUpdated:
        """Assign the package; `renew` adds its days to what is left, or to now (A29)."""
        self.package = package
        if not renew:
            return self._changed(events.CustomerUpdated, moment)
        running = self.paid_from or self.expires_at if self.activated(moment) else None
        self.expires_at = (running or moment) + timedelta(days=package.validity_days)
        self.waits_from = None
        self.activated_at = self.activated_at or moment
        # C21; what throttles a period that still runs ends with that, by its own date.
        ended = ENDED_BY_ACTIVATION - ({"fair_use"} if running else set())
        self.holds = [kind for kind in self.holds if kind not in ended]
        return self._changed(events.CustomerActivated, moment)

    @property
    def paid_from(self) -> datetime | None:
        """The start of the next period, when its bill is paid already (E25)."""
        end = self.waits_from or self.expires_at
        return end if end in self.paid_periods else None

    def wait(self, moment: datetime) -> events.CustomerStatusChanged:
        """While an export runs no period ends and none is charged (C33, C34, C37): this one lasts on."""
        self.waits_from = self.waits_from or self.expires_at
        self.expires_at = max(self.expires_at or moment, moment) + EXPORT_WAITS
        return self._changed(events.CustomerStatusChanged, moment)

    def lapse(self, moment: datetime) -> events.CustomerStatusChanged:
        """What time alone ends: an expired package, a postponement whose date is reached (C15)."""
        if not self.activated(moment):
            self.activated_at = None
        if self.lift_suspension_until is not None and self.lift_suspension_until <= moment:
            self.lift_suspension_until = None
        return self._changed(events.CustomerStatusChanged, moment)

    def postpone(self, until: datetime | None, moment: datetime) -> events.CustomerStatusChanged:
        """C14: lift the suspension until that moment; None ends the postponement."""
        self.lift_suspension_until = until
        return self._changed(events.CustomerStatusChanged, moment)

    def close(self, moment: datetime) -> events.CustomerStatusChanged:
        self.closed_at = moment
        self.holds = [kind for kind in self.holds if kind != "terminated"]
        return self._changed(events.CustomerStatusChanged, moment)

    def finish_export(self, moment: datetime) -> events.CustomerStatusChanged:
        """C32: the customer lives on the other system now; the data stay here for audit."""
        self.exported_at = moment
        self.holds = [kind for kind in self.holds if kind != "export"]
        return self._changed(events.CustomerStatusChanged, moment)

    def delete(self, moment: datetime, **why: Any) -> events.CustomerDeleted:
        """A2, A3: marked, hidden, and kept whole. `why` are the columns that tell of the deletion."""
        self.state, self.deleted_at = "deleted", moment
        self.restored_at = self.restore_report = None
        for name, value in why.items():
            setattr(self, name, value)
        self.deleted_package_name = self.package.name if self.package else None
        self.deleted_operator_name = self.operator.name
        return self._changed(events.CustomerDeleted, moment)

    def restore(self, moment: datetime) -> events.CustomerRestored:
        """B12, A29: back as it was, and not live until a package is assigned and renewed."""
        self.state, self.deleted_at = "alive", None
        self.activated_at = self.erase_after = self.sessions_erase_after = None
        self.restored_at = moment
        return self._changed(events.CustomerRestored, moment)
