"""What `profile` refuses, and what the caller can do about it."""

from perennial_http import Conflict, NotFound


class UnknownCustomer(NotFound):
    def __init__(self, customer_id: str) -> None:
        super().__init__(f"There is no customer {customer_id}.")


class UnknownKey(NotFound):
    def __init__(self, key_id: str) -> None:
        super().__init__(f"There is no API key {key_id}.")


class UnknownFit(NotFound):
    def __init__(self, job_id: str) -> None:
        super().__init__(f"There is no fit {job_id}.")


class NoValueModel(NotFound):
    title = "No value model is fitted yet"

    def __init__(self) -> None:
        super().__init__("Ask for one with POST /v1/value-model/fit.")


class FitUnderWay(Conflict):
    title = "Another fit is under way"

    def __init__(self, job_id: str) -> None:
        super().__init__(f"Wait until fit {job_id} has ended, then ask again.", job_id=job_id)


class CustomerExists(Conflict):
    title = "A customer with this customer_id exists already"

    def __init__(self, customer_id: str) -> None:
        super().__init__(
            f"Customer {customer_id} was registered before. To change it, send a PATCH;"
            " to retry safely, send an Idempotency-Key."
        )
