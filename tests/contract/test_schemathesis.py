"""Schemathesis over each service's OpenAPI: what it says is what the service does."""

import asyncio
from collections import Counter
from typing import Any
from uuid import UUID

import pytest
import schemathesis
from schemathesis.engine import events, from_schema

from perennial_cli.services import SERVICES
from perennial_http.testing import ADMIN_KEY
from tests.contract.conftest import OpenDoor

# The same library routes stand in every service; one service's are enough.
OPERATIONS_OF = "orders"
IMPORTS = r":import$"
"""Streams, whose refusals come in a 200: see test_imports.py."""

LEFT_OUT = {
    # What is valid by its schema may still not fit the shop: a currency that is none, a stale If-Match.
    "positive_data_acceptance": {"enabled": False},
}
LEFT_OUT_BY_ROUTE = [
    {
        # Segment's SDKs send empty strings for what is unknown, and keys that the body need not have.
        "include-tag": "tracking",
        "checks": {"negative_data_rejection": {"enabled": False}},
    },
    {
        # A segment may be called `preview`, so that this path takes the methods of a segment's, too.
        "include-path": "/v1/segments/preview",
        "checks": {"allow_header_conformance": {"enabled": False}},
    },
    {
        # The same of an opportunity, which may be called anything else.
        "include-path": "/v1/opportunities/forecast",
        "checks": {"allow_header_conformance": {"enabled": False}},
    },
]


def broken_by(service: str, url: str, *, examples: int, stateful: bool, seed: int) -> list[str]:
    """Runs schemathesis against the served service; answers with each check that failed."""
    config = schemathesis.Config.from_dict(
        {
            "seed": seed,
            "auth": {"openapi": {"ApiKey": {"bearer": ADMIN_KEY}}},
            "continue-on-failure": True,
            "generation": {"max-examples": examples, "database": "none", "no-shrink": True},
            "phases": {"stateful": {"enabled": stateful}},
            "checks": LEFT_OUT,
            "operations": LEFT_OUT_BY_ROUTE,
        }
    )
    left_out = IMPORTS if service == OPERATIONS_OF else f"{IMPORTS}|^/v1/operations/"
    document = schemathesis.openapi.from_url(f"{url}/openapi.json", config=config)
    schema = document.exclude(path_regex=left_out)
    broken: list[str] = []
    statuses = Counter[int]()
    for event in from_schema(schema).execute():
        if isinstance(event, events.ScenarioFinished):
            statuses.update(
                each.response.status_code
                for each in event.recorder.interactions.values()
                if each.response is not None
            )
            broken += failures_of(event)
        elif isinstance(event, events.NonFatalError | events.FatalError):
            broken.append(f"schemathesis itself: {getattr(event, 'info', event)}")
    assert statuses.total() > 20, statuses
    assert statuses[200] + statuses[201] > 0, statuses
    return broken


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    """Leaves out waits for events that never were: two seconds each, and a 503 that is right."""
    del context, kwargs
    for name in [name for name in case.headers or () if name.lower() == "perennial-after"]:
        try:
            UUID(str(case.headers[name]))
        except ValueError:
            continue
        del case.headers[name]


def failures_of(event: events.ScenarioFinished) -> list[str]:
    return [
        f"{check.name}: {check.failure_info.failure.message}\n{check.failure_info.code_sample}"
        for checks in event.recorder.checks.values()
        for check in checks
        if check.failure_info is not None
    ]


@pytest.mark.timeout(240)
@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_does_what_its_openapi_says(service: str, open_door: OpenDoor) -> None:
    door = await open_door(service)
    url = str(door.client.base_url).rstrip("/")
    broken = await asyncio.to_thread(broken_by, service, url, examples=5, stateful=False, seed=1)
    assert not broken, "\n\n".join(broken)


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_does_so_for_much_more_and_in_sequences(
    service: str, open_door: OpenDoor
) -> None:
    door = await open_door(service)
    url = str(door.client.base_url).rstrip("/")
    broken = await asyncio.to_thread(broken_by, service, url, examples=60, stateful=True, seed=2)
    assert not broken, "\n\n".join(broken)
