"""Chromium of the distribution, for the browser tests."""

import ctypes
import shutil

from local_site.distribution import CHROMIUM, can_install, install


def install_if_allowed() -> bool:
    """Whether Chromium is there now, from the distribution if it has to be."""
    return is_installed() or (can_install() and install(CHROMIUM) and is_installed())


def is_installed() -> bool:
    """Whether the browser is here, and the library that Playwright's driver is linked to."""
    browser = any(shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome"))
    return browser and _can_load("libatomic.so.1")


def _can_load(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True
