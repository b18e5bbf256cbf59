"""One program's process: started, its lines passed on, started again when it dies, stopped when asked."""

import asyncio
import os
import signal
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import IO

from perennial_cli.supervisor.forks import Fork, ForkServer, ForkServerEnded
from perennial_cli.supervisor.home import Home
from perennial_cli.supervisor.output import Output
from perennial_cli.supervisor.pause import Pause

_CHUNK = 65_536
_LAST_LINES_SECONDS = 0.5


class Child:
    """A program that is to run for as long as the platform does."""

    def __init__(
        self,
        name: str,
        arguments: Sequence[str],
        variables: Mapping[str, str],
        *,
        fork_server: ForkServer,
        home: Home,
        output: Output,
    ) -> None:
        self.name = name
        self._arguments = arguments
        self._variables = variables
        self._fork_server = fork_server
        self._home = home
        self._output = output
        self._process: Fork | None = None
        self._stop_asked = asyncio.Event()

    async def keep_running(self) -> None:
        """Run it, again and again with a growing pause, until `stop` is called."""
        pause = Pause()
        while not self._stop_asked.is_set():
            started = time.monotonic()
            code = await self.run_once()
            if self._stop_asked.is_set():
                return
            wait = pause.after(time.monotonic() - started)
            self._output.say(f"{self.name} {how_it_ended(code)}; starting it again in {wait:.1f} s")
            await asyncio.sleep(wait)

    async def run_once(self) -> int:
        """Run it to its end and answer the exit code (negative: the signal that ended it)."""
        self._output.rotate(self.name)
        readable, writable = os.pipe()
        try:
            process = await self._fork_server.fork(
                self.name, self._arguments, self._variables, writable
            )
        except BaseException as error:
            os.close(readable)
            if isinstance(error, ForkServerEnded):
                return -signal.SIGKILL
            raise
        finally:
            os.close(writable)
        self._process = process
        return await self._follow(process, os.fdopen(readable, "rb", buffering=0))

    async def _follow(self, process: Fork, output: IO[bytes]) -> int:
        """Pass its lines on until it ends, and leave nothing of it behind."""
        if self._stop_asked.is_set():
            # Asked while it was being started, when there was nobody yet to tell.
            process.send_signal(signal.SIGTERM)
        self._home.write_pid(self.name, process.pid)
        lines = asyncio.create_task(self._pass_lines_on(output))
        try:
            code = await process.wait()
        finally:
            # Its own children are in its group and must not outlive it; they would also keep the pipe open.
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            await asyncio.wait([lines], timeout=_LAST_LINES_SECONDS)
            lines.cancel()
            self._home.remove_pid(self.name)
            self._process = None
        return code

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Ask it to drain and end (SIGTERM), or end it (SIGKILL, its own children as well); not started again."""
        self._stop_asked.set()
        if self._process is None or self._process.returncode is not None:
            return
        with suppress(ProcessLookupError):
            if number == signal.SIGKILL:
                os.killpg(self._process.pid, number)
            else:
                self._process.send_signal(number)

    @property
    def is_running(self) -> bool:
        return self._process is not None

    async def _pass_lines_on(self, output: IO[bytes]) -> None:
        reader = asyncio.StreamReader()
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), output
        )
        try:
            await self._split_into_lines(reader)
        finally:
            transport.close()

    async def _split_into_lines(self, reader: asyncio.StreamReader) -> None:
        rest = b""
        while chunk := await reader.read(_CHUNK):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                self._output.line(self.name, line.decode(errors="replace"))
            if len(rest) > _CHUNK:
                # A line without end must not grow in memory.
                self._output.line(self.name, rest.decode(errors="replace"))
                rest = b""
        if rest:
            self._output.line(self.name, rest.decode(errors="replace"))


def how_it_ended(code: int) -> str:
    """An exit code as a person reads it."""
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        return f"was ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"was ended by signal {-code}"
