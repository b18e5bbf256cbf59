"""What a killed owner leaves on a data folder, and how it is cleared before the next server starts."""

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

from perennial_embedded.process import wait_until_gone

_CLEAN_STOP_SECONDS = 30.0
_ORPHANS_SECONDS = 5.0


def clear_leftovers(data_dir: Path) -> None:
    """Stop a server that still runs here, cleanly; end backends without a postmaster; drop a stale pid file.

    The caller owns the folder (it holds its lock), so nobody starts a server here meanwhile. Shared memory needs
    nothing more: once no process is attached, PostgreSQL removes the old segment itself.
    """
    pid_file = data_dir / "postmaster.pid"
    if not pid_file.exists():
        return
    processes = _servers_on(data_dir)
    postmaster = _postmaster_id(pid_file)
    if postmaster in processes:
        _stop(postmaster)
    _end_orphans(data_dir)
    # Its number may by now belong to any other process, which would keep PostgreSQL from starting.
    pid_file.unlink(missing_ok=True)


def _postmaster_id(pid_file: Path) -> int:
    """The id in the file's first line; 0 when the file was cut short (no process has that id here)."""
    try:
        return int(pid_file.read_text().split("\n", 1)[0])
    except (ValueError, FileNotFoundError):
        return 0


def _stop(postmaster: int) -> None:
    """Fast shutdown; immediate shutdown when a session will not end."""
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        try:
            os.kill(postmaster, number)
        except ProcessLookupError:
            return
        if wait_until_gone(postmaster, _CLEAN_STOP_SECONDS):
            return


def _end_orphans(data_dir: Path) -> None:
    """Backends end by themselves when their postmaster is gone; a busy one is helped after some seconds."""
    deadline = time.monotonic() + _ORPHANS_SECONDS
    while orphans := _servers_on(data_dir):
        if time.monotonic() > deadline:
            for pid in orphans:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)


def _servers_on(data_dir: Path) -> list[int]:
    """PostgreSQL processes whose working folder is this data folder: each changes into it at start."""
    import psutil  # noqa: PLC0415  (only needed after a crash; keeps the supervisor small)

    found = []
    for process in psutil.process_iter(["name", "cwd"]):
        here = process.info["cwd"] == str(data_dir.resolve())
        if process.info["name"] == "postgres" and here:
            found.append(process.pid)
    return found
