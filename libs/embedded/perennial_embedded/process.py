"""Starting and stopping child processes that must not outlive this one."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

_LAUNCHER = Path(__file__).with_name("launch.py")
_UNCHANGED = -1

# "The parent died" means the thread that started the child. Calls from other threads than the main one go through
# this one thread, which lives as long as the process.
_lasting_thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="child-starter")


class User:
    """The system user as whom a child runs; by default the one who runs us."""

    def __init__(self, uid: int = _UNCHANGED, gid: int = _UNCHANGED) -> None:
        self.uid = uid
        self.gid = gid

    @property
    def is_another(self) -> bool:
        return self.uid != _UNCHANGED


SAME_USER = User()


def tied_to_parent(
    command: Sequence[str], death_signal: signal.Signals, user: User = SAME_USER
) -> list[str]:
    """The command that runs `command` so that it gets `death_signal` when this process dies (see launch.py)."""
    launcher = [sys.executable, "-I", "-S", str(_LAUNCHER)]
    numbers = [str(int(death_signal)), str(os.getpid()), str(user.uid), str(user.gid)]
    return [*launcher, *numbers, *command]


def spawn(
    command: Sequence[str],
    *,
    death_signal: signal.Signals,
    log_file: Path,
    user: User = SAME_USER,
    environment: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> subprocess.Popen[bytes]:
    """Start `command` in a session of its own, tied to this process, its output appended to `log_file`.

    A session of its own keeps a terminal's Ctrl-C from it: its owner stops it, in the right order.
    """
    tied = tied_to_parent(command, death_signal, user)

    def start() -> subprocess.Popen[bytes]:
        with log_file.open("ab") as log:
            return subprocess.Popen(
                tied,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env=environment,
                cwd=cwd,
            )

    if threading.current_thread() is threading.main_thread():
        return start()
    return _lasting_thread.submit(start).result()


def stop_in_steps(
    process: subprocess.Popen[bytes], steps: Sequence[tuple[signal.Signals, float]]
) -> bool:
    """Send each signal in turn and wait for its seconds, until the process has ended.

    Answers whether the first, gentlest signal was enough.
    """
    for step, (number, seconds) in enumerate(steps):
        if process.poll() is not None:
            return True
        process.send_signal(number)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            continue
        return step == 0
    process.kill()
    process.wait()
    return False


def is_alive(pid: int) -> bool:
    """Whether a process with this id exists (also one that another user owns)."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def wait_until_gone(pid: int, seconds: float) -> bool:
    """Wait for a process that need not be our child to end; False when it still runs after `seconds`."""
    deadline = time.monotonic() + seconds
    while is_alive(pid):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def tail(path: Path, lines: int = 15) -> str:
    """The last lines of a log, for an error that must say why."""
    if not path.exists():
        return "(no log)"
    text = path.read_bytes()[-8_192:].decode(errors="replace")
    return "\n".join(text.splitlines()[-lines:])
