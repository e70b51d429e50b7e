"""Chromium of the distribution, for the browser tests."""

import shutil

from local_site.distribution import CHROMIUM, can_install, install


def install_if_allowed() -> bool:
    """Whether Chromium is there now, from the distribution if it has to be."""
    return is_installed() or (can_install() and install(CHROMIUM) and is_installed())


def is_installed() -> bool:
    return any(shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome"))
