"""A bare loop over the log: read, decode, one COPY a batch. `python -m bench.floors.projection LOG DATABASE_URL`.

Reads as a consumer does, through the adapter's own subscription; keeps no offsets, inbox or state.
Prints what it did as one line of JSON.
"""

import asyncio
import json
import sys
import time
from collections.abc import Mapping
from typing import Any

import asyncpg
import uvloop
from pydantic_core import from_json

from perennial_events import Partition, Record, open_log
from perennial_events.catalogue import TOPICS
from perennial_events.driver import connect_arguments

BATCH_RECORDS = 2_000
_SILENCE_SECONDS = 30.0


async def _from_the_start(partitions: set[Partition]) -> Mapping[Partition, int]:
    return dict.fromkeys(partitions, 0)


def _row(record: Record) -> tuple[Any, ...]:
    envelope = record.envelope
    data = from_json(envelope.data)
    whose = data.get("customer_id") or envelope.key
    return whose, envelope.time, envelope.id, envelope.type, envelope.data


async def run(log_url: str, database_url: str) -> dict[str, float]:
    """Copy everything that the log holds now; `seconds` is from the first batch applied to the last,
    `events` what was applied in them."""
    log = open_log(log_url)
    connection = await asyncpg.connect(**connect_arguments(database_url))
    await connection.execute(
        "DROP TABLE IF EXISTS floor; CREATE TABLE floor"
        " (identity text, at timestamptz, event_id uuid, type text, data text)"
    )
    left = sum((await log.ends(TOPICS)).values())
    began, first, done = 0.0, 0, 0
    async with log.subscribe("bench-floor", TOPICS, _from_the_start) as subscription:
        while done < left:
            batch = await subscription.fetch(BATCH_RECORDS, _SILENCE_SECONDS)
            if not batch and began:
                raise TimeoutError(f"the log gave {done} of {left} events")
            rows = [_row(record) for records in batch.values() for record in records]
            await connection.copy_records_to_table("floor", records=rows)
            done += len(rows)
            if not began and rows:
                began, first = time.perf_counter(), done
    seconds = time.perf_counter() - began
    await connection.close()
    await log.close()
    return {"events": done - first, "seconds": seconds}


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(json.dumps(runner.run(run(sys.argv[1], sys.argv[2]))), flush=True)
