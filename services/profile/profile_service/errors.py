"""What `profile` refuses, and what the caller can do about it."""

from perennial_http import Conflict, NotFound


class UnknownCustomer(NotFound):
    def __init__(self, customer_id: str) -> None:
        super().__init__(f"There is no customer {customer_id}.")


class NothingSaid(NotFound):
    title = "The customer never said anything about this"

    def __init__(self, channel: str, purpose: str) -> None:
        super().__init__(
            f"The customer never said whether {channel} may be used for {purpose}: it may not."
        )


class UnknownErasure(NotFound):
    def __init__(self, erasure_id: str) -> None:
        super().__init__(f"There is no erasure {erasure_id}.")


class UnknownKey(NotFound):
    def __init__(self, key_id: str) -> None:
        super().__init__(f"There is no API key {key_id}.")


class CustomerExists(Conflict):
    title = "A customer with this customer_id exists already"

    def __init__(self, customer_id: str) -> None:
        super().__init__(
            f"Customer {customer_id} was registered before. To change it, send a PATCH;"
            " to retry safely, send an Idempotency-Key."
        )
