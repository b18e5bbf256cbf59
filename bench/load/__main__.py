"""The load process: a job comes in as a line of JSON, what was measured goes out as one."""

import asyncio
import gc
import sys

import uvloop

from bench.load.scenarios import SCENARIOS, Job


def main() -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        for line in sys.stdin:
            job = Job.model_validate_json(line)
            measured = runner.run(SCENARIOS[job.scenario](job))
            print(measured.model_dump_json(), flush=True)
            gc.collect()


if __name__ == "__main__":
    main()
