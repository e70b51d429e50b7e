"""docker-compose.yml is the whole site: every role, each watched, and no secret but the site's own."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from local_site.roles import MIGRATE, NAS_SIMULATOR, ROLES

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docker-compose.yml").read_text()
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(TEXT)["services"]
ONE_SHOTS = {name for name, service in SERVICES.items() if service.get("restart") == "no"}
REQUIRED = set(re.findall(r"\$\{(\w+):\?", TEXT))
SERVERS = {"postgres", "redis", "freeradius"}


def command(name: str) -> str:
    """The command of a service as one line."""
    found = SERVICES[name].get("command", "")
    return found if isinstance(found, str) else " ".join(found)


@pytest.mark.parametrize("role", [*ROLES, NAS_SIMULATOR], ids=lambda role: role.name)
def test_every_role_of_a_site_is_a_service_of_its_own(role: Any) -> None:
    matching = [n for n in SERVICES if f"python -m {role.module} {role.argument}" in command(n)]
    service = role.module.replace("_", "-")
    expected = role.argument if role is NAS_SIMULATOR else f"{service}-{role.argument}"
    assert matching == [expected]


@pytest.mark.parametrize("name", sorted(SERVICES.keys() - ONE_SHOTS))
def test_what_runs_for_ever_has_a_health_check_and_comes_back(name: str) -> None:
    assert SERVICES[name]["restart"] == "unless-stopped"
    assert SERVICES[name]["healthcheck"]["test"]
    assert {"interval", "timeout", "retries"} <= SERVICES[name]["healthcheck"].keys()


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_nothing_starts_before_what_it_needs_is_ready(name: str) -> None:
    for needed, how in SERVICES[name].get("depends_on", {}).items():
        ended = "service_completed_successfully"
        assert how["condition"] == (ended if needed in ONE_SHOTS else "service_healthy")


def test_every_role_with_a_database_waits_for_its_migration() -> None:
    for module, argument in MIGRATE:
        service = module.replace("_", "-")
        assert command(f"{service}-migrate") == f"python -m {module} {argument}"
        for role in ROLES:
            if role.module == module:
                assert f"{service}-migrate" in SERVICES[f"{service}-{role.argument}"]["depends_on"]


def test_ports_are_open_to_this_machine_only() -> None:
    ports = {port for service in SERVICES.values() for port in service.get("ports", ())}
    assert len(ports) == 4
    assert all(port.startswith("127.0.0.1:") for port in ports)
    assert "--listen=${RADIUS_BIND:-127.0.0.1}" in SERVICES["freeradius-config"]["command"]


def test_freeradius_sees_the_address_that_a_nas_sends_from() -> None:
    """Docker's translation hides it, or loses it when a container comes back (moby issue 8795)."""
    assert SERVICES["freeradius"]["network_mode"] == "host"
    address = SERVICES["postgres"]["networks"]["default"]["ipv4_address"]
    database = SERVICES["freeradius-config"]["environment"]["DATABASE_URL"]
    assert database.endswith(f"@{address}:5432")


def test_freeradius_starts_anew_with_another_configuration() -> None:
    """Newer Compose leaves what depends on a changed container as it is, unless told."""
    assert SERVICES["freeradius"]["depends_on"]["freeradius-config"]["restart"] is True


def test_the_demos_subscribers_dial_again() -> None:
    """After a boot FreeRADIUS may be there before its database, and refuse them."""
    assert "--redial" in command("nas-simulator")


def test_our_containers_can_write_nothing_but_their_volumes() -> None:
    for name, service in SERVICES.items():
        if name not in SERVERS - {"freeradius"}:
            assert service["read_only"] is True
            assert service["cap_drop"] == ["ALL"]
            assert service["security_opt"] == ["no-new-privileges:true"]


@pytest.mark.parametrize("service", ["customers", "payments", "radius-sync"])
@pytest.mark.parametrize("role", ["migrate", "web", "worker"])
def test_who_reads_tombstones_reads_the_one_file_that_no_backup_brings_back_f36(
    service: str, role: str
) -> None:
    assert "tombstones:/var/lib/tenure-tombstones" in SERVICES[f"{service}-{role}"]["volumes"]
    assert "TENURE_TOMBSTONES=/var/lib/tenure-tombstones" in (ROOT / "Dockerfile").read_text()


def test_every_secret_is_a_required_variable() -> None:
    """A secret with a default is a secret that everybody knows."""
    used = re.findall(r"\$\{(\w*(?:PASSWORD|SECRET|KEY)\w*)(:\?)?", TEXT)
    assert len(used) > len(REQUIRED)
    assert [name for name, mark in used if not mark] == []


def test_no_secret_is_written_out() -> None:
    values = [
        value
        for service in SERVICES.values()
        for name, value in service.get("environment", {}).items()
        if re.search("PASSWORD|SECRET|KEY", name) or "@" in str(value)
    ]
    assert len(values) > len(REQUIRED)
    assert [value for value in values if not re.search(r"\$\{\w+:\?", value)] == []


def test_the_demo_knows_every_required_variable_and_says_it_is_one() -> None:
    lines = (ROOT / "demo.env").read_text().splitlines()
    known = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    assert known.keys() == REQUIRED | {"TENURE_DEMO"}
    assert known["TENURE_DEMO"] == "1"


def test_operating_md_makes_every_required_variable() -> None:
    page = (ROOT / "docs" / "operating.md").read_text()
    assert [name for name in sorted(REQUIRED) if name not in page] == []


def test_the_demo_stays_in_its_profile() -> None:
    demo = {name for name, service in SERVICES.items() if service.get("profiles") == ["demo"]}
    assert demo == {"customers-demo", "payments-demo", "radius-sync-demo", "nas-simulator"}
    for name in SERVICES.keys() - demo:
        needed = SERVICES[name].get("depends_on", {})
        assert all(how.get("required") is False for n, how in needed.items() if n in demo)


def test_each_image_is_built_once_from_a_stage_of_the_dockerfile() -> None:
    built = {s["image"]: s["build"]["target"] for s in SERVICES.values() if "build" in s}
    ours = [s["image"] for s in SERVICES.values() if s["image"].startswith("tenure")]
    assert set(ours) == built.keys()
    stages = re.findall(r"^FROM \S+ AS (\w+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert set(built.values()) <= set(stages)
    assert len([s for s in SERVICES.values() if "build" in s]) == len(built)


# Where a container listens and keeps things is the image's business, and gateways have a file.
_IMAGES_OWN = {"TENURE_HOME", "TENURE_TOMBSTONES", "NAS_COA_PORT"}
_READ = re.compile(r"(?:env\.\w+|_pattern)\(\s*(?:env, )?\"([A-Z_]+)\"")


@pytest.mark.parametrize("service", ["customers", "payments", "radius-sync", "console"])
def test_what_a_service_reads_of_its_environment_is_passed_on(service: str) -> None:
    module = service.replace("-", "_")
    files = ("shared/src/shared", f"services/{service}/src/{module}")
    read = {name for f in files for name in _READ.findall((ROOT / f / "settings.py").read_text())}
    roles = [name for name in SERVICES if f"python -m {module} " in command(name)]
    assert len(read) > 10
    for role in roles:
        passed = SERVICES[role]["environment"].keys() | _IMAGES_OWN
        if role != "customers-migrate":
            passed |= {"TENURE_ADMIN_PASSWORD"}  # of the first operator, made there
        assert read <= passed, f"{role} lacks {sorted(read - passed)}"
