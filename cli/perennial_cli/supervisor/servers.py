"""PostgreSQL and Kafka as the supervisor runs them: started before the services, watched, stopped after them."""

import asyncio
import time
from collections.abc import Sequence
from typing import Protocol

from perennial_cli.supervisor.home import Home
from perennial_cli.supervisor.output import Output
from perennial_cli.supervisor.pause import Pause
from perennial_embedded import EmbeddedKafka, EmbeddedPostgres, KafkaUnavailable, PostgresFailed

_LOOK_EVERY_SECONDS = 0.2
# Crash recovery reads up to max_wal_size; nothing is gained by giving up on it.
_READY_SECONDS = 300.0
_HURRIED_SECONDS = 1.0


class Server(Protocol):
    """What PostgreSQL and Kafka have in common here."""

    @property
    def pid(self) -> int | None: ...
    def prepare(self) -> None: ...
    def launch(self) -> None: ...
    def wait_ready(self, within: float) -> None: ...
    def stop(self, within: float) -> None: ...


async def start(name: str, server: Server, home: Home) -> None:
    """Bring it up. Its process is started from this thread (see process.py), the waiting is done beside it."""
    await asyncio.to_thread(server.prepare)
    server.launch()
    if server.pid is not None:
        home.write_pid(name, server.pid)
    await asyncio.to_thread(server.wait_ready, _READY_SECONDS)


async def keep_running(name: str, server: Server, home: Home, output: Output) -> None:
    """Watch a started server, and start it again with a growing pause when it dies."""
    pause = Pause()
    started = time.monotonic()
    while True:
        while server.pid is not None:  # noqa: ASYNC110  (a dying process sets no event)
            await asyncio.sleep(_LOOK_EVERY_SECONDS)
        wait = pause.after(time.monotonic() - started)
        output.say(f"{name} died; starting it again in {wait:.1f} s")
        await asyncio.sleep(wait)
        started = time.monotonic()
        try:
            await start(name, server, home)
            output.say(f"{name} is back")
        except (PostgresFailed, KafkaUnavailable) as failure:
            output.say(str(failure))


async def stop(servers: Sequence[tuple[str, Server]], home: Home, within: float) -> None:
    """Stop them side by side, cleanly if `within` seconds allow."""
    seconds = max(within, _HURRIED_SECONDS)
    await asyncio.gather(*(asyncio.to_thread(server.stop, seconds) for _, server in servers))
    for name, _ in servers:
        home.remove_pid(name)


def postgres(home: Home) -> EmbeddedPostgres:
    return EmbeddedPostgres(home.folder / "postgres", log_file=home.logs / "postgres.log")


def kafka(home: Home) -> EmbeddedKafka:
    # One machine has no replicas to survive a loss of power: an fsync a batch does what they would.
    return EmbeddedKafka(home.folder / "kafka", flush_each_batch=True)
