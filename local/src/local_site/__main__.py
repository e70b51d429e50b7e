"""`python -m local_site run` starts a site; `packages` installs what the tests need."""

import sys

from local_site import freeradius, site
from local_site.chromium import install_if_allowed as install_chromium
from local_site.distribution import CHROMIUM, FREERADIUS, TSHARK, how_to_add, program_or_install
from local_site.errors import SiteError

USAGE = "usage: python -m local_site run | packages"


def main(arguments: list[str]) -> int:
    """Exit code: 0 done or stopped as asked, 1 could not start, 2 asked for something else."""
    commands = {"run": site.run, "packages": install_packages}
    if len(arguments) != 1 or arguments[0] not in commands:
        print(USAGE, file=sys.stderr)
        return 2
    try:
        commands[arguments[0]]()
    except SiteError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def install_packages() -> None:
    """FreeRADIUS, Chromium and tshark from the distribution; SiteError says how where we may not."""
    installed = {
        FREERADIUS: freeradius.install_if_allowed(),
        CHROMIUM: install_chromium(),
        TSHARK: program_or_install("tshark", TSHARK),
    }
    if missing := [name for names, done in installed.items() if not done for name in names]:
        raise SiteError(f"the tests need packages of the distribution: {how_to_add(missing)}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
