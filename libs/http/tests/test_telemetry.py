"""Logs: one line an event, readable, the same for our loggers and for others'."""

import json
import subprocess
import sys

import pytest

SCRIPT = """
import logging, structlog
from perennial_http import configure_logging
from perennial_http.telemetry import enter_request
configure_logging("orders", log_format={format!r}, level="info")
log = structlog.get_logger("x")
log.debug("unseen")
log.info("started", port=8001)
logging.getLogger("uvicorn.error").info("unseen too")
logging.getLogger("uvicorn.error").warning("odd request from %s", "somewhere")
enter_request({{"headers": [(b"x-request-id", b"r-1"), (b"traceparent", b"00-" + b"a" * 32 + b"-" + b"b" * 16 + b"-01")]}})
log.warning("slow", note="two\\nlines")
try:
    secret_value = "4111-1111"
    1 / 0
except ZeroDivisionError as error:
    log.error("failed", exc_info=error)
enter_request({{"headers": [(b"x-request-id", b"evil\\xff id")]}})
log.info("hostile id")
"""


def run(log_format: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(format=log_format)],
        capture_output=True,
        check=True,
        text=True,
    )
    assert done.stderr == ""
    return done.stdout.splitlines()


def test_json_lines() -> None:
    lines = [json.loads(line) for line in run("json")]
    assert [line["event"] for line in lines] == [
        "started", "odd request from somewhere", "slow", "failed", "hostile id",
    ]  # fmt: skip
    assert {line["service"] for line in lines} == {"orders"}
    assert (lines[0]["level"], lines[0]["port"]) == ("info", 8001)
    assert "request_id" not in lines[0]
    assert lines[2]["request_id"] == "r-1"
    assert lines[2]["traceparent"].startswith("00-aaaa")
    assert "ZeroDivisionError" in lines[3]["exception"]
    assert len(lines[4]["request_id"]) == 32


def test_lines_for_people() -> None:
    output = run("console")
    assert output[0].split()[1:] == ["[info", "]", "started", "port=8001"]
    assert "odd request from somewhere" in output[1]
    assert "request_id=r-1" in output[2]
    assert not any("\x1b" in line for line in output)


@pytest.mark.parametrize("log_format", ["console", "json"])
def test_a_traceback_shows_no_values(log_format: str) -> None:
    assert "4111-1111" not in "\n".join(run(log_format)).replace('secret_value = "4111-1111"', "")
