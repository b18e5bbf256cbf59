"""The terminal and the log files: every line says whose it is."""

import os
import sys
from pathlib import Path

_COLOURS = {
    "perennial": "1",
    "profile": "36",
    "orders": "32",
    "engagement": "35",
    "support": "33",
    "recommend": "34",
    "migrate": "90",
    "kafka": "90",
}
_WIDTH = max(map(len, _COLOURS))
_LOG_LIMIT_BYTES = 20_000_000


class Output:
    """Writes lines with a prefix to the terminal, and without it to a file for each source."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._coloured = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        self._terminal_is_gone = False

    def say(self, text: str) -> None:
        """A line of the supervisor's own."""
        for line in text.splitlines():
            self.line("perennial", line)

    def line(self, source: str, text: str) -> None:
        """A line of `source`, to the terminal and to its log."""
        with (self._logs / f"{source}.log").open("a", encoding="utf-8", errors="replace") as log:
            log.write(f"{text}\n")
        self._show(source, text)

    def secret(self, text: str) -> None:
        """A line of the supervisor's own that belongs into no log file."""
        self._show("perennial", text)

    def _show(self, source: str, text: str) -> None:
        if self._terminal_is_gone:
            return
        prefix = f"{source:<{_WIDTH}} |"
        if self._coloured:
            prefix = f"\x1b[{_COLOURS.get(source, '0')}m{prefix}\x1b[0m"
        try:
            print(prefix, text, flush=True)
        except OSError:
            # Whoever read our lines has gone (`… | head`); the platform goes on, and so do its log files.
            self._terminal_is_gone = True

    def rotate(self, source: str) -> None:
        """Set a large log aside; called when its source starts."""
        path = self._logs / f"{source}.log"
        if path.exists() and path.stat().st_size > _LOG_LIMIT_BYTES:
            path.replace(path.with_name(f"{path.name}.1"))
