"""The running platform, as a command reaches it: an address and a key for each service."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, NoReturn

import httpx
import typer

from perennial_cli.history.errors import ReplayError
from perennial_cli.history.platform import Platform
from perennial_cli.services import default_home, default_port_base

HomeOption = Annotated[
    Path | None,
    typer.Option("--home", help="The platform's folder (default: PERENNIAL_HOME, or .perennial)."),
]

TIMEOUT_SECONDS = 30.0


def reach(home: Path | None) -> Platform:
    """The platform of `home`; ends the command with a sentence when it was never started there."""
    try:
        return Platform.from_home(home or default_home(), default_port_base())
    except (ReplayError, ValueError) as error:
        give_up(str(error))


class Silent(Exception):
    """A service did not answer, or refused; the message says which and why."""


class Service:
    """One service's API. A refusal or silence ends the command with a sentence, unless it is caught."""

    def __init__(self, client: httpx.Client, name: str) -> None:
        self._client = client
        self.name = name

    def get(self, path: str, **query: Any) -> Any:
        return self._send("GET", path, params=query)

    def post(self, path: str, body: Any = None) -> Any:
        return self._send("POST", path, json=body)

    def delete(self, path: str) -> None:
        self._send("DELETE", path)

    def import_lines(self, path: str, lines: bytes) -> list[Any]:
        """Send NDJSON; the answer's lines."""
        headers = {"Content-Type": "application/x-ndjson"}
        answer = self._request("POST", path, content=lines, headers=headers, timeout=None)
        return [json.loads(line) for line in answer.text.splitlines()]

    def _send(self, method: str, path: str, **request: Any) -> Any:
        answer = self._request(method, path, **request)
        return answer.json() if answer.content else None

    def _request(self, method: str, path: str, **request: Any) -> httpx.Response:
        try:
            answer = self._client.request(method, path, **request)
        except httpx.TransportError as error:
            address = self._client.base_url
            raise Silent(
                f"{self.name} does not answer at {address} ({error}). Is the platform up?"
            ) from None
        if answer.is_error:
            problem = answer.json()
            raise Silent(f"{self.name}: {problem.get('detail') or problem.get('title')}")
        return answer


@contextmanager
def service(platform: Platform, name: str) -> Iterator[Service]:
    """The API of one service, with the administrator's key."""
    headers = {"Authorization": f"Bearer {platform.key}"}
    address = getattr(platform, name)
    with httpx.Client(base_url=address, headers=headers, timeout=TIMEOUT_SECONDS) as client:
        try:
            yield Service(client, name)
        except Silent as silent:
            give_up(str(silent))


def give_up(reason: str) -> NoReturn:
    print(reason, file=sys.stderr)
    raise typer.Exit(1)
