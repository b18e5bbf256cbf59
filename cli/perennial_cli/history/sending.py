"""One HTTP call that does not give up at the first 503: retries, back-off and patience.

Every call of a replay is idempotent (ids and message ids are ours), so that a call whose answer was
lost can be sent again.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from random import Random
from time import monotonic
from typing import Any

import httpx

from perennial_cli.history.errors import KeyRefused, PlatformUnreachable

FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 5.0
PATIENCE_S = 60.0
"""How long one call is repeated before the replay ends."""

REPEATED = frozenset({429, 502, 503, 504})


@dataclass(slots=True)
class Sender:
    """Sends with one key over one pool of connections."""

    client: httpx.AsyncClient
    patience_s: float = PATIENCE_S
    jitter: Random = field(default_factory=lambda: Random(0))  # noqa: S311 - spreads retries, no secret

    async def send(
        self,
        method: str,
        url: str,
        *,
        content: Callable[[], bytes] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """The first answer that is not "later". `content` is asked anew at every attempt.

        Raises `PlatformUnreachable` when patience ends, `KeyRefused` on 401 and 403.
        """
        started, pause = monotonic(), FIRST_PAUSE_S
        while True:
            wanted: float | None = None
            try:
                body = content() if content is not None else None
                answer = await self.client.request(method, url, content=body, headers=headers)
                if answer.status_code in {401, 403}:
                    raise KeyRefused(url, problem_of(answer).get("detail") or answer.reason_phrase)
                wanted = retry_after(answer)
                if not _is_later(answer, wanted):
                    return answer
                reason = f"status {answer.status_code}"
            except httpx.TransportError as error:
                reason = str(error) or type(error).__name__
            spent = monotonic() - started
            wait = max(wanted or 0.0, pause * self.jitter.uniform(0.5, 1.0))
            if spent + wait > self.patience_s:
                raise PlatformUnreachable(url, spent, reason)
            await asyncio.sleep(wait)
            pause = min(2 * pause, LONGEST_PAUSE_S)


def _is_later(answer: httpx.Response, wanted: float | None) -> bool:
    """Whether the same call may succeed by itself in a while.

    A 409 with `Retry-After` says that an earlier attempt of this call is still being worked on.
    """
    return answer.status_code in REPEATED or (answer.status_code == 409 and wanted is not None)


def retry_after(answer: httpx.Response) -> float | None:
    """Seconds to wait by `Retry-After`, in either of its forms (RFC 9110, 10.2.3)."""
    text = answer.headers.get("retry-after")
    if text is None:
        return None
    if text.isdecimal():
        return float(text)
    try:
        return max(0.0, (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None


def problem_of(answer: httpx.Response) -> dict[str, Any]:
    """The problem document of an error answer, or one made of its status."""
    try:
        problem = answer.json()
    except ValueError:
        problem = None
    if isinstance(problem, dict):
        return problem
    return {"detail": f"status {answer.status_code} {answer.reason_phrase}".strip()}
