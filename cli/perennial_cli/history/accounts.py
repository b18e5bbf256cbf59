"""What became of every line of an input file: imported or left out, with lines and money."""

from dataclasses import dataclass, field
from decimal import Decimal

from perennial_cli.history.shop import AccountRow


@dataclass(slots=True)
class Ledger:
    """Counts lines and exact money (major units, as the file has them) by fate."""

    _rows: dict[tuple[bool, str], tuple[int, Decimal]] = field(default_factory=dict)

    def take(self, what: str, amount: Decimal) -> None:
        """A line that became part of the history."""
        self._count((True, what), amount)

    def leave_out(self, reason: str, amount: Decimal) -> None:
        """A line that did not, and why."""
        self._count((False, reason), amount)

    def rows(self) -> tuple[AccountRow, ...]:
        """The fates, imported first, each group by the number of lines."""
        ordered = sorted(self._rows.items(), key=lambda row: (not row[0][0], -row[1][0]))
        return tuple(
            AccountRow(imported, what, lines, str(amount))
            for (imported, what), (lines, amount) in ordered
        )

    def _count(self, key: tuple[bool, str], amount: Decimal) -> None:
        lines, total = self._rows.get(key, (0, Decimal(0)))
        self._rows[key] = (lines + 1, total + amount)
