"""A shop's history as a stream of public-API calls, its replay through the services, and the result.

source.load ──> History (Items in order of time) ──> replay.replay ──> show.show
  ├ simulator       a seeded shop that ships with the project
  ├ online_retail   the real shop of the UCI data set
  └ csv_file        a shop of one's own
"""

from perennial_cli.history.demo import run_demo
from perennial_cli.history.errors import HistoryError, KeyRefused, PlatformUnreachable, ReplayError
from perennial_cli.history.platform import Platform
from perennial_cli.history.replay import replay
from perennial_cli.history.report import ReplayReport
from perennial_cli.history.shop import History, Item, Kind, Totals
from perennial_cli.history.show import show
from perennial_cli.history.source import currency_of, load

__all__ = [
    "History",
    "HistoryError",
    "Item",
    "KeyRefused",
    "Kind",
    "Platform",
    "PlatformUnreachable",
    "ReplayError",
    "ReplayReport",
    "Totals",
    "currency_of",
    "load",
    "replay",
    "run_demo",
    "show",
]
