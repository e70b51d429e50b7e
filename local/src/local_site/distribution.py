"""Packages of the distribution (Debian, Ubuntu), installed when missing and allowed."""

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from local_site.saying import say

FREERADIUS = ("freeradius", "freeradius-postgresql", "freeradius-utils")
# Playwright brings a driver whose library a bare Debian lacks.
CHROMIUM = ("chromium", "libatomic1")

# Another program's opinion of our packets.
TSHARK = ("tshark",)

# What an installed package starts is decided by this program; 101 means "nothing".
_POLICY = Path("/usr/sbin/policy-rc.d")


def can_install() -> bool:
    """Whether this user may install packages here."""
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def install(packages: Sequence[str]) -> bool:
    """Install them, asking nothing and starting nothing; False when that did not work."""
    say(f"installing {', '.join(packages)} from the distribution")
    quiet = ("apt-get", "-qq", "-o", "DPkg::Lock::Timeout=300")
    with _nothing_starts():
        _run(*quiet, "update")  # a mirror that is down must not stop what is cached
        return _run(*quiet, "install", "-y", "--no-install-recommends", *packages)


def program_or_install(name: str, packages: Sequence[str]) -> bool:
    """Whether the program is there now, from the distribution if it has to be."""
    if shutil.which(name):
        return True
    return can_install() and install(packages) and shutil.which(name) is not None


def keep_from_starting(service: str) -> None:
    """A service that came with a package must not take our ports after the next boot either."""
    if shutil.which("systemctl"):
        _run("systemctl", "--quiet", "disable", service)


def how_to_add(packages: Sequence[str]) -> str:
    """What a person types to install them."""
    return f"sudo apt-get install {' '.join(packages)}"


@contextmanager
def _nothing_starts() -> Iterator[None]:
    """A package's own service would take the standard ports; ours run from their own folders."""
    if _POLICY.exists():
        yield
        return
    _POLICY.write_text("#!/bin/sh\nexit 101\n")
    _POLICY.chmod(0o755)
    try:
        yield
    finally:
        _POLICY.unlink(missing_ok=True)


def _run(*command: str) -> bool:
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        say(done.stderr.strip())
    return done.returncode == 0
