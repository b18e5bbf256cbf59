"""What `profile` refuses, and what the caller can do about it."""

from collections.abc import Sequence

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


class UnknownMerge(NotFound):
    def __init__(self, merge_id: str) -> None:
        super().__init__(f"There is no merge {merge_id}.")


class UnknownIdentity(NotFound):
    def __init__(self, customer_id: str, identity_id: str) -> None:
        super().__init__(f"Customer {customer_id} has no identity {identity_id}.")


class IdentityTaken(Conflict):
    title = "Another customer has this identity"

    def __init__(self, kind: str, customer_id: str) -> None:
        super().__init__(
            f"This {kind} is customer {customer_id}'s. If the two are one, merge them.",
            customer_id=customer_id,
        )


class MergedWithThemselves(Conflict):
    title = "A customer cannot be merged with themselves"

    def __init__(self, customer_id: str) -> None:
        super().__init__(f"Both are customer {customer_id}: name two customers.")


class AlreadyMerged(Conflict):
    title = "One of the customers was merged into another"

    def __init__(self, customer_id: str, survivor_id: str) -> None:
        super().__init__(
            f"Customer {customer_id} was merged into {survivor_id}. Name {survivor_id} instead, or"
            " undo that merge first.",
            customer_id=customer_id,
            survivor_id=survivor_id,
        )


class MergedWithErased(Conflict):
    title = "One of the customers was erased"

    def __init__(self, customer_id: str, into_id: str) -> None:
        super().__init__(
            f"Of {customer_id} and {into_id} one was erased: there is nobody to merge."
        )


class MergedInACircle(Conflict):
    title = "The merge would close a circle"

    def __init__(self, customer_id: str, into_id: str) -> None:
        super().__init__(
            f"Customer {into_id} was merged into {customer_id}, so {customer_id} cannot be merged"
            f" into {into_id}. The two are one already; to turn it round, undo that merge first.",
            customer_id=into_id,
            survivor_id=customer_id,
        )


class KindsDiffer(Conflict):
    title = "A company and a person cannot be merged"

    def __init__(self, customer_id: str, kind: str, into_id: str, into_kind: str) -> None:
        super().__init__(
            f"Customer {customer_id} is a {kind}, customer {into_id} a {into_kind}. A person belongs"
            " to a company by company_id."
        )


class MergeUndoneBefore(Conflict):
    title = "This merge is undone already"

    def __init__(self, merge_id: str) -> None:
        super().__init__(
            f"Merge {merge_id} was undone before. To retry safely, send an Idempotency-Key."
        )
