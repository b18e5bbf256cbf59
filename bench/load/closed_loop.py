"""A closed loop: so many clients, each of which sends its next request when it has the answer to its last."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from bench.load.client import Answer, Connection, connect_all
from bench.load.measured import Measured, summarize

Verdict = Callable[[Answer], str | None]
"""What is wrong with an answer, None where nothing is."""

_GRACE_SECONDS = 15.0


def has_status(status: int) -> Verdict:
    def judge(answer: Answer) -> str | None:
        return None if answer.status == status else f"status {answer.status}"

    return judge


async def run(
    load: str,
    port: int,
    clients: int,
    requests: Iterable[bytes],
    verdict: Verdict,
    within: float,
) -> Measured:
    """Send `requests` over `clients` connections, for `within` seconds at most."""
    connections = await connect_all(port, clients)
    times: list[float] = []
    failures: Counter[str] = Counter()
    waiting = iter(requests)
    processor, began = time.process_time(), time.perf_counter()
    try:
        async with asyncio.timeout(within + _GRACE_SECONDS), asyncio.TaskGroup() as group:
            for connection in connections:
                one = _client(connection, waiting, verdict, times, failures, began + within)
                group.create_task(one)
    except TimeoutError:
        failures["no answer"] += clients
    seconds = time.perf_counter() - began
    for connection in connections:
        connection.close()
    return summarize(
        load,
        times,
        failures,
        seconds=seconds,
        processor_seconds=time.process_time() - processor,
    )


async def _client(
    connection: Connection,
    requests: Iterator[bytes],
    verdict: Verdict,
    times: list[float],
    failures: Counter[str],
    until: float,
) -> None:
    clock = time.perf_counter
    for request in requests:
        sent = clock()
        if sent > until:
            return
        try:
            answer = await connection.send(request)
        except ConnectionError:
            failures["connection lost"] += 1
            return
        wrong = verdict(answer)
        if wrong is None:
            times.append(clock() - sent)
        else:
            failures[wrong] += 1
