"""Errors that a caller can act on, as RFC 9457 problem details.

    Problem
    ├── BadRequest              400  the request itself cannot be read
    ├── Unauthorized            401  no key, or one that is not known
    ├── Forbidden               403  the key lacks a scope
    ├── NotFound                404
    ├── MethodNotAllowed        405
    ├── Conflict                409  the resource's state forbids it
    │   └── RequestInFlight     409  the same Idempotency-Key is being worked on
    ├── Gone                    410  it was there once, and will not come back
    │   └── ErasedCustomer      410  whoever this was about was erased
    ├── PreconditionFailed      412  If-Match names an older version
    ├── TooLarge                413
    ├── UnsupportedMediaType    415
    ├── Invalid                 422  some fields are wrong: `errors` says which
    │   └── KeyReused           422  the same Idempotency-Key with another request
    ├── TooManyRequests         429
    ├── InternalError           500  ours; the log knows more under the same request id
    └── Unavailable             503  wait and try again: Retry-After says how long

A service's own errors subclass one of these, and say what the caller can do about it::

    class OrderNotPayable(Conflict):
        title = "The order cannot be paid in its present state"
"""

import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, ClassVar, NotRequired, TypedDict

from pydantic_core import to_json

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "https://perennial.dev/problems/"

_WORD_START = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


class FieldError(TypedDict):
    """One thing that is wrong: in the body (`pointer`, RFC 6901) or in a `parameter` of the request."""

    pointer: NotRequired[str]
    parameter: NotRequired[str]
    detail: str


class Problem(Exception):
    """An error with its HTTP status, its stable type and a sentence that helps the caller.

    `members` are extension members of the problem document, such as `state="paid"`.
    """

    status: ClassVar[int] = 500
    title: ClassVar[str] = "Internal Server Error"
    type: ClassVar[str] = TYPE_PREFIX + "problem"

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "type" not in cls.__dict__:
            cls.type = TYPE_PREFIX + _WORD_START.sub("-", cls.__name__).lower()
        if "status" in cls.__dict__ and "title" not in cls.__dict__:
            cls.title = HTTPStatus(cls.status).phrase

    def __init__(
        self,
        detail: str | None = None,
        *,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
        **members: Any,
    ) -> None:
        self.detail = detail or self.title
        super().__init__(self.detail)
        self.errors = list(errors)
        self.headers = dict(headers or {})
        self.members = members

    def document(self) -> dict[str, Any]:
        """The problem as its JSON document."""
        document: dict[str, Any] = {
            "type": self.type,
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
        }
        if self.errors:
            document["errors"] = self.errors
        return {**self.members, **document}

    def body(self) -> bytes:
        # A detail may quote the caller's input; what is not text there must not break the answer.
        return to_json(self.document(), fallback=str, inf_nan_mode="null")


class BadRequest(Problem):
    status = 400


class Unauthorized(Problem):
    status = 401


class Forbidden(Problem):
    status = 403


class NotFound(Problem):
    status = 404


class MethodNotAllowed(Problem):
    status = 405


class Conflict(Problem):
    status = 409


class RequestInFlight(Conflict):
    title = "The first request with this Idempotency-Key is still being worked on"

    def __init__(self) -> None:
        super().__init__("Try again with the same key and body.", headers={"Retry-After": "1"})


class Gone(Problem):
    status = 410


class ErasedCustomer(Gone):
    title = "The customer was erased"

    def __init__(self, customer_id: str, **members: Any) -> None:
        super().__init__(
            f"Customer {customer_id} was erased: nothing about them is kept or taken any more."
            " The same person is a new customer, under a new customer_id.",
            customer_id=customer_id,
            **members,
        )


class PreconditionFailed(Problem):
    status = 412


class TooLarge(Problem):
    status = 413
    title = "Content Too Large"


class UnsupportedMediaType(Problem):
    status = 415


class Invalid(Problem):
    status = 422
    title = "Unprocessable Content"

    @classmethod
    def field(cls, pointer: str, detail: str) -> "Invalid":
        """One wrong place in the body."""
        return cls(
            f"{pointer or 'The body'}: {detail}", errors=[{"pointer": pointer, "detail": detail}]
        )

    @classmethod
    def parameter(cls, name: str, detail: str) -> "Invalid":
        """One wrong parameter in the path, the query or a header."""
        return cls(f"{name}: {detail}", errors=[{"parameter": name, "detail": detail}])


class KeyReused(Invalid):
    title = "This Idempotency-Key was used for another request"


class TooManyRequests(Problem):
    status = 429


class InternalError(Problem):
    status = 500


class Unavailable(Problem):
    status = 503

    def __init__(self, detail: str | None = None, *, retry_after: int = 1, **members: Any) -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after)}, **members)


PROBLEM_SCHEMA: dict[str, Any] = {
    "title": "Problem",
    "description": "RFC 9457 problem details.",
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["detail"],
                "properties": {
                    "pointer": {"type": "string", "description": "RFC 6901, into the body"},
                    "parameter": {"type": "string", "description": "in path, query or header"},
                    "detail": {"type": "string"},
                },
            },
        },
    },
}
"""The JSON Schema of every error answer, for OpenAPI."""


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """These statuses as OpenAPI responses whose content is a problem document."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {
        status: {"description": HTTPStatus(status).phrase, "content": content}
        for status in sorted(set(statuses))
    }
