"""Whether others want the processor that this process runs on, and what a consumer that is behind owes them."""

from pathlib import Path

SCHEDULER_COUNTERS = Path("/proc/self/schedstat")
"""Of this process's main thread, in nanoseconds: how long it ran, and how long it was ready to and waited."""

CONTENDED = 0.2
"""The share of waiting from which on the processor is wanted by more than it can serve."""

AVERAGED_OVER = 2
"""Batches, the later ones the more. Over four, whoever places orders feels that nobody gives way yet."""

TURNS_OF_OTHERS = 2
LONGEST_TURN_SECONDS = 1.0


class Pressure:
    """The share of its time that this process was ready to run but had to wait, while it worked off batches."""

    def __init__(self, counters: Path = SCHEDULER_COUNTERS) -> None:
        self._counters = counters
        self._ran, self._waited = self._read()
        self._lately = 0.0

    def begin(self) -> None:
        """A batch begins: what was before does not count."""
        self._ran, self._waited = self._read()

    def end(self) -> float:
        """The share from 0 (never waited, or the system does not tell) to 1 (never ran), over the last batches.

        Of a single batch it is chance: its own database and a moment of another program make it as
        great as a crowd would.
        """
        before = (self._ran, self._waited)
        self._ran, self._waited = self._read()
        ran, waited = self._ran - before[0], self._waited - before[1]
        share = waited / (ran + waited) if waited else 0.0
        self._lately += (share - self._lately) / AVERAGED_OVER
        return self._lately

    def _read(self) -> tuple[int, int]:
        try:
            ran, waited, _ = self._counters.read_text().split()
        except (OSError, ValueError):  # not Linux, or a Linux that does not count
            return 0, 0
        return int(ran), int(waited)


def turn_of_others(seconds: float, pressure: float) -> float:
    """For how many seconds a consumer that is behind gives way, whose batch took `seconds` under `pressure`.

    Where the processor is contended it works a third of the time: a request that is not accepted is
    lost to the shop, an event that waits in the log is only later.
    """
    if pressure < CONTENDED:
        return 0.0
    return min(TURNS_OF_OTHERS * seconds, LONGEST_TURN_SECONDS)
