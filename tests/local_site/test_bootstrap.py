"""`scripts/bootstrap.py` on a machine that has nothing but Python."""

import http.server
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit

SCRIPT = Path(__file__).parents[2] / "scripts" / "bootstrap.py"


class Index(http.server.BaseHTTPRequestHandler):
    """A package index that offers a forged `uv` under every pinned name."""

    def do_GET(self) -> None:
        names = [f"{start}_{end}.whl" for start, end in self.WHEELS]
        links = "".join(f'<a href="../../files/{name}#sha256=00">{name}</a>' for name in names)
        body = b"forged" if self.path.startswith("/files/") else links.encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    WHEELS = (
        ("uv-0.13.9-py3-none-manylinux_2_17", "x86_64.manylinux2014_x86_64"),
        (
            "uv-0.13.9-py3-none-manylinux_2_17",
            "aarch64.manylinux2014_aarch64.musllinux_1_1_aarch64",
        ),
    )


@pytest.fixture
def index() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Index) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/simple"
        server.shutdown()
        thread.join()


def bootstrap(folder: Path, **env: str) -> subprocess.CompletedProcess[str]:
    """Run a copy of the script in a folder without `uv` on the PATH."""
    copy = folder / "scripts" / "bootstrap.py"
    copy.parent.mkdir()
    copy.write_bytes(SCRIPT.read_bytes())
    return subprocess.run(
        [sys.executable, str(copy)],
        env={"PATH": str(folder), "HOME": str(folder), **env},
        capture_output=True,
        text=True,
        check=False,
    )


def link_python(folder: Path) -> None:
    """Where `uv sync` would have put it."""
    (folder / ".venv" / "bin").mkdir(parents=True)
    (folder / ".venv" / "bin" / "python").symlink_to(sys.executable)


@pytest.mark.parametrize("variable", ["UV_DEFAULT_INDEX", "PIP_INDEX_URL"])
def test_a_uv_that_is_not_the_pinned_one_is_refused(
    tmp_path: Path, index: str, variable: str
) -> None:
    done = bootstrap(tmp_path, **{variable: index})
    assert done.returncode == 1
    assert "sha256 differs" in done.stderr
    assert f"{index}/uv/" in done.stderr
    assert not (tmp_path / "var").exists()


def test_an_index_that_cannot_be_reached_is_named(tmp_path: Path) -> None:
    done = bootstrap(tmp_path, UV_DEFAULT_INDEX="http://127.0.0.1:9/simple")
    assert done.returncode == 1
    assert "cannot download http://127.0.0.1:9/simple/uv/" in done.stderr


def test_an_earlier_uv_is_used_with_the_machines_own_python(tmp_path: Path) -> None:
    uv = tmp_path / "var" / "tools" / "uv"
    uv.parent.mkdir(parents=True)
    uv.write_text('#!/bin/sh\necho "$@" "downloads: $UV_PYTHON_DOWNLOADS"\n')
    uv.chmod(0o755)
    link_python(tmp_path)
    done = bootstrap(tmp_path)
    assert done.returncode == 0, done.stderr
    assert "sync --quiet --frozen --inexact --python 3.11" in done.stdout
    assert "downloads: never" in done.stdout


def test_modules_are_compiled_once_whatever_the_environment_says(tmp_path: Path) -> None:
    """Every role of a site imports a thousand of them."""
    uv = tmp_path / "var" / "tools" / "uv"
    uv.parent.mkdir(parents=True)
    uv.write_text('#!/bin/sh\necho "$@"\n')
    uv.chmod(0o755)
    link_python(tmp_path)
    for folder in ("shared", "services", "local"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "module.py").touch()
    done = bootstrap(tmp_path, PYTHONDONTWRITEBYTECODE="1")
    assert "--compile-bytecode" in done.stdout
    assert len(list(tmp_path.glob("*/__pycache__/module.*.pyc"))) == 3, done.stderr


def test_make_help_lists_every_command() -> None:
    env = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    done = subprocess.run(
        ["make"], cwd=SCRIPT.parents[1], env=env, capture_output=True, text=True, check=True
    )
    for target in ("help", "run", "test", "check", "bench", "fmt", "clean"):
        assert f"make {target} " in done.stdout
