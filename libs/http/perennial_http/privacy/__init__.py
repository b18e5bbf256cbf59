"""Personal data: declared once a table (`Holding`), and from that exported, erased and kept away.

A service lists its holdings, adds `erasure_handlers` to its subscriptions, `sweep` to its timers and
`privacy` to its routers; its migration guards the tables that must take nothing more about somebody
who was erased (`perennial_http.guard`).
"""

from perennial_http.privacy.api import EXPORTS_AT_ONCE, PERSONAL_DATA, held_lines, privacy
from perennial_http.privacy.erasure import erasure_handlers, sweep
from perennial_http.privacy.holdings import Erased, Holding, erase, remember_erased

__all__ = [
    "EXPORTS_AT_ONCE",
    "PERSONAL_DATA",
    "Erased",
    "Holding",
    "erase",
    "erasure_handlers",
    "held_lines",
    "privacy",
    "remember_erased",
    "sweep",
]
