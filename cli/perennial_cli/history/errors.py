"""What can go wrong with a history or its replay.

HistoryError             the file cannot be read as a shop's history
ReplayError
├── PlatformUnreachable  a service did not answer, however often it was asked
└── KeyRefused           the key is unknown, or lacks a scope
"""

MOST_PROBLEMS_SHOWN = 20


class HistoryError(Exception):
    """The file cannot be read as a shop's history; `problems` has one sentence a fault."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        shown = problems[:MOST_PROBLEMS_SHOWN]
        if len(problems) > len(shown):
            shown.append(f"… and {len(problems) - len(shown)} more")
        super().__init__("\n".join(shown))


class ReplayError(Exception):
    """The replay could not go on."""


class PlatformUnreachable(ReplayError):
    """A service did not answer, or answered 503, until patience ran out."""

    def __init__(self, url: str, seconds: float, reason: str) -> None:
        super().__init__(
            f"{url} has not answered for {seconds:.0f} s ({reason}). Is the platform running?"
        )


class KeyRefused(ReplayError):
    """The service answered 401 or 403."""

    def __init__(self, url: str, detail: str) -> None:
        super().__init__(f"{url} refuses this key: {detail}")
