"""A batch of calls: validated whole where all are well, and one by one where one is not."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Annotated, Any, NamedTuple

from pydantic import AwareDatetime, Field, TypeAdapter, ValidationError
from pydantic_core import from_json, to_json

from engagement_service.errors import CallTooLarge
from engagement_service.tracking.calls import AnyCall, Call, Wire
from perennial_http import Answer, Invalid
from perennial_http.bodies import JsonReader, parse_json
from perennial_http.faults import invalid_body

MAX_CALL_BYTES = 32 * 1024
MAX_BATCH_BYTES = 500 * 1024
MAX_BATCH_CALLS = 2_500


class Refusal(Answer):
    """Why the call at `index` was not taken."""

    index: int
    errors: Sequence[Mapping[str, object]]


class Batch(NamedTuple):
    """The calls that can be read, each with its place, and what is wrong with the others."""

    calls: list[tuple[int, Call]]
    refused: list[Refusal]
    sent_at: datetime | None


class _Whole(Wire):
    batch: list[AnyCall]
    sent_at: Annotated[AwareDatetime | None, Field(alias="sentAt")] = None


class _Frame(Wire):
    """A batch whose items nobody has looked at yet."""

    batch: list[Any]
    sent_at: Annotated[AwareDatetime | None, Field(alias="sentAt")] = None


_CALL: JsonReader[Call] = JsonReader(TypeAdapter(AnyCall))


def read_batch(raw: bytes) -> Batch:
    """Parse and validate a batch. Raises `Invalid` when it is none, `CallTooLarge` when it is too long.

    One pass over the bytes when nothing is wrong. Otherwise each call is read by itself, so that a
    bad one is refused alone.
    """
    if b"\\u0000" in raw or b"NaN" in raw or b"Infinity" in raw:
        return _one_by_one(raw)
    try:
        whole = _Whole.model_validate_json(raw)
    except ValidationError:
        return _one_by_one(raw)
    _check_count(whole.batch)
    if _may_hold_large_call(raw, len(whole.batch)):
        return _one_by_one(raw)
    return Batch(list(enumerate(whole.batch)), [], whole.sent_at)


def _may_hold_large_call(raw: bytes, count: int) -> bool:
    """Whether a call may be over its limit: bounds each by where its neighbours' `type` stands.

    Each call was found to have a `type`. As long as there are no others, two neighbouring gaps
    between these words hold a whole call.
    """
    if len(raw) <= MAX_CALL_BYTES:
        return False
    gaps = [len(gap) for gap in raw.split(b'"type"')]
    if len(gaps) == count + 1:
        longest = max((left + right for left, right in pairwise(gaps)), default=0)
        if longest <= MAX_CALL_BYTES:
            return False
    return any(len(to_json(call)) > MAX_CALL_BYTES for call in from_json(raw)["batch"])


def _one_by_one(raw: bytes) -> Batch:
    data = parse_json(raw)
    try:
        frame = _Frame.model_validate_json(raw)
    except ValidationError as error:
        raise invalid_body(error.errors(include_url=False, include_context=False), data) from None
    _check_count(frame.batch)
    batch = Batch([], [], frame.sent_at)
    for index, item in enumerate(frame.batch):
        text = to_json(item, inf_nan_mode="null")
        if len(text) > MAX_CALL_BYTES:
            detail = f"is over the limit of {MAX_CALL_BYTES} bytes for one call"
            batch.refused.append(Refusal(index=index, errors=[{"pointer": "", "detail": detail}]))
            continue
        try:
            batch.calls.append((index, _CALL.read(text)))
        except Invalid as problem:
            batch.refused.append(Refusal(index=index, errors=problem.errors))
    return batch


def _check_count(batch: list[Any]) -> None:
    if len(batch) > MAX_BATCH_CALLS:
        raise CallTooLarge(
            f"A batch may have {MAX_BATCH_CALLS} calls at most; this has {len(batch)}."
        )
