"""Become another program that ends when its parent does: `launch.py SIGNAL PARENT UID GID PROGRAM ARGUMENT…`.

Linux sends a process the signal that it asked for (prctl PR_SET_PDEATHSIG) when the thread that started it ends,
however that came about; a `kill -9` of the supervisor therefore leaves nothing running. The request must be made in
the child, after any change of user (which clears it) and before exec (which keeps it). `subprocess` offers
`preexec_fn` for this, but that is unsafe beside threads and deprecated there, so this small program stands in
between: some 20 ms, once a start. Where there is no prctl (macOS), the next start finds and stops what was left.

It is run as a file, by `python -I -S`, and so imports nothing of ours.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1
PR_SET_NAME = 15
UNCHANGED = -1


def main() -> None:
    death_signal, parent, uid, gid = (int(argument) for argument in sys.argv[1:5])
    command = sys.argv[5:]
    if uid != UNCHANGED:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    be_tied_to_parent(death_signal, parent)
    # Python ignores these two, and an ignored signal stays ignored through exec.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    os.execvp(command[0], command)  # noqa: S606  (replacing itself by its argument is this program's purpose)


def be_tied_to_parent(death_signal: int, parent: int, name: str | None = None) -> None:
    """Ask for `death_signal` at the parent's end; with a name, be listed under it (as `top` and `ps -A` do)."""
    if sys.platform != "linux":
        return
    prctl = ctypes.CDLL(None).prctl
    if name is not None:
        prctl(PR_SET_NAME, name.encode())
    prctl(PR_SET_PDEATHSIG, death_signal)
    if os.getppid() != parent:
        # The parent died before the request was in place: nobody would ever stop us.
        sys.exit(1)


if __name__ == "__main__":
    main()
