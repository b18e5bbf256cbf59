"""What `engagement` refuses, and what the caller can do about it."""

from perennial_http import BadRequest, Conflict, Invalid, NotFound, Unavailable


class CallTooLarge(BadRequest):
    title = "The call is over its limits"

    def __init__(self, detail: str, *, unread: bool = False) -> None:
        # What was not read of the body would be taken for the next request on this connection.
        super().__init__(detail, headers={"Connection": "close"} if unread else None)


class BrokenCompression(BadRequest):
    def __init__(self) -> None:
        super().__init__("The body is not the gzip that its Content-Encoding says.")


class Refused(Invalid):
    """One call is not taken; in a batch, only this one."""

    def __init__(self, field: str, detail: str) -> None:
        super().__init__(f"/{field}: {detail}", errors=[{"pointer": f"/{field}", "detail": detail}])


class LogAway(Unavailable):
    def __init__(self) -> None:
        super().__init__(
            "The event log does not answer, so nothing was accepted. Send the same again: what"
            " carries a messageId is counted once."
        )


class UnknownEndpoint(NotFound):
    def __init__(self, endpoint_id: str) -> None:
        super().__init__(f"There is no webhook endpoint {endpoint_id}.")


class UnknownDelivery(NotFound):
    def __init__(self, delivery_id: int) -> None:
        super().__init__(f"This endpoint has no delivery {delivery_id}.")


class EndpointExists(Conflict):
    title = "A webhook endpoint with this endpoint_id exists already"

    def __init__(self, endpoint_id: str) -> None:
        super().__init__(
            f"Endpoint {endpoint_id} was created before. To retry safely, send an Idempotency-Key."
        )


class ForbiddenUrl(Invalid):
    title = "No webhook is sent there"

    def __init__(self, reason: str) -> None:
        super().__init__(f"/url: {reason}", errors=[{"pointer": "/url", "detail": reason}])
