"""Playing items through the bulk imports: `POST /v1/<things>:import` with NDJSON."""

import json
from typing import Any

import httpx

from perennial_cli.history.errors import ReplayError
from perennial_cli.history.lots import Encoded
from perennial_cli.history.report import Outcome, Refusal, reason_of
from perennial_cli.history.sending import Sender, problem_of

MOST_LINES = 500
MOST_BYTES = 2_000_000
"""Of one request. Small enough that a repeated request costs little and progress is seen."""

HEADERS = {"content-type": "application/x-ndjson"}


async def import_lot(sender: Sender, url: str, lot: list[Encoded]) -> Outcome:
    """Send the lot; a refused line never stops the rest."""
    content = b"\n".join(encoded.text for encoded in lot) + b"\n"
    answer = await sender.send("POST", url, content=lambda: content, headers=HEADERS)
    if answer.status_code != 200:
        return refuse_all(lot, answer)
    return _read(url, lot, answer.text)


def refuse_all(lot: list[Encoded], answer: httpx.Response) -> Outcome:
    """What it means when the whole request was refused."""
    reason = reason_of(problem_of(answer))
    return Outcome(refused=[Refusal(encoded.item.id, reason) for encoded in lot])


def _read(url: str, lot: list[Encoded], text: str) -> Outcome:
    outcome = Outcome()
    totals: dict[str, Any] | None = None
    for line in filter(None, text.split("\n")):
        fact = json.loads(line)
        if "errors" in fact:
            name = fact.get("id") or f"line {fact.get('line')}"
            outcome.refused.append(Refusal(str(name), reason_of(fact)))
        else:
            totals = fact
    if totals is None:
        raise ReplayError(f"{url} broke off without its totals")
    outcome.created = totals.get("created", 0)
    outcome.unchanged = totals.get("unchanged", 0)
    missing = len(lot) - outcome.created - outcome.unchanged - len(outcome.refused)
    outcome.refused += [Refusal("?", "the service did not account for this line")] * max(0, missing)
    return outcome
