"""Stands in for every service in tests of the launcher: same commands, no work.

Copied as `customers/__main__.py` and so on into a folder that comes first on the module path.
"""

import http.server
import os
import signal
import sys
import threading
from pathlib import Path

RADIUS = """
prefix = /usr
libdir = /usr/lib/freeradius
run_dir = {folder}
pidfile = {folder}/radiusd.pid
modules {{
}}
client loopback {{
	ipaddr = 127.0.0.1
	secret = testing123
}}
server default {{
	listen {{
		type = auth
		ipaddr = 127.0.0.1
		port = {port}
	}}
	authorize {{
	}}
}}
"""


class Ready(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/readyz" else 404)
        self.send_header("Content-Length", "0")
        self.end_headers()


def main(module: str, command: str, *arguments: str) -> None:
    print(module, command, flush=True)
    if command == "web":
        port = int(os.environ[f"{module.upper()}_PORT"])
        server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Ready)
        threading.Thread(target=server.serve_forever, daemon=True).start()
    if command == "freeradius-config":
        folder = Path(arguments[1])
        folder.mkdir(exist_ok=True)
        values = {"folder": folder, "port": os.environ["RADIUS_AUTH_PORT"]}
        (folder / "radiusd.conf").write_text(RADIUS.format(**values))
        (folder / "dictionary").write_text("$INCLUDE /usr/share/freeradius/dictionary\n")
    elif command not in ("migrate", "demo"):
        signal.sigwait({signal.SIGTERM, signal.SIGQUIT})


if __name__ == "__main__":
    numbers = {signal.SIGTERM, signal.SIGQUIT}
    signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
    main(Path(__file__).parent.name, *sys.argv[1:])
