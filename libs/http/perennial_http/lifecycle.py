"""What a service starts before its first request, and stops after its last."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Protocol

import structlog

from perennial_events.errors import is_transient
from perennial_http.runtime import Runtime

_log = structlog.get_logger(__name__)


class Worker(Protocol):
    """The background half of a service, as `perennial_events.Worker` is."""

    def start(self, on_failure: Callable[[BaseException], None]) -> None: ...

    async def ready(self) -> bool: ...

    async def stop(self) -> None: ...


class Lifecycle:
    """Starts and stops the keys' refresh, the worker and further background work.

    `failure` is the exception by which one of them ended; `failed` is set then, and whoever serves
    the application (see serve.py) stops it.
    """

    def __init__(
        self,
        runtime: Runtime,
        *,
        worker: Worker | None,
        background: Mapping[str, Callable[[], Awaitable[None]]],
        closing: Sequence[Callable[[], Awaitable[None]]] = (),
    ) -> None:
        self._runtime = runtime
        self._worker = worker
        self._closing = closing
        self._background = {
            "keys": runtime.keys.keep_fresh,
            "audit": runtime.audit.keep_written,
            **background,
        }
        self.failure: BaseException | None = None
        self.failed = asyncio.Event()

    async def check(self) -> bool:
        """Whether everything that was started still runs, and the worker is ready."""
        return self.failure is None and (self._worker is None or await self._worker.ready())

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Everything runs inside this block."""
        try:
            await self._runtime.keys.refresh()
        except Exception as error:
            if not is_transient(error):
                raise
            # The refresh tries again every second; until then only the admin key is known.
            _log.warning("keys_not_loaded", error=str(error)[:200])
        tasks = [
            asyncio.create_task(self._watched(name, run)) for name, run in self._background.items()
        ]
        if self._worker is not None:
            self._worker.start(lambda error: self._fail("worker", error))
        try:
            yield
        finally:
            if self._worker is not None:
                await self._worker.stop()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for close in self._closing:
                await close()
            await self._runtime.database.close()

    async def _watched(self, name: str, run: Callable[[], Awaitable[None]]) -> None:
        try:
            await run()
        except Exception as error:  # noqa: BLE001 - recorded, and it stops the service
            self._fail(name, error)

    def _fail(self, name: str, error: BaseException) -> None:
        _log.critical("stopping", part=name, exc_info=error)
        self.failure = self.failure or error
        self.failed.set()
