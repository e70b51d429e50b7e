"""Prepare this checkout: `python3 scripts/bootstrap.py [--group GROUP]`, GROUP `site` or `dev`.

Needs Python and nothing else: no pip, no venv module, no compiler, no certificates. Gets the
pinned `uv` if there is none, and lets it install the locked packages into `.venv` with the
machine's own Python 3.11. Where all is there already it takes a tenth of a second.
"""

import argparse
import hashlib
import html
import io
import os
import platform
import re
import shutil
import ssl
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TOOLS = ROOT / "var" / "tools"
PYTHON = "3.11"

UV_VERSION = "0.13.9"
UV_WHEELS = {
    "x86_64": (
        f"uv-{UV_VERSION}-py3-none-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
        "d7f459fe4fd247d830351c75686d3996ace3c6f3f728eb0e85a30b7ada0cef19",
    ),
    "aarch64": (
        f"uv-{UV_VERSION}-py3-none-manylinux_2_17_aarch64.manylinux2014_aarch64.musllinux_1_1_aarch64.whl",
        "5435c5ce14a56431208ca0996416d310f1598e8c2c8ba707688985a16bb82dbe",
    ),
}
TIMEOUT_SECONDS = 120
OUR_OWN = ("shared", "services", "local")
# Where Debian and its kin, and Red Hat and its kin, keep the authorities they trust.
BUNDLES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt")


def main() -> int:
    """Exit code: 0 when `.venv` is as locked, else not; the reason is on standard error."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--group", choices=("site", "dev"), default="site")
    group = parser.parse_args().group
    if not (ROOT / ".venv").exists():
        print("Installing what uv.lock names into .venv", flush=True)  # noqa: T201
    uv = find_uv() or download_uv()
    # --inexact: `make run` must not take away what `make check` installed.
    command = [uv, "sync", "--quiet", "--frozen", "--inexact", "--python", PYTHON]
    command += ["--no-default-groups", "--group", group, "--compile-bytecode"]
    done = subprocess.run(command, cwd=ROOT, env=uv_environment(), check=False)
    if done.returncode == 0:
        compile_our_own()
    return done.returncode


def compile_our_own() -> None:
    """Compile the workspace's modules, which `uv` leaves as they are.

    A site starts two dozen processes at once, and with PYTHONDONTWRITEBYTECODE in the environment
    each of them would compile a thousand modules anew. What does not compile fails where imported.
    """
    command = [str(ROOT / ".venv" / "bin" / "python"), "-m", "compileall", "-qq", *OUR_OWN]
    subprocess.run(command, cwd=ROOT, check=False)


def find_uv() -> str | None:
    """A `uv` on the PATH, or the one an earlier run fetched."""
    own = TOOLS / "uv"
    return shutil.which("uv") or (str(own) if own.exists() else None)


def download_uv() -> str:
    """Fetch the pinned wheel from the package index, check it, and keep its one program."""
    try:
        name, sha256 = UV_WHEELS[platform.machine()]
    except KeyError:
        sys.exit(f"uv is not on the PATH and not pinned for {platform.machine()}: install it")
    index = os.environ.get("UV_DEFAULT_INDEX") or os.environ.get("PIP_INDEX_URL")
    page = f"{(index or 'https://pypi.org/simple').rstrip('/')}/uv/"
    wheel = fetch(link_on(page, name))
    if hashlib.sha256(wheel).hexdigest() != sha256:
        sys.exit(f"{name} from {page} is not the file we know (sha256 differs): not used")
    TOOLS.mkdir(parents=True, exist_ok=True)
    fresh = TOOLS / f"uv.{os.getpid()}"  # put in place whole: another run may be starting
    with zipfile.ZipFile(io.BytesIO(wheel)) as files:
        fresh.write_bytes(files.read(f"uv-{UV_VERSION}.data/scripts/uv"))
    fresh.chmod(0o755)
    fresh.replace(TOOLS / "uv")
    return str(TOOLS / "uv")


def link_on(page: str, name: str) -> str:
    """Address of the file `name` on a page of the simple index (PEP 503)."""
    for href in re.findall(r'href="([^"]+)"', fetch(page).decode()):
        address = urllib.parse.urljoin(page, html.unescape(href)).partition("#")[0]
        if urllib.parse.unquote(address).endswith(f"/{name}"):
            return address
    sys.exit(f"{page} does not offer {name}")


def fetch(address: str) -> bytes:
    """The bytes at an address; ends the program with the reason when there are none."""
    try:
        try:
            return download(address, ssl.create_default_context())
        except urllib.error.URLError as error:
            if not isinstance(error.reason, ssl.SSLCertVerificationError):
                raise
            # A fresh Debian has no certificates to check with. What comes is an archive that is
            # used only if its SHA-256 is the one above, so who sent it does not matter.
            return download(address, ssl._create_unverified_context())  # noqa: S323
    except (OSError, ValueError) as error:
        sys.exit(f"cannot download {address}: {error}")


def download(address: str, tls: ssl.SSLContext) -> bytes:
    with urllib.request.urlopen(address, timeout=TIMEOUT_SECONDS, context=tls) as answer:  # noqa: S310
        content: bytes = answer.read()
        return content


def uv_environment() -> dict[str, str]:
    """What `uv` needs to know about this machine."""
    env = {**os.environ, "UV_PYTHON_DOWNLOADS": "never"}
    if any(
        Path(bundle).exists() for bundle in BUNDLES
    ):  # a company's own authority is there, and not among uv's
        env.setdefault("UV_SYSTEM_CERTS", "true")
    if not os.access(Path.home(), os.W_OK):
        env.setdefault("UV_CACHE_DIR", str(TOOLS / "cache"))
    return env


if __name__ == "__main__":
    sys.exit(main())
