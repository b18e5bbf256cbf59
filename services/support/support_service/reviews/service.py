"""The verbs of reviews."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm.attributes import set_committed_value

from perennial_events import emit
from perennial_events.identities import survivors_of
from perennial_http import FieldError, Outcome
from support_service.errors import ReviewExists, UnknownReview
from support_service.reviews.models import Review


async def submit_review(session: AsyncSession, review: Review) -> None:
    """Take a review in. Raises `ReviewExists`."""
    session.add(review)
    try:
        await session.flush()
    except IntegrityError:
        raise ReviewExists(review.review_id) from None
    survivors = await survivors_of(session, [review.customer_id])
    set_committed_value(review, "survivor_id", survivors[review.customer_id])
    emit(session, *review.submit(), at=review.submitted_at)


async def get_review(session: AsyncSession, review_id: str) -> Review:
    review = await session.get(Review, review_id)
    if review is None:
        raise UnknownReview(review_id)
    return review


async def import_reviews(
    session: AsyncSession, lines: Sequence[tuple[int, Review]], now: datetime
) -> Outcome:
    """Bring a chunk of past reviews in, set-wise. One that is known already stays as it is."""
    ids = [review.review_id for _, review in lines]
    known = set(
        await session.scalars(select(Review.review_id).where(Review.review_id.in_(ids)))
    )  # fmt: skip
    new: dict[str, Review] = {}
    refused: dict[int, Sequence[FieldError]] = {}
    for number, review in lines:
        if review.review_id in known:
            continue
        if review.submitted_at > now:
            detail = "must not be in the future"
            refused[number] = [{"pointer": "/submitted_at", "detail": detail}]
        else:
            new.setdefault(review.review_id, review)
    session.add_all(new.values())
    await session.flush()
    for review in sorted(new.values(), key=lambda each: each.submitted_at):
        emit(session, *review.submit(), at=review.submitted_at, imported=True)
    return Outcome(len(new), len(lines) - len(new) - len(refused), refused)
