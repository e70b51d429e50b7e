"""One self-contained configuration for FreeRADIUS 3.2: nothing of the distribution's tree is used.

Start it with `freeradius -f -d OUT -D /usr/share/freeradius`.
"""

import ipaddress
import re
import shutil
import string
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path

KEY_BYTES = 32
# An odd number of backslashes before a quote or the end.
UNQUOTABLE = re.compile(r"(?<!\\)(?:\\\\)*\\(?:'|$)")


@dataclass(frozen=True, slots=True)
class Database:
    """The database with FreeRADIUS' tables and pgcrypto, and the role FreeRADIUS has in it.

    `search_path` names the schemas of the tables and of pgcrypto, if they are not in the role's.
    """

    host: str
    port: int
    name: str
    user: str
    password: str = field(default="", repr=False)
    search_path: str = ""


@dataclass(frozen=True, slots=True)
class Client:
    """A NAS that may ask: an address or a network, its secret, and its type: a vendor's name.

    Without a Message-Authenticator an Access-Request can be forged (CVE-2024-3596): only a NAS
    that cannot send one should be excused.
    """

    name: str
    address: str
    secret: str = field(repr=False)
    require_message_authenticator: bool = True
    nas_type: str = "other"


def write_configuration(
    out: Path,
    *,
    auth_port: int,
    acct_port: int,
    database: Database,
    clients: Sequence[Client],
    password_key: str,
    listen: str = "127.0.0.1",
    nas_seconds: int = 60,
    reject_delay: int = 1,
    status_port: int = 18121,
    status_secret: str = "",
    status_network: str = "",
    run_as: str | None = None,
    libdir: Path = Path("/usr/lib/freeradius"),
    dictionaries: Path = Path("/usr/share/freeradius"),
) -> None:
    """Write all FreeRADIUS needs into `out`, readable by nobody but `run_as` (or who runs this).

    Other NASes than `clients` are those of the table `nas`, each looked up at its first packet and
    known for `nas_seconds`: so late a changed secret or a removed NAS is noticed. With a
    `status_secret` a watcher on this machine may ask whether it answers (RFC 5997); one in another
    network too, if this machine's address in it is the `status_network`, as 172.30.96.1/24.

    `password_key` is the key passwords are sealed with, as 64 hexadecimal digits; several with
    commas while keys rotate. ValueError names the argument FreeRADIUS could not read as it is meant.
    """
    out = out.absolute()
    _check_key(password_key)
    known = {
        "out": _path(out),
        "libdir": _path(libdir),
        "listen": listen,
        "auth_port": str(auth_port),
        "acct_port": str(acct_port),
        "reject_delay": str(reject_delay),
        "status_port": str(status_port),
        "status_secret": quoted("the status secret", status_secret),
        "status_network": _status_network(status_network, status_port, status_secret),
        "status": f"$INCLUDE {_path(out)}/status.conf" if status_secret else "",
        "run_as": f"\tuser = {run_as}\n" if run_as else "",
        "nas_seconds": str(nas_seconds),
        "nas_family": "ipv6" if ":" in listen else "ipv4",
        "nas_network": "::/0" if ":" in listen else "0.0.0.0/0",
        "nas_address": "IPv6-Address" if ":" in listen else "IP-Address",
        "clients": "".join(_client(client) for client in clients),
    }
    for folder in (out, out / "log", out / "run"):
        folder.mkdir(mode=0o750, parents=True, exist_ok=True)
    templates = files("radius_sync.freeradius").joinpath("templates")
    for name in ("radiusd.conf", "queries.conf", "status.conf"):
        text = _Template(templates.joinpath(name).read_text("utf-8")).substitute(known)
        _write(out / name, text)
    _write(out / "pg_service.conf", service_file(database, password_key))
    _write(out / "dictionary", f"$INCLUDE {_path(dictionaries)}/dictionary\n")
    if run_as:
        _hand_over(out, run_as)


def service_file(database: Database, password_key: str) -> str:
    """What libpq reads under PGSERVICEFILE: the key becomes a setting of the session, `radius.kek`.

    A file of its own, since FreeRADIUS writes `radius_db` into its log at every start. The
    statement timeout keeps a stuck query from holding a thread longer than a NAS waits.
    """
    options = f"-c radius.kek={password_key} -c statement_timeout=2000"
    if database.search_path:
        options += f" -c search_path={database.search_path.replace(' ', '')}"
    parts = {
        "host": database.host,
        "port": str(database.port),
        "dbname": database.name,
        "user": database.user,
        "password": database.password,
        "connect_timeout": "3",
        "application_name": "freeradius",
        "options": options,
    }
    for key, value in parts.items():
        if value != value.strip() or not value.isprintable():
            raise ValueError(f"the database's {key} begins or ends with a space or holds a newline")
    lines = [f"{key}={value}" for key, value in parts.items() if value]
    return "\n".join(["[freeradius]", *lines, ""])


def quoted(what: str, value: str) -> str:
    """A value in single quotes, as FreeRADIUS' parser reads it back.

    In there `\\'` is a quote and every other backslash stays as it is (3.2.1 and 3.2.7), so a
    backslash right before a quote or at the end has no form: ValueError, as for control characters.
    """
    if not value.isprintable() or UNQUOTABLE.search(value):
        raise ValueError(f"{what} holds a control character, or a backslash before ' or at its end")
    return "'" + value.replace("'", "\\'") + "'"


def _client(client: Client) -> str:
    required = "yes" if client.require_message_authenticator else "no"
    address = client.address
    if not set(address) <= set("0123456789abcdefABCDEF.:/"):
        raise ValueError(f"client {client.name}: {address} is neither an address nor a network")
    return (
        f"client {quoted('the name of a client', client.name)} {{\n"
        f"\t{'ipv6addr' if ':' in address else 'ipv4addr'} = {address}\n"
        f"\tsecret = {quoted(f'the secret of client {client.name}', client.secret)}\n"
        f"\trequire_message_authenticator = {required}\n"
        f"\tnas_type = {quoted('the type of a client', client.nas_type)}\n"
        "}\n"
    )


def _status_network(place: str, port: int, secret: str) -> str:
    """The address to listen on there, and who may ask."""
    if not place:
        return ""
    try:
        here = ipaddress.ip_interface(place)
    except ValueError as error:
        raise ValueError(f"the status network {place}: give ADDRESS/PREFIX") from error
    listens = f"\tlisten {{\n\t\ttype = status\n\t\tipaddr = {here.ip}\n\t\tport = {port}\n\t}}\n"
    watchers = Client("watchers", str(here.network), secret)
    return listens + "".join(f"\t{line}\n" for line in _client(watchers).splitlines())


def _check_key(text: str) -> None:
    keys = text.lower().split(",")
    if any(len(key) != KEY_BYTES * 2 or not set(key) <= {*string.hexdigits} for key in keys):
        raise ValueError("password_key must be 64 hexadecimal digits (openssl rand -hex 32)")


def _path(path: Path) -> str:
    text = str(path)
    if any(char.isspace() or char in "\"'${}#" for char in text):
        raise ValueError(f"FreeRADIUS cannot read the path {text}: no spaces, quotes, $ or braces")
    return text


def _hand_over(folder: Path, user: str) -> None:
    """It reads the files of its database connection after it has become that user."""
    try:
        for path in (folder, *folder.rglob("*")):
            shutil.chown(path, user)
    except LookupError:
        raise ValueError(f"run_as: this machine has no user {user}") from None


def _write(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_text(text, "utf-8")


class _Template(string.Template):
    """`@@name`: every other sign has a meaning of its own in these files."""

    delimiter = "@@"
