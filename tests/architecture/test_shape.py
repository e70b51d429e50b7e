"""The shape of the code, checked: arrows, file lengths, dependencies (CONTRIBUTING, architecture)."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit
ROOT = Path(__file__).parents[2]
PACKAGES = {
    "shared": ROOT / "shared",
    "customers": ROOT / "services/customers",
    "payments": ROOT / "services/payments",
    "radius_sync": ROOT / "services/radius-sync",
    "console": ROOT / "services/console",
    "local_site": ROOT / "local",
}
OURS = set(PACKAGES)
SERVICES = ["customers", "payments", "radius_sync"]
LONGEST = 300


def source(package: str) -> Path:
    return PACKAGES[package] / "src" / package


def files(package: str) -> list[Path]:
    return [p for p in sorted(source(package).rglob("*.py")) if "migrations" not in p.parts]


def imported(file: Path, *, lazily: bool = True) -> Iterator[str]:
    """Full names of the modules a file imports; without `lazily` only those at its top level."""
    tree = ast.parse(file.read_text())
    for node in ast.walk(tree) if lazily else tree.body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_the_contracts_of_import_linter_are_kept() -> None:
    done = subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("package", sorted(OURS))
def test_no_service_imports_another_and_shared_imports_none(package: str) -> None:
    allowed = {package, "shared"}
    wrong = [
        f"{file.relative_to(ROOT)}: {name}"
        for file in files(package)
        for name in imported(file)
        if (top := name.split(".")[0]) in OURS and top not in allowed
    ]
    assert wrong == []


def test_only_radius_sync_radius_imports_pyrad() -> None:
    importing = {
        file.relative_to(ROOT)
        for package in OURS
        for file in files(package)
        if any(name.split(".")[0] == "pyrad" for name in imported(file))
    }
    assert importing == {Path("services/radius-sync/src/radius_sync/radius.py")}


@pytest.mark.parametrize("package", SERVICES)
def test_the_rules_know_no_library_but_the_standard_one(package: str) -> None:
    place = source(package) / "domain"
    modules = sorted(place.rglob("*.py")) if place.is_dir() else [place.with_suffix(".py")]
    allowed = {*sys.stdlib_module_names, package}
    wrong = [
        f"{file.name}: {name}"
        for file in modules
        for name in imported(file)
        if name.split(".")[0] not in allowed
        and not name.startswith("shared.events")
        and name != "shared"
        if not name.startswith("shared.operators")
    ]
    assert wrong == []


@pytest.mark.parametrize("package", sorted(OURS))
def test_each_package_declares_what_it_imports(package: str) -> None:
    """With `uv sync --package` nothing else is there."""
    declared = _declared(package)
    known = packages_distributions()
    missing = {
        f"{file.relative_to(ROOT)}: {top}"
        for file in files(package)
        for name in imported(file)
        if (top := name.split(".")[0]) not in {*sys.stdlib_module_names, *OURS}
        if not {_normal(d) for d in known.get(top, [top])} & declared
    }
    assert missing == set()


def _declared(package: str) -> set[str]:
    """Its own dependencies, and those of shared when it depends on shared."""
    project = tomllib.loads((PACKAGES[package] / "pyproject.toml").read_text())["project"]
    names = {_normal(re.split(r"[\[<>=~! ;]", text)[0]) for text in project["dependencies"]}
    return names | _declared("shared") if "tenure-shared" in names else names


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_workspace_folders_are_no_packages() -> None:
    for folder in ("shared", "services", "local", "services/customers", "services/radius-sync"):
        assert not (ROOT / folder / "__init__.py").exists(), folder


def test_no_file_is_too_long_to_read_in_one_go() -> None:
    lengths = {
        str(file.relative_to(ROOT)): len(file.read_text().splitlines())
        for package in OURS
        for file in files(package)
    }
    for name, length in sorted(lengths.items(), key=lambda pair: -pair[1])[:10]:
        print(f"{length:5} {name}")
    assert {name: length for name, length in lengths.items() if length > LONGEST} == {}


def test_no_module_has_a_name_that_says_nothing() -> None:
    empty = {"utils", "helpers", "common", "manager", "managers", "service", "models", "misc"}
    assert [f for package in OURS for f in files(package) if f.stem in empty] == []
