"""The process that every program of the platform is forked from, so that what they have in common they share.

`python -m perennial_cli.supervisor.fork_server MODULE…`, with a socket to the supervisor as its standard input. It
loads the modules once. Each line that it reads asks for a program: its name, Python's arguments (`-m MODULE …` or
`FILE …`) and variables as JSON, with the descriptor of its output. It answers with the program's process id, and
says so, with the exit code, when it ends. It ends itself when the supervisor closes the socket.

The programs differ from `python ARGUMENTS` in nothing but this: the libraries' memory, which none of them changes,
exists once, and nobody waits for them to be loaded again.
"""

import gc
import importlib
import json
import os
import runpy
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from types import FrameType
from typing import NamedTuple

from perennial_embedded.launch import be_tied_to_parent

_LINE_BYTES = 65_536
# A service manager's stop reaches every process: the supervisor alone decides who ends when.
_LEFT_TO_THE_SUPERVISOR = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_HELD_WHILE_FORKING = (*_LEFT_TO_THE_SUPERVISOR, signal.SIGCHLD)


class Request(NamedTuple):
    """A program to be run."""

    name: str
    arguments: Sequence[str]
    variables: Mapping[str, str]
    output: int


def main() -> None:
    for number in _LEFT_TO_THE_SUPERVISOR:
        signal.signal(number, signal.SIG_IGN)
    supervisor = socket.socket(fileno=os.dup(sys.stdin.fileno()))
    for module in sys.argv[1:]:
        importlib.import_module(module)
    # A look for cycles writes into what it looks at, and a page that is written to is shared no more.
    gc.collect()
    gc.freeze()
    request = _serve(supervisor)
    if request is not None:
        _run(request.arguments)


def _serve(supervisor: socket.socket) -> Request | None:
    """Fork as asked. Returns in the forked process, with what it is to run, and here at the end, with None."""
    server = os.getpid()

    def tell(**message: int) -> None:
        with suppress(BrokenPipeError):  # it is gone, and so shall we be
            supervisor.sendall(json.dumps(message).encode() + b"\n")

    def tell_ended(_number: int, _frame: FrameType | None) -> None:
        with suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                tell(pid=ended[0], code=os.waitstatus_to_exitcode(ended[1]))

    signal.signal(signal.SIGCHLD, tell_ended)
    while (request := _next_request(supervisor)) is not None:
        # That a process ended is never told before its id was, and a signal to one that has not yet begun waits.
        signal.pthread_sigmask(signal.SIG_BLOCK, _HELD_WHILE_FORKING)
        pid = os.fork()
        if pid == 0:
            supervisor.close()
            _become(request, server)
            return request
        os.close(request.output)
        tell(pid=pid)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _HELD_WHILE_FORKING)
    return None


def _next_request(supervisor: socket.socket) -> Request | None:
    """What the supervisor asks for next; None when it is gone."""
    line, descriptors, _, _ = socket.recv_fds(supervisor, _LINE_BYTES, 1)
    while line and not line.endswith(b"\n"):
        line += (more := supervisor.recv(_LINE_BYTES))
        if not more:
            return None
    return Request(**json.loads(line), output=descriptors[0]) if line else None


def _become(request: Request, server: int) -> None:
    """Take on what a process has of its own: session, signals, name, output and variables."""
    os.setsid()
    # Every promise holds under `kill -9`, and nothing may stay behind.
    be_tied_to_parent(signal.SIGKILL, server, request.name)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for opened, place in ((nothing, 0), (request.output, 1), (request.output, 2)):
        os.dup2(opened, place)
    os.close(nothing)
    os.close(request.output)
    os.environ.update(request.variables)
    for number in _HELD_WHILE_FORKING:
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _HELD_WHILE_FORKING)


def _run(arguments: Sequence[str]) -> None:
    """What `python ARGUMENTS` does."""
    if arguments[0] == "-m":
        sys.argv = list(arguments[1:])
        runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv = list(arguments)
        runpy.run_path(arguments[0], run_name="__main__")


if __name__ == "__main__":
    main()
