"""The supervisor's end of the fork server: programs asked for, and their ends heard of."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress

from perennial_embedded.process import tied_to_parent


class ForkServerEnded(Exception):
    """It was killed, and every program with it; the next request starts another."""


class Fork:
    """A program's process. `returncode` is None while it runs, negative for the signal that ended it."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._ended = asyncio.Event()

    async def wait(self) -> int:
        """Return its exit code when it has ended."""
        await self._ended.wait()
        return 0 if self.returncode is None else self.returncode

    def send_signal(self, number: signal.Signals) -> None:
        if self.returncode is None:
            os.kill(self.pid, number)

    def ended(self, code: int) -> None:
        self.returncode = code
        self._ended.set()


class ForkServer:
    """Forks programs from a process that has `modules` loaded (see fork_server.py)."""

    def __init__(self, modules: Sequence[str], environment: Mapping[str, str]) -> None:
        self._modules = modules
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None
        self._asked: deque[asyncio.Future[Fork]] = deque()
        self._running: dict[int, Fork] = {}
        self._listening: asyncio.Task[None] | None = None

    async def fork(
        self, name: str, arguments: Sequence[str], variables: Mapping[str, str], output: int
    ) -> Fork:
        """Run `python ARGUMENTS` with these variables besides the server's own, writing to `output`.

        Raises `ForkServerEnded`.
        """
        request = {"name": name, "arguments": list(arguments), "variables": dict(variables)}
        self.launch()
        answer: asyncio.Future[Fork] = asyncio.get_running_loop().create_future()
        try:
            socket.send_fds(self._channel, [json.dumps(request).encode() + b"\n"], [output])
        except OSError as error:
            raise ForkServerEnded from error
        self._asked.append(answer)
        return await answer

    def launch(self) -> None:
        """Start the process where none runs. It answers when it has loaded the modules."""
        if self._process is not None:
            return
        self._channel, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                tied_to_parent(
                    [sys.executable, "-m", f"{__package__}.fork_server", *self._modules],
                    signal.SIGKILL,
                ),
                stdin=theirs.fileno(),
                env=self._environment,
                start_new_session=True,
            )
        self._listening = asyncio.create_task(self._listen(self._process))

    async def _listen(self, process: "subprocess.Popen[bytes]") -> None:
        """Take what the process says, until it ends."""
        reader, writer = await asyncio.open_connection(sock=self._channel)
        with suppress(ConnectionError):
            while line := await reader.readline():
                self._hear(**json.loads(line))
        writer.close()
        await asyncio.to_thread(process.wait)
        for fork in self._running.values():
            fork.ended(-signal.SIGKILL)
        for answer in self._asked:
            if not answer.done():
                answer.set_exception(ForkServerEnded())
        self._running, self._asked, self._process = {}, deque(), None

    def _hear(self, pid: int, code: int | None = None) -> None:
        if code is not None:
            self._running.pop(pid).ended(code)
            return
        fork = self._running[pid] = Fork(pid)
        answer = self._asked.popleft()
        if not answer.done():  # whoever asked may have been cancelled
            answer.set_result(fork)

    async def close(self) -> None:
        """End the process, once its programs have ended."""
        if self._process is not None:
            self._channel.shutdown(socket.SHUT_WR)
        if self._listening is not None:
            await self._listening
