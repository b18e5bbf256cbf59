"""The route class under every endpoint: key first, then the body within its limit, then the endpoint."""

from collections.abc import Callable, Coroutine, Sequence
from typing import Annotated, Any

from fastapi import params
from fastapi.routing import APIRoute
from pydantic import TypeAdapter
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope

from perennial_http.audit import PERSONAL
from perennial_http.bodies import (
    JsonReader,
    LimitedReceive,
    check_declared_length,
    read_body,
    require_media_type,
)
from perennial_http.etags import unchanged
from perennial_http.keys import PUBLIC, Authorized
from perennial_http.problems import Invalid, documented
from perennial_http.runtime import runtime_of

Handler = Callable[[Request], Coroutine[Any, Any, Response]]

WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
UNLIMITED = -1


class ReadRequest(Request):
    """A request whose body was read and validated before FastAPI asks for it."""

    def __init__(self, scope: Scope, receive: Receive, raw: bytes, value: Any) -> None:
        super().__init__(scope, receive)
        self._body = raw
        self._value = value

    async def json(self) -> Any:
        return self._value

    @property
    def fields(self) -> frozenset[str]:
        """The names of the body's fields that were sent."""
        return frozenset(getattr(self._value, "model_fields_set", ()))


class ServiceRoute(APIRoute):
    """Checks the key before anything is read, validates JSON from its bytes, and documents its errors.

    `max_body_bytes` among a route's `openapi_extra` (see `body_limit`) overrides the service's limit.
    """

    def __init__(
        self,
        path: str,
        endpoint: Callable[..., Any],
        *,
        dependencies: Sequence[params.Depends] | None = None,
        responses: dict[int | str, dict[str, Any]] | None = None,
        openapi_extra: dict[str, Any] | None = None,
        methods: set[str] | list[str] | None = None,
        **options: Any,
    ) -> None:
        declared = list(dependencies or ())
        extra = dict(openapi_extra or {})
        self.required = [each for each in declared if isinstance(each, Authorized)]
        self.public = any(each is PUBLIC for each in declared)
        self.personal = any(each is PERSONAL for each in declared)
        self.max_body_bytes: int | None = extra.pop(_LIMIT, None)
        writes = not WRITES.isdisjoint(methods or ())
        if self.required:
            extra.setdefault("security", self.required[-1].security)
        super().__init__(
            path,
            endpoint,
            # What this class checks itself, and earlier, FastAPI need not check again.
            dependencies=[
                each
                for each in declared
                if each not in self.required and each is not PUBLIC and each is not PERSONAL
            ],
            responses={**_documented_errors(path, writes=writes), **(responses or {})},
            openapi_extra=extra or None,
            methods=methods,
            **options,
        )

    def get_route_handler(self) -> Handler:
        handle = super().get_route_handler()
        run = self.run
        required = tuple(self.required)
        reader = self._reader()
        writes = not WRITES.isdisjoint(self.methods or ())

        async def handler(request: Request) -> Response:
            scope = request.scope
            for each in required:
                each.check(scope)
            if not writes:
                return _unless_unchanged(scope, await run(handle, request, b""))
            receive = self._limited(scope, request.receive)
            if reader is None:
                return await run(handle, Request(scope, receive), None)
            raw = await read_body(receive)
            if raw or self.body_required:
                require_media_type(scope, "application/json")
                value = reader.read(raw) if raw else _missing_body()
                return await run(handle, ReadRequest(scope, receive, raw, value), raw)
            return await run(handle, ReadRequest(scope, receive, raw, None), raw)

        return handler

    async def run(self, handle: Handler, request: Request, body: bytes | None) -> Response:
        """Call the endpoint. `body` is None where the endpoint itself reads it."""
        del body
        return await handle(request)

    @property
    def body_required(self) -> bool:
        return self.body_field is not None and self.body_field.field_info.is_required()

    def _reader(self) -> JsonReader[Any] | None:
        if self.body_field is None:
            return None
        if self._embed_body_fields:
            raise TypeError(f"{self.path}: an endpoint takes one body, of one model")
        info = self.body_field.field_info
        annotation: Any = Annotated[info.annotation, info]
        return JsonReader(TypeAdapter(annotation))

    def _limited(self, scope: Scope, receive: Receive) -> Receive:
        limit = self.max_body_bytes
        if limit == UNLIMITED:
            return receive
        if limit is None:
            limit = runtime_of(scope).settings.max_body_bytes
        check_declared_length(scope, limit)
        return LimitedReceive(receive, limit)


_LIMIT = "x-max-body-bytes"


def body_limit(max_bytes: int) -> dict[str, Any]:
    """For a route's `openapi_extra`: another limit than the service's, or `UNLIMITED`."""
    return {_LIMIT: max_bytes}


def _missing_body() -> Any:
    raise Invalid.field("", "is required, and the request has none")


def _documented_errors(path: str, *, writes: bool) -> dict[int | str, dict[str, Any]]:
    statuses = [400, 401, 403, 422, 503]
    if "{" in path:
        statuses += [404, 410]
    if writes:
        statuses += [404, 409, 410, 412, 413, 415, 429]
    return documented(*statuses)


def _unless_unchanged(scope: Scope, response: Response) -> Response:
    """304 for a reader who has this very version already (If-None-Match)."""
    for name, value in scope["headers"]:
        if name == b"if-none-match":
            tag = response.headers.get("etag")
            if tag and response.status_code == 200 and unchanged(value.decode("latin-1"), tag):
                return Response(status_code=304, headers={"ETag": tag})
            break
    return response
