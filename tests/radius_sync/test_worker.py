"""The composition of the worker role."""

from radius_sync.schedule import SCHEDULE
from radius_sync.settings import Settings
from radius_sync.worker import build


def test_what_beat_rings_for_is_a_task_of_the_worker(settings: Settings) -> None:
    worker = build(settings)
    assert set(SCHEDULE) | {"radius-sync.disconnect"} <= set(worker.app.tasks)
    worker.app.tasks["radius-sync.clean"]()
    worker.database.close()
