"""The demo data: loaded into a new cluster, and not asked for again at the next start."""

from dataclasses import dataclass
from pathlib import Path

SUBSCRIBERS = 60


@dataclass(frozen=True)
class Demo:
    """`cluster` is None where the database is somebody else's: what it holds we cannot know.

    `nas` is where the demo's NAS listens, which the demo data tell; a changed one is loaded anew.
    """

    home: Path
    cluster: int | None
    nas: str

    @property
    def is_loaded(self) -> bool:
        """Whether an earlier run loaded all of it into this very cluster."""
        kept = self._marker.read_text() if self._marker.exists() else ""
        return self.cluster is not None and kept == self._mark

    def remember(self) -> None:
        """All is loaded. Its commands would change nothing, but cost seconds of a start."""
        self._marker.write_text(self._mark)

    def list_subscribers(self) -> Path:
        """A file with whom the NAS simulator dials in: the first customers of customers' demo."""
        users = self.home / "demo-subscribers.txt"
        logins = (f"demo{number:04d} demo\n" for number in range(1, SUBSCRIBERS + 1))
        users.write_text("".join(logins), "utf-8")
        return users

    @property
    def _marker(self) -> Path:
        return self.home / "demo-loaded.txt"

    @property
    def _mark(self) -> str:
        return f"cluster {self.cluster}, NAS at {self.nas}\n"
