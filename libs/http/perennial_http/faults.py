"""From any exception to the problem that its caller is told."""

from collections.abc import Sequence
from typing import Any

import structlog
from fastapi.exceptions import RequestValidationError
from pydantic_core import ErrorDetails
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException

from perennial_events.errors import is_transient, sqlstate
from perennial_http.problems import (
    BadRequest,
    Conflict,
    ErasedCustomer,
    FieldError,
    Forbidden,
    InternalError,
    Invalid,
    MethodNotAllowed,
    NotFound,
    Problem,
    TooLarge,
    Unauthorized,
    Unavailable,
    UnsupportedMediaType,
)
from perennial_http.schema import ERASED_STATE

_BY_STATUS: dict[int, type[Problem]] = {
    kind.status: kind
    for kind in (
        Unauthorized,
        Forbidden,
        NotFound,
        MethodNotAllowed,
        Conflict,
        TooLarge,
        UnsupportedMediaType,
        Invalid,
    )
}

_log = structlog.get_logger(__name__)


def problem_of(error: Exception) -> Problem:
    """The problem to answer with. What is our own fault is logged here, and not told."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, RequestValidationError):
        return invalid_parameters(error.errors())
    if isinstance(error, HTTPException):
        kind = _BY_STATUS.get(
            error.status_code, BadRequest if error.status_code < 500 else InternalError
        )
        return kind(str(error.detail), headers=error.headers)
    if (problem := _database_problem(error)) is not None:
        return problem
    _log.error("request_failed", exc_info=error)
    return InternalError("Something went wrong on our side; it has been recorded.")


def _database_problem(error: Exception) -> Problem | None:
    state = sqlstate(error) or ""
    if state == ERASED_STATE:
        return ErasedCustomer(_without_parameters(error))
    # 22: a value that its column cannot hold; 54: one too long for an index.
    if state.startswith(("22", "54")) or _is_encoding_error(error):
        return Invalid("A value is outside of what can be stored.")
    if state.startswith("23"):
        return Conflict("Another request changed the same thing; read it again.")
    if isinstance(error, PoolTimeout) or is_transient(error):
        _log.warning("database_unavailable", error=_without_parameters(error))
        return Unavailable("The database is not available at the moment.")
    return None


def _without_parameters(error: Exception) -> str:
    # SQLAlchemy quotes the statement's parameters, which may be personal data.
    return str((error.orig if isinstance(error, DBAPIError) else None) or error)[:500]


def _is_encoding_error(error: Exception) -> bool:
    """asyncpg refuses what does not fit a parameter's type before the server sees it."""
    original = error.orig if isinstance(error, DBAPIError) else error
    cause = original.__cause__ if original is not None else None
    return any(
        isinstance(each, ValueError | OverflowError) and _is_asyncpg(each)
        for each in (original, cause)
    )


def _is_asyncpg(error: BaseException) -> bool:
    return type(error).__module__.startswith("asyncpg.")


def invalid_parameters(errors: Sequence[Any]) -> Invalid:
    """FastAPI's validation errors of path, query, header and cookie (bodies are ours, see bodies.py)."""
    found: list[FieldError] = []
    for error in errors:
        where, *path = error["loc"]
        if where == "body":
            found.append({"pointer": pointer(path), "detail": error["msg"]})
        else:
            name = ".".join(str(part) for part in path) or str(where)
            found.append({"parameter": name, "detail": error["msg"]})
    return Invalid(_summary(found), errors=found)


def invalid_body(errors: Sequence[ErrorDetails], data: Any) -> Invalid:
    """Pydantic's errors about `data`, each with its pointer."""
    found: list[FieldError] = [
        {"pointer": pointer(_within(data, error["loc"])), "detail": error["msg"]}
        for error in errors
    ]
    return Invalid(_summary(found), errors=found)


def _summary(errors: Sequence[FieldError]) -> str:
    first = errors[0]
    where = first.get("parameter") or first.get("pointer") or "The body"
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return f"{where}: {first['detail']}{more}"


def pointer(path: Sequence[int | str]) -> str:
    """RFC 6901."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)


def _within(data: Any, loc: Sequence[int | str]) -> list[int | str]:
    """The part of `loc` that is a path into `data`.

    Pydantic also names the branches of unions there, which the caller never wrote. A last part that
    is not in an object is the field that is missing from it.
    """
    path: list[int | str] = []
    for position, part in enumerate(loc):
        last = position == len(loc) - 1
        if isinstance(data, dict) and isinstance(part, str) and (part in data or last):
            data = data.get(part)
        elif isinstance(data, list) and isinstance(part, int) and part < len(data):
            data = data[part]
        else:
            continue
        path.append(part)
    return path
