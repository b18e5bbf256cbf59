"""Logs that people can read, and figures that Prometheus can."""

import logging
import re
import sys
from contextvars import ContextVar
from typing import Literal
from uuid import uuid4

import structlog
from prometheus_client import Counter, Gauge, Histogram
from starlette.types import Scope
from structlog.typing import EventDict, Processor, WrappedLogger

SLOW_SECONDS = 1.0
"""Requests that take longer are logged."""

_REQUEST: ContextVar[Scope | None] = ContextVar("perennial_request", default=None)
_REQUEST_ID = "perennial.request_id"
_SAFE_ID = re.compile(rb"[\w.:-]{1,128}", re.ASCII)
_TRACEPARENT = re.compile(rb"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")

_LABELS = ("method", "route", "status")
_REQUESTS = Counter("http_requests", "Requests answered", _LABELS)
_SECONDS = Histogram(
    "http_request_duration_seconds",
    "From the request's head to the end of its answer",
    _LABELS,
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
)
IN_FLIGHT = Gauge("http_requests_in_flight", "Requests being worked on")

_OTHER = "OTHER"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_children: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}

_log = structlog.get_logger(__name__)


def enter_request(scope: Scope) -> None:
    """Let every log line of this request carry its id, which is worked out only if there is one."""
    _REQUEST.set(scope)


def request_id(scope: Scope) -> str:
    """The caller's `X-Request-Id`, or one of our own."""
    if _REQUEST_ID not in scope:
        sent = _header(scope, b"x-request-id", _SAFE_ID)
        scope[_REQUEST_ID] = sent or uuid4().hex
    found: str = scope[_REQUEST_ID]
    return found


def count_request(method: str, route: str, status: int, seconds: float) -> None:
    """Count one answer. `route` is the template: a raw path would make a label of every id."""
    label = (method if method in _METHODS else _OTHER, route, status // 100)
    child = _children.get(label)
    if child is None:
        names = (label[0], route, f"{label[2]}xx")
        child = _children[label] = (_REQUESTS.labels(*names), _SECONDS.labels(*names))
    child[0].inc()
    child[1].observe(seconds)
    # A readiness probe is asked to say 503 while the service starts or drains: that is no event.
    # An import lasts as long as its caller has lines.
    failed = status >= 500 and not route.startswith("/health/")
    slow = seconds > SLOW_SECONDS and not route.endswith(":import")
    if failed or slow:
        _log.warning(
            "request", method=method, route=route, status=status, ms=round(seconds * 1000, 1)
        )


def log_answer(method: str, route: str, status: int, seconds: float) -> None:
    """One line at debug for those who look for it."""
    _log.debug("request", method=method, route=route, status=status, ms=round(seconds * 1000, 1))


def configure_logging(
    service: str, *, log_format: Literal["console", "json"] = "console", level: str = "info"
) -> None:
    """One line an event on standard output, for our loggers and for everyone else's alike."""
    shared: list[Processor] = [
        _add_request,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(
            fmt="iso" if log_format == "json" else "%H:%M:%S.%f", utc=True
        ),
    ]
    renderers = _json_renderers(service) if log_format == "json" else _console_renderers()
    threshold = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[*shared, *renderers],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.WriteLoggerFactory(sys.stdout),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderers],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(threshold)
    # uvicorn tells of every start and stop at info: its callers do so themselves.
    logging.getLogger("uvicorn").setLevel(max(threshold, logging.WARNING))


def _console_renderers() -> list[Processor]:
    return [
        structlog.dev.ConsoleRenderer(
            colors=sys.stdout.isatty(),
            exception_formatter=structlog.dev.plain_traceback,
            pad_event_to=0,
        )
    ]


def _json_renderers(service: str) -> list[Processor]:
    def add_service(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
        event["service"] = service
        return event

    return [add_service, structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]


def _add_request(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    scope = _REQUEST.get()
    if scope is not None:
        event.setdefault("request_id", request_id(scope))
        if traceparent := _header(scope, b"traceparent", _TRACEPARENT):
            event.setdefault("traceparent", traceparent)
    return event


def _header(scope: Scope, wanted: bytes, pattern: re.Pattern[bytes]) -> str | None:
    for name, value in scope["headers"]:
        if name == wanted:
            return str(value, "ascii") if pattern.fullmatch(value) else None
    return None
