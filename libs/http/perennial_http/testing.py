"""Support for tests: a service's application on a real uvicorn, and bytes on a raw connection."""

import asyncio
import hashlib
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import httpx
import uvicorn

from perennial_http.app import ServiceApp
from perennial_http.serve import server_config

ADMIN_KEY = "pk_admin_" + "t" * 43
"""The admin key of services under test."""
ADMIN_KEY_SHA256 = hashlib.sha256(ADMIN_KEY.encode()).hexdigest()


# Made once: every client would otherwise read the certificates of the whole world for itself.
_TLS = ssl.create_default_context()


class _Server(uvicorn.Server):
    """Stops when it is told to, and not with its next look at the clock."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.told = asyncio.Event()

    async def main_loop(self) -> None:
        await self.told.wait()


@asynccontextmanager
async def served(app: ServiceApp) -> AsyncIterator[httpx.AsyncClient]:
    """`app` on a free port, and a client that holds the admin key."""
    # With its protocol named: otherwise asyncio does not know it for TCP, and each answer waits 40 ms
    # for Nagle's algorithm.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.bind(("127.0.0.1", 0))
    listening.listen(512)
    server = _Server(server_config(app, app.runtime.settings))
    serving = asyncio.create_task(server._serve([listening]))

    async def ready() -> bool:
        return server.started or serving.done()

    await until(ready)
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    limits = httpx.Limits(max_connections=100, max_keepalive_connections=100)
    headers = {"Authorization": f"Bearer {ADMIN_KEY}"}
    try:
        async with httpx.AsyncClient(
            base_url=url, headers=headers, limits=limits, timeout=30, verify=_TLS
        ) as client:
            yield client
    finally:
        server.told.set()
        await serving


async def until(holds: Callable[[], Awaitable[bool]], *, within: float = 5.0) -> None:
    """Wait for `holds`, which nothing signals. Raises `TimeoutError`."""
    async with asyncio.timeout(within):
        while not await holds():  # noqa: ASYNC110 - what is waited for happens in another process
            await asyncio.sleep(0.02)


async def exchange(client: httpx.AsyncClient, sent: bytes, *, within: float = 5.0) -> bytes:
    """Send raw bytes to the served application; returns all it answers until it closes or falls silent."""
    url = client.base_url
    reader, writer = await asyncio.open_connection(url.host, url.port)
    received = b""
    try:
        writer.write(sent)
        await writer.drain()
        async with asyncio.timeout(within):
            while part := await reader.read(65_536):
                received += part
    except (TimeoutError, ConnectionError):
        pass
    finally:
        writer.close()
    return received
