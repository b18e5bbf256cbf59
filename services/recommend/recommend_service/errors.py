"""What `recommend` refuses, and what the caller can do about it."""

from perennial_http import NotFound, Unavailable


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
