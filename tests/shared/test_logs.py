"""Logs: one JSON object a line, ids only, nothing that names a person (D7, B27)."""

import json
import os
import subprocess
import sys

SCRIPT = """
import logging
from shared import logs
logs.configure("payments", "web")
log = logs.logger("test")
log.info("customer.deleted", customer_id="42", name="Anna", phone="+8801711", username="anna",
         password="p", email="a@b.c", pin="1", token="t", authorization="Bearer x", secret="s")
log.warning("forged\\nline\\x1b[31m", request_id="r\\r\\n{}")
try:
    raise ValueError('duplicate key\\nDETAIL: Key (phone)=(+8801711) already exists.')
except ValueError:
    log.exception("job.failed", job_id="7")
logging.getLogger("celery").warning("of the library, DETAIL: Key (name)=(Anna)")
"""


def lines() -> list[dict[str, object]]:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True, env=os.environ
    )
    assert done.stderr == ""
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_what_names_a_person_is_left_out() -> None:
    first, _, failed, library = lines()

    assert first["customer_id"] == "42"
    for key in (
        "name",
        "phone",
        "username",
        "password",
        "email",
        "pin",
        "token",
        "authorization",
        "secret",
    ):
        assert first[key] == "[left out]"
    for line in (failed, library):
        assert "Anna" not in str(line)
        assert "8801711" not in str(line)
    assert "duplicate key" in str(failed["exception"])


def test_each_event_is_one_json_line_whatever_is_in_it_b27() -> None:
    found = lines()

    assert len(found) == 4
    assert found[1]["event"] == "forged\nline\x1b[31m"


def test_a_line_says_when_who_and_in_which_role() -> None:
    for line in lines():
        assert str(line["ts"]).endswith("Z")
        assert line["level"] in ("info", "warning", "error")
    assert (lines()[0]["service"], lines()[0]["role"]) == ("payments", "web")
