"""A service in a process of its own: `serve_me.py URL PORT [die]`. Its worker may die after a moment."""

import asyncio
import sys
from collections.abc import Callable

from fastapi import APIRouter
from sqlalchemy import text

from perennial_events import Database
from perennial_http import (
    PUBLIC,
    ServiceApp,
    ServiceSettings,
    Session,
    TransactionalRoute,
    create_app,
    serve,
)

router = APIRouter(route_class=TransactionalRoute, dependencies=[PUBLIC])


@router.post("/v1/slow/{case_id}")
async def slow(case_id: str, session: Session) -> str:
    await session.execute(
        text("INSERT INTO cases (case_id, customer_id) VALUES (:id, 'c')"), {"id": case_id}
    )
    await asyncio.sleep(1.0 if case_id != "endless" else 60)
    return case_id


class Worker:
    """Dies if told to, by an exception that nobody expects; says when it was stopped."""

    def start(self, on_failure: Callable[[BaseException], None]) -> None:
        if sys.argv[3:] == ["die"]:
            asyncio.get_running_loop().call_later(0.5, on_failure, ZeroDivisionError("poison"))

    async def ready(self) -> bool:
        return True

    async def stop(self) -> None:
        print("worker stopped", flush=True)  # noqa: T201 - the test reads it


settings = ServiceSettings(service="slow", database_url=sys.argv[1], port=int(sys.argv[2]))


def create() -> ServiceApp:
    database = Database(settings.database_url, source="slow")
    return create_app(
        title="Slow",
        version="1",
        settings=settings,
        database=database,
        routers=[router],
        worker=Worker(),
    )


sys.exit(serve(create, settings))
