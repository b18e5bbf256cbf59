"""`python -m bench`: measure the platform's speed and memory on this machine; see README.md."""

import argparse
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bench import machine, results
from bench.backlog import Backlog
from bench.contacts import Contacts
from bench.homes import Platform, Servers
from bench.online import FULL, QUICK, Online
from bench.recommend import Recommending
from bench.results import Figures
from bench.segments import Segments
from bench.value_model import ValueModel
from bench.webhooks import Webhooks

ONLINE = ("start", "single", "batch", "orders", "reads", "freshness", "segments", "memory")
CONTACTS = ("contacts",)
ALONE = ("projection", "rebuild", "alone", "segments", "value")
OWN_LOG = ("webhooks", "recommend")
DATA = Path(os.environ.get("PERENNIAL_DATA") or Path(__file__).parents[2] / "shared" / "data")
LOGS = ("embedded", "kafka")


def main() -> int:
    options = _options()
    # As Ctrl-C does: what was started is stopped, and its folder removed.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    names: Sequence[str] = options.only or (*ONLINE, *CONTACTS, *ALONE, *OWN_LOG)
    logs = LOGS if options.log == "both" else (options.log,)
    measured: dict[str, Figures] = {}
    # A part of the benches must not pass for the whole.
    name = "partial.json" if options.only or options.quick else "latest.json"
    for log in logs:
        figures = measured[log] = {}
        circumstances = machine.describe(Path(tempfile.gettempdir())) | {"quick": options.quick}
        noise = machine.Noise()
        try:
            _measure(log, names, figures, noise, quick=options.quick)
        finally:
            circumstances["cores_used_by_others"] = noise.cores
            # What was measured before something failed is worth seeing.
            results.show(log, figures)
            results.write(results.RESULTS / name, {log: figures}, {log: circumstances})
    failed = any(each.failed for figures in measured.values() for each in figures.values())
    return 1 if failed and not options.quick else 0


def _measure(
    log: str, names: Sequence[str], figures: Figures, noise: machine.Noise, *, quick: bool
) -> None:
    sizes = QUICK if quick else FULL
    if set(names) & set(ONLINE):
        with _home() as home, Platform(home, log) as platform:
            Online(platform, sizes, figures, noise).run(names)
    if set(names) & set(CONTACTS):
        with _home() as home, Platform(home, log) as platform:
            Contacts(platform, figures, noise).run(quick=quick)
    if set(names) & set(ALONE):
        with _home() as home, Servers(home, log) as servers:
            Backlog(servers, sizes, figures, noise, quick=quick).run(names)
            if "segments" in names:  # in a copy of profile's database while that is empty
                Segments(servers, sizes.rounds, figures, noise, quick=quick).run()
            if "value" in names:
                ValueModel(servers, DATA, figures, noise, quick=quick).run()
    # Each with a log of its own: a service follows whatever its log holds while it is measured.
    if "webhooks" in names:
        with _home() as home, Servers(home, log) as servers:
            Webhooks(servers, sizes, figures, noise, quick=quick).run()
    if "recommend" in names:
        with _home() as home, Servers(home, log) as servers:
            Recommending(servers, figures, noise, quick=quick).run()


@contextmanager
def _home() -> Iterator[Path]:
    """A folder for one run; where something went wrong in it, it stays for a look."""
    home = Path(tempfile.mkdtemp(prefix="perennial-bench-"))
    try:
        yield home
    except Exception:
        print(f"logs are in {home}", file=sys.stderr)
        raise
    except BaseException:  # stopped from outside: there is nothing to look at
        shutil.rmtree(home, ignore_errors=True)
        raise
    shutil.rmtree(home, ignore_errors=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--log", choices=(*LOGS, "both"), default="both")
    parser.add_argument(
        "--only",
        nargs="+",
        choices=dict.fromkeys((*ONLINE, *CONTACTS, *ALONE, *OWN_LOG)),
        help="these benches, not all",
    )
    parser.add_argument(
        "--quick", action="store_true", help="a fraction of the load, once; never fails"
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
