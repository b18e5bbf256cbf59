"""What `recommend` refuses, and what the caller can do about it."""

from collections.abc import Iterable

from perennial_http import Invalid, NotFound, Unavailable


class UnknownStrategy(Invalid):
    """Names the strategies that can be asked for."""

    def __init__(self, strategy: str, known: Iterable[str]) -> None:
        detail = (
            f"{strategy} is no strategy; ask for one of {', '.join(known)}, or leave the parameter"
            " out and get what fits the placement"
        )
        super().__init__(
            f"strategy: {detail}.", errors=[{"parameter": "strategy", "detail": detail}]
        )


class ModelsLoading(Unavailable):
    title = "The models are being loaded"

    def __init__(self) -> None:
        super().__init__("The service has just started; try again in a moment.")


class RuleNotFound(NotFound):
    def __init__(self, rule_id: str) -> None:
        super().__init__(f"There is no rule {rule_id}.")


class DecisionNotFound(NotFound):
    def __init__(self, decision_id: str) -> None:
        super().__init__(
            f"No recommendation {decision_id} is known; a new one is known after a second, and each"
            " is kept for 90 days."
        )


class SkuNotRecommended(Invalid):
    def __init__(self, place: int, sku: str) -> None:
        detail = f"{sku} was not among those recommended"
        super().__init__(
            f"/outcomes/{place}/sku: {detail}.",
            errors=[{"pointer": f"/outcomes/{place}/sku", "detail": detail}],
        )
