"""`python -m tests.radius_sync.reconcile_once`: one reconciliation, in a process that can be killed."""

from radius_sync import reconciling
from radius_sync.settings import read
from shared.database import Database
from shared.operations import SYSTEM

if __name__ == "__main__":
    settings = read()
    reconciling.run(Database(settings), settings.secret_key, heal=True, actor=SYSTEM, loopback=True)
