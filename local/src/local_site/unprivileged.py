"""Programs that refuse root, started by root."""

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

# No account is made and no file changes hands: what root owns belongs to user 1000 in there.
USER_NAMESPACE = ("unshare", "--user", "--map-user=1000", "--map-group=1000", "--")
NOBODY = ("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "--")


@cache
def prefix() -> tuple[str, ...]:
    """What to put before a command so that it does not run as root; nothing for others."""
    if os.geteuid() != 0:
        return ()
    allowed = subprocess.run([*USER_NAMESPACE, "true"], capture_output=True, check=False)
    return USER_NAMESPACE if allowed.returncode == 0 else NOBODY


def hand_over(folder: Path) -> None:
    """Make `folder` the property of whoever `prefix()` runs as, where that is another user."""
    if prefix() == NOBODY:
        shutil.chown(folder, "nobody", "nogroup")
