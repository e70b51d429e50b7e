"""What several customers changed is written together: columns in one statement, all else beside it."""

from sqlalchemy import event, select

from customers.domain import Customer, Package, now
from customers.persistence import customers
from customers.persistence.announcing import Change, announce
from shared.database import EVERYTHING
from shared.operations import SYSTEM
from tests.customers.conftest import Site


def test_columns_and_another_package_are_both_written_and_written_once(site: Site) -> None:
    """One changes in columns alone, one takes a package too; then both change again."""
    package = site.package()
    plain, moved = (site.customer(name)["id"] for name in ("plain", "moved"))
    written: list[str] = []

    def hear(_c: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith("UPDATE customer"):
            written.append(statement)

    with site.database.transaction() as session:
        chosen = {str(one): found for one, found in customers.lock(
            session, EVERYTHING, [plain, moved]).items()}  # fmt: skip
        event.listen(site.database.engine, "before_cursor_execute", hear)
        found = session.scalars(select(Package)).one()
        changes = [
            Change(one, one.change({"address": "House 7"}, now())) for one in chosen.values()
        ]
        chosen[moved].package = found
        announce(session, SYSTEM, "customer.edited", changes)
        # The columns of both, and the package of the one.
        assert len(written) == 2, written
        assert not session.dirty
        again = [
            Change(one, one.change({"phone": "+8801711123456"}, now())) for one in chosen.values()
        ]
        announce(session, SYSTEM, "customer.edited", again)
        assert len(written) == 3, written
    event.remove(site.database.engine, "before_cursor_execute", hear)
    with site.database.transaction() as session:
        kept = session.scalars(select(Customer)).all()
        assert {(one.address, one.phone, one.version) for one in kept} == {
            ("House 7", "+8801711123456", 3)
        }
        assert {one.username: one.package_id and str(one.package_id) for one in kept} == {
            "plain": None, "moved": package
        }  # fmt: skip
