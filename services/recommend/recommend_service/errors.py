"""What `recommend` refuses, and what the caller can do about it."""

from collections.abc import Iterable

from perennial_http import Invalid


class UnknownStrategy(Invalid):
    """Names the strategies that can be asked for."""

    def __init__(self, strategy: str, known: Iterable[str], *, planned: bool) -> None:
        why = "is not offered yet" if planned else "is no strategy"
        detail = (
            f"{strategy} {why}; ask for one of {', '.join(known)}, or leave the parameter out"
            " and get what fits the placement"
        )
        super().__init__(
            f"strategy: {detail}.", errors=[{"parameter": "strategy", "detail": detail}]
        )
