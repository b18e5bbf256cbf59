"""`python -m recommend_service.evaluation`: what `perennial recommend evaluate` runs."""

import argparse
import sys
from pathlib import Path

from rich.console import Console

from recommend_service.evaluation import report
from recommend_service.evaluation.events import UnreadableFile, read
from recommend_service.evaluation.protocols import PROTOCOLS, NothingToTest, instant
from recommend_service.evaluation.run import evaluate


def main() -> int:
    options = _options()
    console = Console(width=None if sys.stdout.isatty() else 120)
    progress = Console(stderr=True)
    try:
        found = evaluate(
            read(options.events),
            options.protocol,
            k=options.k,
            split_at=options.split_at,
            most_tests=options.tests,
            say=lambda what: progress.print(f"[dim]{what}[/]"),
        )
    except (UnreadableFile, NothingToTest) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    report.show(found, console)
    if options.json:
        report.write(found, options.json)
    if options.plot:
        report.plot(found, options.plot)
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="perennial recommend evaluate", description=__doc__)
    parser.add_argument("--events", type=Path, required=True)
    parser.add_argument("--protocol", choices=PROTOCOLS, required=True)
    parser.add_argument("--split-at", type=instant)
    parser.add_argument("--k", type=_positive, default=20)
    parser.add_argument("--tests", type=_positive, default=20_000)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--plot", type=Path)
    return parser.parse_args()


def _positive(text: str) -> int:
    number = int(text)
    if not 1 <= number <= 1_000_000:
        raise argparse.ArgumentTypeError("must be from 1 to 1,000,000")
    return number


if __name__ == "__main__":
    sys.exit(main())
