"""A hundred partners in one program: notes when each delivery arrives, and answers 204.

`/slow/…` answers after five seconds, which is how long a slow partner takes.
"""

import asyncio
import time
from collections import defaultdict
from typing import cast

_END = b"\r\n\r\n"
_THANKS = b"HTTP/1.1 204 No Content\r\n\r\n"
_SLOW_SECONDS = 5.0


class Receiver:
    """Arrivals by path: the `webhook-id` and the moment."""

    def __init__(self) -> None:
        self.arrived: dict[str, dict[str, float]] = defaultdict(dict)
        self.count = 0
        self.port = 0
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Connection(self), "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    def stop(self) -> None:
        if self._server is not None:
            self._server.close()

    def note(self, path: str, webhook_id: str) -> None:
        self.count += 1
        self.arrived[path].setdefault(webhook_id, time.perf_counter())


class _Connection(asyncio.Protocol):
    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver
        self._received = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._received += data
        end = self._received.find(_END)
        if end < 0:
            return
        head = self._received[:end].decode("latin-1").lower().split("\r\n")
        headers = dict(line.split(": ", 1) for line in head[1:])
        if len(self._received) < end + len(_END) + int(headers["content-length"]):
            return
        self._received = b""
        path = head[0].split()[1]
        self._receiver.note(path, headers["webhook-id"])
        if path.startswith("/slow"):
            asyncio.get_running_loop().call_later(_SLOW_SECONDS, self._thank)
        else:
            self._thank()

    def _thank(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(_THANKS)
