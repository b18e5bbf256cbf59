"""`create_app`: a service's FastAPI application, from its routers to its health checks."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from fastapi import APIRouter, FastAPI
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp

from perennial_events.database import Database
from perennial_http import health
from perennial_http.audit import AuditTrail
from perennial_http.door import Door
from perennial_http.health import Checks, database_check
from perennial_http.keys import SECURITY_SCHEMES, KeyRing
from perennial_http.lifecycle import Lifecycle, Worker
from perennial_http.problems import PROBLEM_SCHEMA
from perennial_http.routes import ServiceRoute
from perennial_http.routing import RouteTable
from perennial_http.runtime import Runtime
from perennial_http.settings import ServiceSettings

Background = Callable[[], Awaitable[None]]
"""Work beside the requests: runs until it is cancelled; an exception out of it stops the service."""


class ServiceApp(FastAPI):
    """FastAPI with one layer around its routes instead of seven. `runtime` is what requests need."""

    runtime: Runtime
    lifecycle: Lifecycle
    worker: Worker | None
    """The background half, also where this process's role leaves it to others."""

    def build_middleware_stack(self) -> ASGIApp:
        app: ASGIApp = Door(self.runtime, RouteTable(self.router.routes), self.router)
        for cls, args, kwargs in reversed(self.user_middleware):
            app = cls(app, *args, **kwargs)
        return app

    def openapi(self) -> dict[str, Any]:
        if not self.openapi_schema:
            schema = super().openapi()
            components = schema.setdefault("components", {})
            components["securitySchemes"] = SECURITY_SCHEMES
            schemas = components.setdefault("schemas", {})
            schemas["Problem"] = PROBLEM_SCHEMA
        return self.openapi_schema or {}


def create_app(
    *,
    title: str,
    version: str,
    settings: ServiceSettings,
    database: Database,
    routers: Sequence[APIRouter],
    worker: Worker | None = None,
    checks: Checks | None = None,
    background: Mapping[str, Background] | None = None,
    closing: Sequence[Callable[[], Awaitable[None]]] = (),
    description: str = "",
) -> ServiceApp:
    """The application of one service.

    Each router carries its own prefix and `route_class=TransactionalRoute` (or `ServiceRoute`), and
    each of its routes a scope (`Authorized`) or `PUBLIC`. `checks` are asked by /health/ready beside
    the database and the worker. `settings.role` decides whether the routers and the worker take part.
    `closing` lets go of what requests use beside the database, once the last was answered.
    """
    runtime = Runtime(
        settings, database, KeyRing(database, settings.admin_key_sha256), AuditTrail(database)
    )
    lifecycle = Lifecycle(
        runtime,
        worker=None if settings.role == "api" else worker,
        background=background or {},
        closing=closing,
    )

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with lifecycle.running():
            yield

    app = ServiceApp(
        title=title,
        version=version,
        description=description,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.runtime = app.state.runtime = runtime
    app.lifecycle = lifecycle
    app.worker = worker
    for router in () if settings.role == "worker" else routers:
        _take(app, router)
    _add_operations(
        app, {"database": database_check(database), "worker": lifecycle.check, **(checks or {})}
    )
    return app


def _take(app: ServiceApp, router: APIRouter) -> None:
    """Add a router's routes themselves: `include_router` would match each request twice."""
    for route in router.routes:
        if not isinstance(route, ServiceRoute):
            raise TypeError(
                f"{route!r}: make the router with route_class=TransactionalRoute or ServiceRoute"
            )
        if not (route.required or route.public):
            raise TypeError(f"{route.path}: declare dependencies=[Authorized(…)] or PUBLIC")
        app.router.routes.append(route)


def _add_operations(app: ServiceApp, checks: Checks) -> None:
    async def live(_: Request) -> Response:
        return JSONResponse({"status": "live"})

    async def ready(_: Request) -> Response:
        return await health.readiness(checks)

    async def metrics(_: Request) -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    for path, endpoint in (("/health/live", live), ("/health/ready", ready), ("/metrics", metrics)):
        app.router.add_route(path, endpoint, methods=["GET"], include_in_schema=False)
