"""`orders`, which kills itself at a chosen moment of its first order: `before_commit` or `before_answer`.

Run as `python orders_cut.py MOMENT`, with the service's own environment. Any other moment never comes.
"""

import os
import signal
import sys
from typing import Any

import uvicorn
from sqlalchemy import event
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from orders_service.app import create
from orders_service.settings import Settings


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def cut_before_commit(engine: Any) -> None:
    """Die when the transaction that wrote an order is about to commit."""

    @event.listens_for(engine, "before_cursor_execute")
    def note(connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith("INSERT INTO orders"):
            connection.info["holds an order"] = True

    @event.listens_for(engine, "commit")
    def cut(connection: Any) -> None:
        if connection.info.get("holds an order"):
            die()


def cut_before_answer(app: ASGIApp) -> ASGIApp:
    """Die when the first byte of an accepted order's answer is about to leave."""

    async def cutting(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_or_die(message: Message) -> None:
            if scope.get("path") == "/v1/orders" and message.get("status") == 201:
                die()
            await send(message)

        await app(scope, receive, send_or_die)

    return cutting


def main(moment: str) -> None:
    settings = Settings()
    service = create(settings)
    app: ASGIApp = service
    if moment == "before_commit":
        cut_before_commit(service.runtime.database.engine.sync_engine)
    elif moment == "before_answer":
        app = cut_before_answer(app)
    uvicorn.run(app, host=settings.host, port=settings.port, lifespan="on", log_level="warning")


if __name__ == "__main__":
    main(sys.argv[1])
