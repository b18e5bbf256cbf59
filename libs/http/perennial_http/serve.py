"""Runs a service's application until it is told to stop, and stops it without losing a request."""

import asyncio
import signal
import socket
from collections.abc import Callable

import structlog
import uvicorn
import uvloop

from perennial_http.app import ServiceApp
from perennial_http.garbage import collect_seldom
from perennial_http.settings import ServiceSettings
from perennial_http.telemetry import configure_logging

DRAIN_SECONDS = 5
"""How long requests in flight may still take once the service was told to stop."""

_log = structlog.get_logger(__name__)


class _Server(uvicorn.Server):
    """uvicorn without its own signal handling, which ends the process by the signal it caught."""

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        await self._serve(sockets)


def serve(create: Callable[[], ServiceApp], settings: ServiceSettings) -> int:
    """Run the service in the foreground; returns the process's exit code.

    SIGTERM and SIGINT: no new connections, what is in flight gets five seconds, then the lifespan
    ends (worker, pool). A second signal ends at once. The code is not 0 when a background part died
    of an exception that it did not expect, or the start failed.
    """
    configure_logging(settings.service, log_format=settings.log_format, level=settings.log_level)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_run(create, settings))


async def _run(create: Callable[[], ServiceApp], settings: ServiceSettings) -> int:
    app = create()
    collect_seldom()
    server = _Server(server_config(app, settings))

    def stop() -> None:
        server.force_exit = server.should_exit
        server.should_exit = True

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    watching = asyncio.create_task(_stop_on_failure(app, server))
    _log.info(
        "starting",
        service=settings.service,
        host=settings.host,
        port=settings.port,
        role=settings.role,
    )
    await server.serve()
    watching.cancel()
    healthy = server.started and app.lifecycle.failure is None
    _log.info("stopped", service=settings.service)
    return 0 if healthy else 1


async def _stop_on_failure(app: ServiceApp, server: uvicorn.Server) -> None:
    await app.lifecycle.failed.wait()
    server.should_exit = True


def server_config(app: ServiceApp, settings: ServiceSettings) -> uvicorn.Config:
    """How uvicorn serves a service."""
    return uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        loop="none",
        http="httptools",
        ws="none",
        proxy_headers=False,
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )
