"""The counts over the API, kept by the running worker."""

from typing import Any

import httpx

from perennial_http.testing import until
from profile_service.worth.testing import bought


async def test_segments_and_tiers_are_counted_the_best_first(
    tell: Any, state_of: Any, client: httpx.AsyncClient
) -> None:
    assert (await client.get("/v1/value-tiers")).json() == {"data": []}
    await tell(*bought("o-1", "c-1", 5000), *bought("o-2", "c-2", 0))

    async def graded() -> bool:
        return (await state_of("c-2"))["value_tier"] is not None

    await until(graded, within=20)

    tiers = (await client.get("/v1/value-tiers")).json()["data"]
    segments = (await client.get("/v1/value-segments")).json()["data"]

    euros = {"amount": 5000, "currency": "EUR"}
    none = {"amount": 0, "currency": "EUR"}
    assert tiers == [
        {"value_tier": "key", "customers": 1, "margin": euros},
        {"value_tier": "small", "customers": 1, "margin": none},
    ]
    assert segments == [
        {"value_segment": "most_valuable", "customers": 1, "margin": euros},
        {"value_segment": "standard", "customers": 1, "margin": none},
    ]

    async def told() -> bool:
        timeline = (await client.get("/v1/customers/c-1/timeline")).json()["data"]
        return "perennial.customers.value_changed.v1" in {entry["type"] for entry in timeline}

    await until(told, within=20)
