"""A service as a process: it stops without losing a request, and dies visibly."""

import asyncio
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from perennial_events import Database

Count = Callable[[], Awaitable[int]]
SCRIPT = Path(__file__).with_name("serve_me.py")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


@asynccontextmanager
async def process(
    url: str, *arguments: str
) -> AsyncIterator[tuple[asyncio.subprocess.Process, httpx.AsyncClient]]:
    port = free_port()
    started = await asyncio.create_subprocess_exec(
        sys.executable, str(SCRIPT), url, str(port), *arguments,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=20) as client:
            async with asyncio.timeout(20):
                while started.returncode is None:
                    try:
                        await client.get("/health/live")
                        break
                    except httpx.ConnectError:
                        await asyncio.sleep(0.05)
            yield started, client
    finally:
        if started.returncode is None:
            started.kill()
        await started.wait()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_what_is_in_flight_is_finished(
    database: Database, database_url: str, count_cases: Count, number: signal.Signals
) -> None:
    async with process(database_url) as (server, client):
        requests = [asyncio.create_task(client.post(f"/v1/slow/k{n}")) for n in range(4)]
        await asyncio.sleep(0.4)
        server.send_signal(number)
        await asyncio.sleep(0.2)
        with pytest.raises(httpx.TransportError):
            await client.get("/health/live")
        assert [(await request).status_code for request in requests] == [200] * 4
        output, _ = await server.communicate()
        assert server.returncode == 0
        assert b"worker stopped" in output
        assert b"Traceback" not in output
    assert await count_cases() == 4


async def test_what_takes_too_long_is_cut_off_and_rolled_back(
    database: Database, database_url: str, count_cases: Count
) -> None:
    async with process(database_url) as (server, client):
        request = asyncio.create_task(client.post("/v1/slow/endless"))
        await asyncio.sleep(0.4)
        started = time.monotonic()
        server.terminate()
        await asyncio.gather(request, return_exceptions=True)
        output, _ = await server.communicate()
        assert 4 < time.monotonic() - started < 9
        assert server.returncode == 0
        assert b"worker stopped" in output
    assert await count_cases() == 0


async def test_an_unknown_exception_of_the_worker_ends_the_process(
    database: Database, database_url: str
) -> None:
    async with process(database_url, "die") as (server, _):
        output, _ = await asyncio.wait_for(server.communicate(), 15)
        assert server.returncode == 1
        assert b"ZeroDivisionError: poison" in output
        assert b"worker stopped" in output


async def test_a_port_in_use_is_said_and_is_a_failure(
    database: Database, database_url: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        server = await asyncio.create_subprocess_exec(
            sys.executable, str(SCRIPT), database_url, str(port),
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        output, _ = await asyncio.wait_for(server.communicate(), 15)
    assert server.returncode not in (0, None)
    assert b"address already in use" in output.lower()
