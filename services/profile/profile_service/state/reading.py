"""States that are asked for at the same time are read together."""

import asyncio
from typing import Any

from perennial_events import Clock, Database
from profile_service.state.query import read_states

AT_ONCE = 2
"""Statements under way: while PostgreSQL answers one, this process works on what the other brought."""

MOST = 32
"""Customers of one statement, so that the first to ask does not wait for a crowd."""


class StateReader:
    """Answers many callers with few statements.

    A state takes some forty steps of PostgreSQL, and setting them up costs more than going through them:
    ten customers in one statement cost as much as three by themselves. So whoever asks while others are
    being answered goes along with the next statement; who asks alone is answered at once. The statement
    begins after the call, and so sees all that was committed before it.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._asked: list[tuple[str, asyncio.Future[Any | None]]] = []
        self._under_way: set[asyncio.Task[None]] = set()

    async def read(self, customer_id: str) -> Any | None:
        """The row of a customer's state, or None for a customer that is not known."""
        answer: asyncio.Future[Any | None] = asyncio.get_running_loop().create_future()
        self._asked.append((customer_id, answer))
        if len(self._under_way) < AT_ONCE:
            # Not by the caller itself: one who goes away must not take the others' answers along.
            task = asyncio.create_task(self._answer_all())
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)
        return await answer

    async def _answer_all(self) -> None:
        while self._asked:
            asked, self._asked = self._asked[:MOST], self._asked[MOST:]
            try:
                async with self._database.reader() as connection:
                    ids = {customer_id for customer_id, _ in asked}
                    rows = await read_states(connection, ids, self._clock())
            except Exception as error:  # noqa: BLE001 - raised where it was asked for
                for _, answer in asked:
                    if not answer.done():
                        answer.set_exception(error)
            else:
                for customer_id, answer in asked:
                    if not answer.done():
                        answer.set_result(rows.get(customer_id))
