"""What is loaded before the services are forked."""

import json
import subprocess
import sys

import pytest

from perennial_cli.supervisor.programs import Programs

_REPORT = """
import importlib, json, os, sys
for module in sys.argv[1:]:
    importlib.import_module(module)
services = [name for name in sys.modules if name.partition(".")[0].endswith("_service")]
print(json.dumps({"threads": len(os.listdir("/proc/self/task")), "services": services}))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="threads are counted in /proc")
@pytest.mark.parametrize("log", ["embedded", "kafka"])
def test_what_is_shared_starts_no_thread_and_holds_no_service(log: str) -> None:
    command = [sys.executable, "-c", _REPORT, *Programs().shared(log)]
    printed = subprocess.run(command, capture_output=True, check=True, text=True).stdout
    assert json.loads(printed) == {"threads": 1, "services": []}
