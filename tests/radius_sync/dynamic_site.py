"""A FreeRADIUS that learns its NASes from the table `nas`, at addresses of the loopback network."""

import re
import subprocess
from pathlib import Path
from typing import Any

from local_site.freeradius import program
from local_site.ports import free_ports
from radius_sync.freeradius import main as write_configuration
from radius_sync.freeradius.arguments import configuration_arguments
from radius_sync.settings import Settings
from tests.radius_sync.calling import Caller
from tests.support.servers import start_freeradius

SECRET = "sixteen-octets-at-least"


class Server:
    """A FreeRADIUS that knows no NAS but those of the table; each is known for a second."""

    def __init__(self, settings: Settings, folder: Path, listen: str = "127.0.0.1") -> None:
        self.port, self.acct_port = free_ports(2, "udp")
        self.place = f"[{listen}]" if ":" in listen else listen
        arguments = [word for word in configuration_arguments(settings)]
        del arguments[arguments.index("--client") :]
        ports = ("--auth-port", str(self.port), "--acct-port", str(self.acct_port))
        options = ("--out", str(folder), "--nas-seconds", "1", "--reject-delay", "0")
        key = ("--password-key", settings.secret_key.hex(), "--listen", listen)
        client = ("--client", "nobody,198.51.100.1,never-used-secret")
        assert write_configuration([*arguments, *ports, *options, *key, *client]) == 0
        self.process = start_freeradius(folder)

    def accepts(self, nas: str, secret: str) -> bool:
        """Whether alice is accepted by an Access-Request from this address; no answer is a no."""
        return self._accepts(nas, secret, ", Message-Authenticator = 0x00", ("-r", "2", "-t", "1"))

    def accepts_unsigned(self, nas: str, more: str = "") -> bool:
        """The same of a request without Message-Authenticator, with `more` in it."""
        return self._accepts(nas, SECRET, more, ("-r", "1", "-t", "0.5"))

    def version(self) -> tuple[int, ...]:
        told = subprocess.run(
            [program() or "", "-v"], capture_output=True, text=True, check=True
        ).stdout
        found = re.search(r"Version (\d+)\.(\d+)\.(\d+)", told)
        assert found, told
        return tuple(int(part) for part in found.groups())

    def _accepts(self, nas: str, secret: str, more: str, tries: tuple[str, ...]) -> bool:
        path = program("radclient")
        assert path is not None
        source = f"Packet-Src-IP{'v6' if ':' in nas else ''}-Address"
        request = f'User-Name = "alice", User-Password = "secret-alice", {source} = {nas}{more}\n'
        done = subprocess.run(
            [path, "-x", *tries, f"{self.place}:{self.port}", "auth", secret],
            input=request, capture_output=True, text=True, check=False,
        )  # fmt: skip
        return "Received Access-Accept" in done.stdout


def register(admin: Caller, address: str, secret: str = SECRET, **more: Any) -> str:
    nas = {"name": f"nas {address}", "address": address, "secret": secret, "vendor": "mikrotik"}
    made = admin("POST", "/v1/nas", nas | more)
    assert made.status_code == 201, made.json
    return f"/v1/nas/{made.json['id']}"
