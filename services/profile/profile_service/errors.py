"""What `profile` refuses, and what the caller can do about it."""

from collections.abc import Sequence

from perennial_http import Conflict, NotFound


class UnknownCustomer(NotFound):
    def __init__(self, customer_id: str) -> None:
        super().__init__(f"There is no customer {customer_id}.")


class UnknownKey(NotFound):
    def __init__(self, key_id: str) -> None:
        super().__init__(f"There is no API key {key_id}.")


class UnknownSegment(NotFound):
    def __init__(self, segment_id: str) -> None:
        super().__init__(f"There is no segment {segment_id}.")


class SegmentExists(Conflict):
    title = "A segment with this segment_id exists already"

    def __init__(self, segment_id: str) -> None:
        super().__init__(
            f"Segment {segment_id} was made before. To change it, send a PUT;"
            " to retry safely, send an Idempotency-Key."
        )


class SegmentInUse(Conflict):
    title = "Other segments name this one"

    def __init__(self, segment_id: str, dependents: Sequence[str]) -> None:
        super().__init__(
            f"The rules of {', '.join(dependents)} name {segment_id}: change or remove these first.",
            dependents=list(dependents),
        )


class CustomerExists(Conflict):
    title = "A customer with this customer_id exists already"

    def __init__(self, customer_id: str) -> None:
        super().__init__(
            f"Customer {customer_id} was registered before. To change it, send a PATCH;"
            " to retry safely, send an Idempotency-Key."
        )
