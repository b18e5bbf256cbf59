"""The bytes of a call: read within their limit, and unpacked where an SDK packed them."""

import zlib

from starlette.requests import Request

from engagement_service.errors import BrokenCompression, CallTooLarge
from perennial_http import TooLarge
from perennial_http.bodies import (
    LimitedReceive,
    check_declared_length,
    read_body,
    require_media_type,
)

# Browsers send text/plain, which spares them a question in advance (CORS); it is JSON all the same.
MEDIA_TYPES = ("application/json", "text/plain")

_GZIP = 31
"""zlib's window size for gzip."""


async def read_call(request: Request, limit: int) -> bytes:
    """The JSON of a request, at most `limit` bytes. Raises `CallTooLarge` and `BrokenCompression`."""
    try:
        check_declared_length(request.scope, limit)
        raw = await read_body(LimitedReceive(request.receive, limit))
    except TooLarge:
        raise _over(limit, unread=True) from None
    require_media_type(request.scope, *MEDIA_TYPES)
    if request.headers.get("content-encoding", "").lower() == "gzip":
        return _unpack(raw, limit)
    return raw


def _unpack(raw: bytes, limit: int) -> bytes:
    unpacking = zlib.decompressobj(_GZIP)
    try:
        plain = unpacking.decompress(raw, limit + 1)
    except zlib.error:
        raise BrokenCompression from None
    if len(plain) > limit:
        raise _over(limit)
    if not unpacking.eof:
        raise BrokenCompression
    return plain


def _over(limit: int, *, unread: bool = False) -> CallTooLarge:
    return CallTooLarge(f"The body may have {limit} bytes at most.", unread=unread)
