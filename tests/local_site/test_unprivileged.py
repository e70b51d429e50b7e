"""The servers as an ordinary user starts them."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from local_site import unprivileged

PROGRAM = """
import os, sys
from pathlib import Path
from local_site.ports import free_ports
from local_site.postgresql import PostgreSQL
from local_site.redis_server import Redis
assert os.geteuid() != 0
folder, (first, second) = Path(sys.argv[1]), free_ports(2)
for server in (PostgreSQL(folder / "postgresql", first), Redis(folder / "redis", second)):
    server.start()
    server.stop()
print("done")
"""


def works(way: tuple[str, ...]) -> bool:
    return subprocess.run([*way, "true"], capture_output=True, check=False).returncode == 0


def test_postgresql_and_redis_run_for_an_ordinary_user(tmp_path: Path) -> None:
    become: tuple[str, ...] = ()
    if os.geteuid() == 0:
        # The right to read lets it use this Python and this checkout, wherever they are.
        become = next(way for way in unprivileged.NOBODY_WHO if works(way))
        shutil.chown(tmp_path, "nobody", "nogroup")
    done = subprocess.run(
        [*become, sys.executable, "-c", PROGRAM, str(tmp_path)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    assert done.stdout == "done\n", done.stderr


def test_nobody_may_run_what_lies_in_a_folder_that_only_root_may_enter(tmp_path: Path) -> None:
    """access(2) goes by the real user, and initdb asks it before it runs itself."""
    ways = unprivileged.NOBODY_WHO if os.geteuid() == 0 else ((),)
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    tmp_path.chmod(0o700)
    ask = f"import os; print(os.access({str(program)!r}, os.R_OK | os.X_OK))"
    command = [sys.executable, "-I", "-S", "-c", ask]
    done = [
        subprocess.run([*way, *command], capture_output=True, text=True, check=False)
        for way in ways
    ]
    # Not every machine grants every right: one way has to do.
    assert "True\n" in [one.stdout for one in done], [one.stderr for one in done]
    assert "False\n" not in [one.stdout for one in done]


def test_every_way_to_leave_root_that_this_machine_allows_runs_as_another(tmp_path: Path) -> None:
    way = unprivileged.prefix()
    done = subprocess.run([*way, "id", "-u"], capture_output=True, text=True, check=True)
    assert int(done.stdout) != 0
