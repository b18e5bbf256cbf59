"""One attempt over the network: bytes out, a status back. What the receiver says beyond it is not kept."""

import asyncio
import ssl
from collections import OrderedDict
from collections.abc import Mapping
from typing import Literal, NamedTuple

import httpcore

from perennial_webhooks.guard import Forbidden, GuardedNetwork, Resolve, check_url, system_resolver

TIMEOUT_SECONDS = 15.0
_READ_BYTES = 65_536
_IDLE_SECONDS = 30.0
_POOLS = 2_000


Failure = Literal["forbidden_address", "timeout", "tls", "connection", "secret", "internal"]


class Attempt(NamedTuple):
    """What came of it: a status, or the kind of failure before there was one."""

    status: int | None
    failure: Failure | None = None
    retry_after: str | None = None

    @property
    def delivered(self) -> bool:
        """Only 2xx is success; a redirect is a failure like any other and never followed."""
        return self.status is not None and 200 <= self.status < 300


class Sender:
    """Posts to partners through the network guard; keeps connections for a while.

    Each URL has a pool of its own: one that served all would look at every idle connection for every
    request.
    """

    def __init__(
        self,
        *,
        allow_loopback: bool = False,
        resolve: Resolve = system_resolver,
        tls: ssl.SSLContext | None = None,
        timeout: float = TIMEOUT_SECONDS,
    ) -> None:
        self._allow_loopback = allow_loopback
        self._timeout = timeout
        self._tls = tls
        # http goes to loopback alone, and only where that is allowed.
        self._networks = {
            scheme: GuardedNetwork(
                loopback=allow_loopback, public=scheme == "https", resolve=resolve
            )
            for scheme in ("https", "http")
        }
        self._pools: OrderedDict[str, httpcore.AsyncConnectionPool] = OrderedDict()

    async def _pool(self, url: str, scheme: str) -> httpcore.AsyncConnectionPool:
        pool = self._pools.pop(url, None)
        if pool is None:
            if scheme == "https" and self._tls is None:
                self._tls = httpcore.default_ssl_context()
            pool = httpcore.AsyncConnectionPool(
                ssl_context=self._tls,
                keepalive_expiry=_IDLE_SECONDS,
                network_backend=self._networks[scheme],
            )
        self._pools[url] = pool
        if len(self._pools) > _POOLS:
            _, oldest = self._pools.popitem(last=False)
            await oldest.aclose()
        return pool

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Attempt:
        """Send once, within the timeout. Never raises for what lies on the way or at its end."""
        try:
            parts = check_url(url, allow_loopback=self._allow_loopback)
            pool = await self._pool(url, parts.scheme)
            async with (
                asyncio.timeout(self._timeout),
                pool.stream("POST", url, headers=list(headers.items()), content=body) as answer,
            ):
                await _drain(answer)
                return Attempt(answer.status, retry_after=_retry_after(answer))
        except _FAILURES as error:
            return Attempt(None, _failure(error))

    async def close(self) -> None:
        for pool in self._pools.values():
            await pool.aclose()


_FAILURES = (
    Forbidden,
    TimeoutError,
    httpcore.TimeoutException,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.UnsupportedProtocol,
    OSError,
    ValueError,
)


def _failure(error: Exception) -> Failure:
    if isinstance(error, Forbidden):
        return "forbidden_address"
    if isinstance(error, TimeoutError | httpcore.TimeoutException):
        return "timeout"
    if isinstance(error.__cause__ or error.__context__, ssl.SSLError):
        return "tls"
    return "connection"


async def _drain(answer: httpcore.Response) -> None:
    """Read so much that the connection can be used again, and throw it away."""
    read = 0
    async for part in answer.aiter_stream():
        read += len(part)
        if read > _READ_BYTES:
            return


def _retry_after(answer: httpcore.Response) -> str | None:
    for name, value in answer.headers:
        if name.lower() == b"retry-after":
            return value.decode("latin-1")[:64]
    return None
