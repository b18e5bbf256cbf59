"""Playing clicks and identifications through engagement's Segment-compatible batches."""

from collections import Counter
from datetime import UTC, datetime

from perennial_cli.history.imports import refuse_all
from perennial_cli.history.lots import Encoded
from perennial_cli.history.platform import Platform
from perennial_cli.history.report import Outcome, Refusal, reason_of
from perennial_cli.history.sending import Sender
from perennial_cli.history.shop import Item, Kind, rfc3339

MOST_ITEMS = 500
MOST_BYTES = 450_000
"""Of one batch; the service takes 500 KB."""

HEADERS = {"content-type": "application/json"}


async def send_batch(sender: Sender, url: str, lot: list[Encoded]) -> Outcome:
    """Send the lot. Whether a click is a repetition is decided by its `messageId` when it is
    applied, so that here it counts as created once it is accepted."""

    def content() -> bytes:
        # The service corrects the visitor's clock by `sentAt`, so it is that of this attempt.
        sent_at = rfc3339(datetime.now(UTC)).encode()
        batch = b",".join(encoded.text for encoded in lot)
        return b'{"sentAt":"' + sent_at + b'","batch":[' + batch + b"]}"

    answer = await sender.send("POST", url, content=content, headers=HEADERS)
    if answer.status_code != 200:
        return refuse_all(lot, answer)
    result = answer.json()
    refused = [
        Refusal(lot[line["index"]].item.id, reason_of(line)) for line in result.get("refused", ())
    ]
    accepted: int = result["accepted"]
    missing = max(0, len(lot) - accepted - len(refused))
    refused += [Refusal("?", "the service did not account for this click")] * missing
    return Outcome(created=accepted, refused=refused)


async def is_known(sender: Sender, platform: Platform, lane: list[Item]) -> bool:
    """Whether the platform already holds the clicks of this lane, by what it knows of a customer in
    its last batch: batches go one after the other, so the ones before arrived as well.

    A platform forgets message ids after some days; without this question a history replayed much
    later would be counted twice.
    """
    last = next((item.key for item in reversed(lane[-MOST_ITEMS:]) if "userId" in item.body), None)
    if last is None:
        return False
    answer = await sender.send("GET", f"{platform.profile}/v1/customers/{last}/state")
    if answer.status_code != 200:
        return False
    wanted = Counter(item.key for item in lane if item.kind is Kind.CLICK)[last]
    total: int = answer.json().get("clicks", {}).get("total", 0)
    return total >= wanted > 0
