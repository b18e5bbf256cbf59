"""What `support` refuses, and what the caller can do about it."""

from collections.abc import Iterable

from perennial_http import Conflict, NotFound


class UnknownComplaint(NotFound):
    def __init__(self, complaint_id: str) -> None:
        super().__init__(f"There is no complaint {complaint_id}.")


class UnknownCase(NotFound):
    def __init__(self, case_id: str) -> None:
        super().__init__(f"There is no case {case_id}.")


class ComplaintExists(Conflict):
    title = "A complaint with this complaint_id exists already"

    def __init__(self, complaint_id: str) -> None:
        super().__init__(
            f"Complaint {complaint_id} was opened before. To retry safely, send an Idempotency-Key."
        )


class UnknownReview(NotFound):
    def __init__(self, review_id: str) -> None:
        super().__init__(f"There is no review {review_id}.")


class ReviewExists(Conflict):
    title = "A review with this review_id exists already"

    def __init__(self, review_id: str) -> None:
        super().__init__(
            f"Review {review_id} was submitted before. To retry safely, send an Idempotency-Key."
        )


class IllegalTransition(Conflict):
    """Names the state and what is allowed in it."""

    title = "The present state does not allow this"

    def __init__(self, what: str, action: str, state: str, allowed: Iterable[str]) -> None:
        choices = sorted(allowed)
        super().__init__(
            f"{what} is {state}, which does not allow {action}; allowed: {', '.join(choices)}.",
            state=state,
            allowed=choices,
        )


class OtherCaseOpen(Conflict):
    """An order has one open case at a time."""

    title = "Another case about the same order is open"

    def __init__(self, case_id: str, open_case_id: str) -> None:
        super().__init__(
            f"Case {case_id} stays resolved: case {open_case_id} about the same order is open."
            " Go on there.",
            open_case_id=open_case_id,
        )
