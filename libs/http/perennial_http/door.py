"""The one ASGI layer around the routes: odd targets refused, errors rendered, every answer counted."""

import asyncio
import re
from time import perf_counter
from typing import Any

from fastapi.middleware.asyncexitstack import AsyncExitStackMiddleware
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from perennial_http import telemetry
from perennial_http.faults import problem_of
from perennial_http.problems import MEDIA_TYPE, BadRequest, InternalError, Problem
from perennial_http.routing import RouteTable
from perennial_http.runtime import Runtime, attach

_ROUTE = "route"
_BROKEN_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_ESCAPES = re.compile(rb"(?:%[0-9A-Fa-f]{2})+")

# A client that is still sending must get to read the refusal: closing at once would reset the line.
_LINGER_BYTES = 64_000_000
_LINGER_SECONDS = 2.0

# Errors reach this layer, which alone renders them: the handlers further in have nothing to look up.
_NO_HANDLERS: tuple[dict[Any, Any], dict[Any, Any]] = ({}, {})


class Door:
    """Takes the place of the framework's stack of middleware. `lifespan` goes to the router."""

    def __init__(self, runtime: Runtime, routes: RouteTable, router: ASGIApp) -> None:
        self._runtime = runtime
        self._routes = routes
        self._router = router
        self._inner = AsyncExitStackMiddleware(self._dispatch)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._router(scope, receive, send)
            return
        started = perf_counter()
        status = 0

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        telemetry.enter_request(scope)
        telemetry.IN_FLIGHT.inc()
        try:
            await self._inner(scope, receive, noting)
        except ClientDisconnect:
            status = status or 499
        except Exception as error:
            problem = problem_of(error)
            if status:
                # Half an answer is out. Breaking off is the only honest end.
                raise
            await _answer(problem, scope, receive, noting)
        finally:
            telemetry.IN_FLIGHT.dec()
            route = scope.get(_ROUTE)
            telemetry.count_request(
                scope["method"],
                route.path if route is not None else "none",
                status or 500,
                perf_counter() - started,
            )

    async def _dispatch(self, scope: Scope, receive: Receive, send: Send) -> None:
        _check_target(scope["raw_path"])
        _check_target(scope["query_string"])
        found = self._routes.find(scope)
        attach(scope, self._runtime)
        scope[_ROUTE] = found.route
        scope["path_params"] = found.path_params
        scope["starlette.exception_handlers"] = _NO_HANDLERS
        await found.route.app(scope, receive, send)


def _check_target(target: bytes) -> None:
    """Refuse what decodes to no text, or to text that no database takes. Raises `BadRequest`."""
    if target.isascii() and b"%" not in target:
        return
    if not target.isascii() or _BROKEN_ESCAPE.search(target):
        raise BadRequest("The request's path or query is not properly percent-encoded.")
    for escapes in _ESCAPES.findall(target):
        try:
            decoded = bytes.fromhex(escapes.replace(b"%", b"").decode()).decode()
        except UnicodeDecodeError:
            raise BadRequest("The request's path or query is not UTF-8.") from None
        if "\0" in decoded:
            raise BadRequest("The request's path or query holds a NUL character.")


async def _answer(problem: Problem, scope: Scope, receive: Receive, send: Send) -> None:
    if isinstance(problem, InternalError):
        problem.members["request_id"] = telemetry.request_id(scope)
    body = b"" if scope["method"] == "HEAD" else problem.body()
    headers = [
        (b"content-type", MEDIA_TYPE.encode()),
        (b"content-length", str(len(body)).encode()),
        *(
            (name.lower().encode(), value.encode("latin-1", "replace"))
            for name, value in problem.headers.items()
        ),
    ]
    await send({"type": "http.response.start", "status": problem.status, "headers": headers})
    closing = problem.headers.get("Connection") == "close"
    await send({"type": "http.response.body", "body": body, "more_body": closing})
    if closing:
        await _drain(receive)
        await send({"type": "http.response.body", "body": b""})


async def _drain(receive: Receive) -> None:
    """Throw away what the client still sends, up to a limit."""
    left = _LINGER_BYTES
    try:
        async with asyncio.timeout(_LINGER_SECONDS):
            while left > 0:
                message = await receive()
                left -= len(message.get("body", b""))
                if message["type"] != "http.request" or not message.get("more_body", False):
                    return
    except TimeoutError:
        return
