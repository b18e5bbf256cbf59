"""How long to wait before something that died is started again."""

FIRST_SECONDS = 0.2
LONGEST_SECONDS = 10.0
HEALTHY_AFTER_SECONDS = 30.0


class Pause:
    """0.2 s, doubling to 10 s; from the beginning again after 30 s of health."""

    def __init__(self) -> None:
        self._next = FIRST_SECONDS

    def after(self, ran_for: float) -> float:
        """The pause after a run of `ran_for` seconds."""
        if ran_for >= HEALTHY_AFTER_SECONDS:
            self._next = FIRST_SECONDS
        pause = self._next
        self._next = min(pause * 2, LONGEST_SECONDS)
        return pause
