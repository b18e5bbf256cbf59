"""Playing complaints with their replies and resolutions through support's cases."""

import json
from collections.abc import Iterable
from typing import Any

import httpx

from perennial_cli.history.platform import Platform
from perennial_cli.history.report import Outcome, Refusal, reason_of
from perennial_cli.history.sending import Sender, problem_of
from perennial_cli.history.shop import Item, Kind

Story = list[Item]
"""A complaint, then its reply and its resolution as far as there were any."""

DONE = frozenset({"resolved", "closed", "merged"})
"""States of a case that needs nothing more."""

_ACTIONS = {Kind.REPLY: "reply", Kind.RESOLVE: "resolve"}


def stories(items: Iterable[Item]) -> list[Story]:
    """The items by complaint, in the order of the complaints."""
    by_complaint: dict[str, Story] = {}
    for item in items:
        by_complaint.setdefault(item.id, []).append(item)
    return list(by_complaint.values())


async def play_story(sender: Sender, platform: Platform, story: Story) -> Outcome:
    """Open the complaint, then reply and resolve through its case.

    A complaint that the service has already is unchanged, and so is what its case shows as done.
    """
    complaint, *rest = story
    answer = await _post(sender, f"{platform.support}/v1/complaints", complaint)
    if answer.status_code == 409:
        return Outcome(unchanged=len(story))
    if not answer.is_success:
        reason = reason_of(problem_of(answer))
        return Outcome(refused=[Refusal(item.id, reason) for item in story])
    case = f"{platform.support}/v1/cases/{answer.json()['case_id']}"
    if not _was_there(answer):
        outcome = Outcome(created=1)
    else:
        outcome = Outcome(unchanged=1)
        kept = _still_to_do(rest, (await sender.send("GET", case)).json())
        outcome.unchanged += len(rest) - len(kept)
        rest = kept
    for item in rest:
        _count(outcome, item, await _post(sender, f"{case}/{_ACTIONS[item.kind]}", item))
    return outcome


def _still_to_do(rest: list[Item], case: dict[str, Any]) -> list[Item]:
    if case.get("status") in DONE:
        return []
    replied = case.get("first_response_at") is not None
    return [item for item in rest if not (replied and item.kind is Kind.REPLY)]


def _count(outcome: Outcome, item: Item, answer: httpx.Response) -> None:
    if not answer.is_success:
        outcome.refused.append(Refusal(f"{item.id} {item.kind}", reason_of(problem_of(answer))))
    elif _was_there(answer):
        outcome.unchanged += 1
    else:
        outcome.created += 1


def _was_there(answer: httpx.Response) -> bool:
    """Whether this very call had been made before, or what it would create existed."""
    replayed: str | None = answer.headers.get("idempotent-replayed")
    return replayed == "true"


async def _post(sender: Sender, url: str, item: Item) -> httpx.Response:
    content = json.dumps(item.body).encode()
    headers = {"content-type": "application/json", "idempotency-key": f"{item.id}-{item.kind}"}
    return await sender.send("POST", url, content=lambda: content, headers=headers)
