"""What the person who started the site reads."""

from local_site.saying import say
from local_site.settings import Settings

DEMO_LOGINS = ("admin / admin-demo", "north / north-demo", "south / south-demo")
RADIUS_SECRET = "testing123"  # noqa: S105 - FreeRADIUS' own well-known test secret, loopback only


def welcome(settings: Settings, radius: bool) -> None:
    """Every address, the demo logins, and `ready` alone on the last line."""
    ports = settings.ports
    say("")
    say(f"Tenure runs; its data and logs are in {settings.home}")
    for name, setting in (
        ("console", "CONSOLE_PORT"),
        ("customers", "CUSTOMERS_PORT"),
        ("payments", "PAYMENTS_PORT"),
        ("radius-sync", "RADIUS_SYNC_PORT"),
    ):
        say(f"  {name:14}{settings.url(setting)}")
    say(f"  {'NAS simulator':14}127.0.0.1:{ports['NAS_COA_PORT']}/udp (CoA, Disconnect)")
    if radius:
        auth, acct = ports["RADIUS_AUTH_PORT"], ports["RADIUS_ACCT_PORT"]
        secret = f", secret {RADIUS_SECRET}" if settings.demo else ""
        say(f"  {'FreeRADIUS':14}127.0.0.1:{auth}/udp (auth), {acct}/udp (acct){secret}")
    if settings.demo:
        say(f"  {'demo logins':14}{',  '.join(DEMO_LOGINS)}")
    say("Ctrl-C stops all of it.")
    say("ready")
