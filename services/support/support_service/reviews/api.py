"""`/v1/reviews`: their bodies, their answers, their routes."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import uuid_utils.compat as uuids
from fastapi import APIRouter, Query, Request, Response
from pydantic import Field
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from perennial_events.identities import identities_of
from perennial_events.values import Code
from perennial_http import (
    PERSONAL,
    UNLIMITED,
    Answer,
    Authorized,
    Body,
    Id,
    Outcome,
    Page,
    PageQuery,
    ServiceRoute,
    Session,
    Text,
    Time,
    TransactionalRoute,
    body_limit,
    etag,
    fetch_page,
    run_import,
)
from support_service.cases.answers import Whose
from support_service.reviews import service
from support_service.reviews.models import Review

router = APIRouter(route_class=TransactionalRoute, tags=["reviews"])
imports = APIRouter(route_class=ServiceRoute, tags=["reviews"])

Rating = Annotated[int, Field(ge=1, le=5)]


class ReviewBody(Body):
    review_id: Id | None = None
    customer_id: Id
    order_id: Id | None = None
    sku: Id | None = None
    """What is rated: an order, a product, a product of an order; without both, the shop."""
    rating: Rating
    """From 1 (very dissatisfied) to 5 (very satisfied)."""
    title: Annotated[str | None, Field(max_length=200)] = None
    text: Text | None = None
    channel: Code | None = None

    def review(self, at: datetime) -> Review:
        described = self.model_dump(exclude={"review_id", "submitted_at"})
        return Review(review_id=self.review_id or str(uuids.uuid7()), submitted_at=at, **described)


class PastReview(ReviewBody):
    """A line of `reviews:import`."""

    review_id: Id
    submitted_at: Time


class ReviewAnswer(Answer):
    review_id: Id
    customer_id: Whose
    order_id: Id | None
    sku: Id | None
    rating: int
    title: str | None
    text: str | None
    channel: str | None
    submitted_at: Time


def tag_of(review: Review) -> str:
    """A review never changes; by a merge it becomes another's."""
    return etag(review.survivor_id)


@router.post("/v1/reviews", status_code=201, dependencies=[Authorized("support:write"), PERSONAL])
async def submit_review(
    body: ReviewBody, session: Session, request: Request, response: Response
) -> ReviewAnswer:
    """Rate an order, a product or the shop, on five levels."""
    review = body.review(request.app.state.clock())
    await service.submit_review(session, review)
    response.headers["Location"] = f"/v1/reviews/{review.review_id}"
    response.headers["ETag"] = tag_of(review)
    return ReviewAnswer.model_validate(review)


@router.get("/v1/reviews/{review_id}", dependencies=[Authorized("support:read"), PERSONAL])
async def get_review(review_id: Id, session: Session, response: Response) -> ReviewAnswer:
    review = await service.get_review(session, review_id)
    response.headers["ETag"] = tag_of(review)
    return ReviewAnswer.model_validate(review)


class ReviewsQuery(PageQuery):
    customer_id: Id | None = None
    order_id: Id | None = None
    sku: Id | None = None
    rating: Annotated[int | None, Field(ge=1, le=5)] = None


@router.get("/v1/reviews", dependencies=[Authorized("support:read"), PERSONAL])
async def list_reviews(
    query: Annotated[ReviewsQuery, Query()], session: Session
) -> Page[ReviewAnswer]:
    """Reviews, the latest first; a customer's include those of whoever was merged into them."""
    statement = select(Review)
    if query.customer_id is not None:
        identities = await identities_of(session, query.customer_id)
        statement = statement.where(Review.customer_id.in_(identities))
    for name in ("order_id", "sku", "rating"):
        if (value := getattr(query, name)) is not None:
            statement = statement.where(getattr(Review, name) == value)
    keyset = (Review.submitted_at, Review.review_id)
    reviews, cursor = await fetch_page(session, statement, keyset, query)
    return Page(data=[ReviewAnswer.model_validate(each) for each in reviews], next_cursor=cursor)


@imports.post(
    "/v1/reviews:import",
    dependencies=[Authorized("support:write")],
    openapi_extra=body_limit(UNLIMITED),
)
async def import_reviews(request: Request) -> Response:
    """Reviews of the past, as NDJSON. Their events carry the times they happened at and trigger nothing."""
    now = request.app.state.clock()

    async def apply(session: AsyncSession, lines: Sequence[tuple[int, PastReview]]) -> Outcome:
        reviews = [(number, past.review(past.submitted_at)) for number, past in lines]
        return await service.import_reviews(session, reviews, now)

    return await run_import(request, PastReview, apply, id_field="review_id")
