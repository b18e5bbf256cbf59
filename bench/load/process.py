"""The load process as the benchmark sees it: jobs go in, what was measured comes out."""

import subprocess
import sys
from collections.abc import Mapping
from types import TracebackType
from typing import Self

from bench.load.measured import Measured
from bench.load.scenarios import Job


class LoadFailed(Exception):
    """The load process ended instead of answering; its own lines say why."""


class Load:
    """A running load process for the platform behind `ports`; a context manager."""

    def __init__(self, ports: Mapping[str, int], key: str) -> None:
        self._ports = dict(ports)
        self._key = key
        self._seed = 0
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.load"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(
        self,
        scenario: str,
        *,
        requests: int,
        clients: int,
        within: float,
        rate: int = 0,
        ports: Mapping[str, int] | None = None,
    ) -> Measured:
        """Run a scenario to its end; `ports` replaces addresses, such as by a floor's."""
        self._seed += 1
        job = Job(
            scenario=scenario,
            ports=self._ports | dict(ports or {}),
            key=self._key,
            seed=self._seed,
            requests=requests,
            clients=clients,
            within=within,
            rate=rate,
        )
        process = self._process
        if process.stdin is None or process.stdout is None:
            raise LoadFailed("the load process has no pipes")
        process.stdin.write(job.model_dump_json() + "\n")
        process.stdin.flush()
        line = process.stdout.readline()
        if not line:
            raise LoadFailed(f"the load process ended during {scenario}")
        return Measured.model_validate_json(line)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is not None:
            self._process.terminate()
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process.wait()
