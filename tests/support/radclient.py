"""FreeRADIUS' own client: an Access-Request by other people's code, and what was answered."""

import re
import subprocess
from dataclasses import dataclass
from typing import Literal

from local_site.freeradius import program

Method = Literal["pap", "chap", "mschap"]
# radclient makes the response out of the password itself.
_PASSWORD = {"pap": "User-Password", "chap": "CHAP-Password", "mschap": "MS-CHAP-Password"}
_ATTRIBUTE = re.compile(r'^\t([\w-]+)(?::\d+)? = "?(.*?)"?$', re.MULTILINE)


@dataclass(frozen=True)
class Reply:
    """`attributes` by name, as the dictionaries of the distribution call them."""

    accepted: bool
    attributes: dict[str, str]


def access_request(
    port: int, secret: str, username: str, password: str, method: Method = "pap"
) -> Reply:
    """Ask the server on this port of 127.0.0.1; AssertionError when it does not answer in 60 s."""
    path = program("radclient")
    assert path is not None, "radclient is not installed: make test installs it"
    request = (
        f'User-Name = "{username}", {_PASSWORD[method]} = "{password}",'
        " NAS-IP-Address = 127.0.0.1, Message-Authenticator = 0x00\n"
    )
    done = subprocess.run(
        [path, "-x", "-r", "30", "-t", "2", f"127.0.0.1:{port}", "auth", secret],
        input=request, capture_output=True, text=True, check=False,
    )  # fmt: skip
    code, _, rest = done.stdout.partition("Received ")[2].partition(" ")
    assert code in ("Access-Accept", "Access-Reject"), done.stdout + done.stderr
    return Reply(code == "Access-Accept", dict(_ATTRIBUTE.findall(rest)))
