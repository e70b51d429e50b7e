"""Programs that refuse root, started by root."""

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

# No account is made and no file changes hands: what root owns belongs to user 1000 in there.
USER_NAMESPACE = ("unshare", "--user", "--map-user=1000", "--map-group=1000", "--")
# Containers and chroots often refuse namespaces. The capability lets nobody pass through folders
# of root's, such as /root or a 0700 one, and read; Docker drops the first of the two. The secure
# bit lets access(2) see it too, by which initdb looks whether it can run itself.
NOBODY = ("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups")
NOBODY_WHO = tuple(
    (
        *NOBODY,
        "--securebits=+no_setuid_fixup",
        f"--inh-caps=+{right}",
        f"--ambient-caps=+{right}",
        "--",
    )
    for right in ("dac_read_search", "dac_override")
)


@cache
def prefix() -> tuple[str, ...]:
    """What to put before a command so that it does not run as root; nothing for others."""
    if os.geteuid() != 0:
        return ()
    for way in (USER_NAMESPACE, *NOBODY_WHO):
        if subprocess.run([*way, "true"], capture_output=True, check=False).returncode == 0:
            return way
    return (*NOBODY, "--")


def hand_over(folder: Path) -> None:
    """Give `folder` and all in it to whoever `prefix()` runs as, where that is another user."""
    if prefix()[:1] == NOBODY[:1]:
        for path in (folder, *folder.rglob("*")):
            shutil.chown(path, "nobody", "nogroup")
