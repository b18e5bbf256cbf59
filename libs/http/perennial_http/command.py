"""What `python -m <name>_service` can do: serve (the default), or rebuild a projection."""

import asyncio
import json
import sys
import time
from collections.abc import Callable, Sequence

from perennial_events import EventError, Worker
from perennial_http.app import ServiceApp
from perennial_http.garbage import collect_seldom
from perennial_http.serve import serve
from perennial_http.settings import ServiceSettings

PROGRESS_SECONDS = 0.2

USAGE = "usage: python -m {name}_service [rebuild PROJECTION [--accept-difference]]"


def run(
    create: Callable[[], ServiceApp], settings: ServiceSettings, arguments: Sequence[str]
) -> int:
    """Do what the arguments say; returns the process's exit code."""
    match list(arguments):
        case []:
            return serve(create, settings)
        case ["rebuild", projection]:
            return asyncio.run(_rebuild(create(), projection, accept_difference=False))
        case ["rebuild", projection, "--accept-difference"]:
            return asyncio.run(_rebuild(create(), projection, accept_difference=True))
    sys.stderr.write(USAGE.format(name=settings.service) + "\n")
    return 2


async def _rebuild(app: ServiceApp, projection: str, *, accept_difference: bool) -> int:
    """Rebuild beside the live projection; tells how far it is as one JSON object a line."""
    collect_seldom()
    worker = app.worker
    if not isinstance(worker, Worker):
        _say({"error": "this service has no projections"})
        return 1
    said_at = 0.0

    def say_progress(done: int, total: int) -> None:
        nonlocal said_at
        if time.monotonic() - said_at > PROGRESS_SECONDS:
            said_at = time.monotonic()
            _say({"done": done, "total": total})

    try:
        rebuilt = await worker.rebuild(
            projection, say_progress, accept_difference=accept_difference
        )
    except EventError as error:
        _say({"error": str(error)})
        return 1
    finally:
        await worker.stop()
        await app.runtime.database.close()
    _say(
        {
            "events": rebuilt.events,
            "seconds": round(rebuilt.seconds, 3),
            "equal": rebuilt.equal,
            "checksums": rebuilt.checksums,
        }
    )
    return 0


def _say(message: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()
