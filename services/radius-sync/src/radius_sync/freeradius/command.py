"""`python -m radius_sync freeradius-config --out DIR …`."""

import argparse
import os
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

from radius_sync.freeradius.configuration import Client, Database, write_configuration


def main(argv: list[str]) -> int:
    """Write the configuration. Returns 0, or 2 with a sentence when an option makes no sense."""
    options = _parser().parse_args(argv)
    try:
        write_configuration(
            options.out,
            auth_port=options.auth_port,
            acct_port=options.acct_port,
            database=parse_database(options.database_url),
            clients=_clients(options),
            password_key=options.password_key,
            listen=options.listen,
            nas_seconds=options.nas_seconds,
            reject_delay=options.reject_delay,
            status_port=options.status_port,
            status_secret=options.status_secret,
            status_network=options.status_network,
            run_as=options.run_as,
            libdir=options.libdir,
            dictionaries=options.dictionaries,
        )
    except (OSError, ValueError) as error:
        sys.stderr.write(f"freeradius-config: {error}\n")
        return 2
    sys.stdout.write(f"freeradius -f -d {options.out} -D {options.dictionaries}\n")
    return 0


def parse_database(url: str) -> Database:
    """`postgresql://user:password@host:port/name`, percent-encoded where needed. Without a name,
    as `DATABASE_URL` is, the database is `RADIUS_SYNC_DATABASE`, else `radius`.
    """
    parts = urlsplit(url)
    if not (parts.hostname and parts.username):
        raise ValueError("--database-url must be postgresql://USER:PASSWORD@HOST:PORT/NAME")
    return Database(
        host=parts.hostname,
        port=parts.port or 5432,
        name=unquote(parts.path.strip("/")) or os.environ.get("RADIUS_SYNC_DATABASE", "radius"),
        user=unquote(parts.username),
        password=unquote(parts.password or ""),
    )


def parse_client(text: str) -> Client:
    """`NAME,ADDRESS,SECRET[,no-message-authenticator]`."""
    name, _, rest = text.partition(",")
    address, _, secret = rest.partition(",")
    secret, mark, _ = secret.partition(",no-message-authenticator")
    if not (name and address and secret):
        raise ValueError(f"--client {name}…: expected NAME,ADDRESS,SECRET")
    return Client(name, address, secret, require_message_authenticator=not mark)


def _clients(options: argparse.Namespace) -> list[Client]:
    given = [parse_client(text) for text in options.client]
    secret = os.environ.get("NAS_SECRET")
    if given or not secret or not options.listen.startswith("127."):
        return given
    # On one machine: the NAS simulator and whoever tries things by hand.
    return [Client("loopback", "127.0.0.0/8", secret)]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="freeradius-config", description=__doc__)
    env = os.environ.get
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--auth-port", type=int, default=int(env("RADIUS_AUTH_PORT", "1812")))
    parser.add_argument("--acct-port", type=int, default=int(env("RADIUS_ACCT_PORT", "1813")))
    parser.add_argument("--listen", default="127.0.0.1")
    parser.add_argument("--status-port", type=int, default=int(env("RADIUS_STATUS_PORT", "18121")))
    parser.add_argument(
        "--status-secret", default=env("RADIUS_HEALTH_SECRET", ""),
        help="lets a watcher on 127.0.0.1 ask the status port (RFC 5997)",
    )  # fmt: skip
    parser.add_argument(
        "--status-network", default="", metavar="ADDRESS/PREFIX",
        help="this machine's address in a network from which a watcher may ask too",
    )  # fmt: skip
    server = env("DATABASE_URL", "postgresql://postgres@127.0.0.1:54320")
    parser.add_argument("--database-url", default=env("FREERADIUS_DATABASE_URL", server))
    parser.add_argument(
        "--client", action="append", default=[], metavar="NAME,ADDRESS,SECRET",
        help="once for each NAS; add ,no-message-authenticator for one that cannot send it",
    )  # fmt: skip
    parser.add_argument(
        "--nas-seconds", type=int, default=60,
        help="how long a NAS of the table nas is known before it is looked up again",
    )  # fmt: skip
    parser.add_argument("--password-key", default=env("TENURE_SECRET_KEY", ""))
    parser.add_argument("--reject-delay", type=int, default=1, help="seconds")
    parser.add_argument("--run-as", default=None, help="the user it becomes, for instance freerad")
    parser.add_argument("--libdir", type=Path, default=Path("/usr/lib/freeradius"))
    parser.add_argument("--dictionaries", type=Path, default=Path("/usr/share/freeradius"))
    return parser
