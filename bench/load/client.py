"""HTTP/1.1 over a kept connection, with as little work a request as Python allows.

A general client costs several times what the services do; this one knows that our answers carry a
`Content-Length`, and reads only what it needs. What it costs is measured in every run.
"""

import asyncio
from collections.abc import Sequence
from typing import NamedTuple, cast

HOST = "127.0.0.1"
_HEAD_END = b"\r\n\r\n"
_LENGTH = b"content-length:"


class Answer(NamedTuple):
    status: int
    head: bytes
    body: bytes

    def header(self, name: str) -> str | None:
        """The header's value; `name` in lower case."""
        for line in self.head.split(b"\r\n")[1:]:
            key, _, value = line.partition(b":")
            if key.lower() == name.encode():
                return value.strip().decode()
        return None


class Connection(asyncio.Protocol):
    """One connection; one request at a time."""

    def __init__(self) -> None:
        self._received = b""
        self._head_length = 0
        self._length = 0
        self._answer: asyncio.Future[Answer] | None = None
        self._transport: asyncio.Transport | None = None
        self._loop = asyncio.get_running_loop()

    def send(self, request: bytes) -> "asyncio.Future[Answer]":
        """Write an encoded request; its answer comes with the future. Raises `ConnectionError`."""
        if self._transport is None:
            raise ConnectionResetError("the connection is closed")
        self._answer = answer = self._loop.create_future()
        self._transport.write(request)
        return answer

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(ConnectionResetError(str(exc or "closed by the server")))

    def data_received(self, data: bytes) -> None:
        received = self._received = self._received + data if self._received else data
        if not self._head_length:
            end = received.find(_HEAD_END)
            if end < 0:
                return
            self._head_length = end + len(_HEAD_END)
            self._length = self._head_length + _content_length(received[:end])
        if len(received) < self._length:
            return
        head, body = received[: self._head_length], received[self._head_length : self._length]
        self._received, self._head_length = b"", 0
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(Answer(int(head[9:12]), head, body))


def _content_length(head: bytes) -> int:
    place = head.find(_LENGTH)
    if place < 0:
        head = head.lower()
        place = head.find(_LENGTH)
    if place < 0:
        raise ValueError("an answer without Content-Length, which this client does not read")
    end = head.find(b"\r\n", place)
    return int(head[place + len(_LENGTH) : end if end >= 0 else None])


async def connect(port: int) -> Connection:
    loop = asyncio.get_running_loop()
    _, connection = await loop.create_connection(Connection, HOST, port)
    return connection


async def connect_all(port: int, count: int) -> list[Connection]:
    return [await connect(port) for _ in range(count)]


def encode(
    method: str, path: str, key: str, body: bytes = b"", headers: Sequence[tuple[str, str]] = ()
) -> bytes:
    """A request with the API key `key`, as it goes over the wire."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {HOST}", f"Authorization: Bearer {key}"]
    lines += [f"{name}: {value}" for name, value in headers]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join(lines).encode() + _HEAD_END + body
