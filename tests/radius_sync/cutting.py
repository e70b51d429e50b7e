"""Sessions at a simulated NAS and in accounting, and what became of the orders to end them."""

from uuid import UUID

from sqlalchemy import text

from radius_sync import registry
from radius_sync.nas_simulator import NasSimulator
from radius_sync.settings import Settings
from shared.database import Database
from shared.operations import SYSTEM
from tests.radius_sync.accounting import start
from tests.radius_sync.exchanging import UNANSWERED, policy

SECRET = "sixteen-octets-at-least"
# Of a NAS that answers, and of one that does not.
ANSWERING, SILENT = policy(), policy(retransmission=UNANSWERED)


def register(database: Database, settings: Settings, nas: NasSimulator, **more: object) -> UUID:
    values = {"name": f"nas-{nas.coa_port}", "address": "127.0.0.1", "secret": SECRET,
              "vendor": "mikrotik", "coa_port": nas.coa_port, **more}  # fmt: skip
    with database.transaction() as session:
        return registry.register(session, values, settings.secret_key, SYSTEM)


def online(database: Database, nas: NasSimulator, username: str) -> str:
    """A session at the NAS and in accounting; its Acct-Session-Id."""
    session = nas.add_session(username)
    start(database, username, session.session_id, framed=session.framed_ip)
    return session.session_id


def orders(database: Database) -> list[tuple[str, str, str | None]]:
    with database.transaction() as session:
        found = session.execute(
            text("SELECT kind, state, outcome FROM disconnect_order ORDER BY created_at, kind")
        )
        return [tuple(row) for row in found]


def cut(nas: NasSimulator) -> list[str]:
    return [session for (kind, session), _ in nas.effects.items() if kind == "disconnect"]


def due_now(database: Database) -> None:
    """Let the time pass that orders and breakers wait."""
    with database.transaction() as session:
        session.execute(text("UPDATE disconnect_order SET not_before = now(), confirm_by = now()"))
        session.execute(
            text("UPDATE nas_device SET breaker_until = NULL, sending_until = to_timestamp(0)")
        )
