"""What every service answers without a line of its own: health, metrics, OpenAPI, 404 and 405."""

from collections.abc import Callable

import httpx
import pytest
from fastapi import APIRouter
from sqlalchemy import text

from perennial_events import Database
from perennial_http import Authorized, ServiceSettings, Session, TransactionalRoute, create_app
from perennial_http.testing import served

PROBLEM = "application/problem+json"


async def test_an_unknown_path_and_a_wrong_method(client: httpx.AsyncClient) -> None:
    unknown = await client.get("/v1/nowhere")
    trailing = await client.get("/v1/cases/")
    wrong = await client.delete("/v1/cases")
    wrong_template = await client.post("/v1/cases/k")
    assert [each.status_code for each in (unknown, trailing, wrong, wrong_template)] == [
        404,
        404,
        405,
        405,
    ]
    assert {
        each.headers["content-type"] for each in (unknown, trailing, wrong, wrong_template)
    } == {PROBLEM}
    assert (wrong.headers["allow"], wrong_template.headers["allow"]) == ("GET, POST", "GET, PATCH")


async def test_health(client: httpx.AsyncClient) -> None:
    assert (await client.get("/health/live", headers={"Authorization": ""})).status_code == 200
    ready = await client.get("/health/ready", headers={"Authorization": ""})
    assert ready.json() == {"status": "ready", "checks": ["database", "worker"]}


async def test_a_check_that_fails_is_named(settings: ServiceSettings, database: Database) -> None:
    async def broken() -> bool:
        raise RuntimeError

    async def holds() -> bool:
        return True

    app = create_app(
        title="x", version="1", settings=settings, database=database, routers=[],
        checks={"broker": broken, "disk": holds},
    )  # fmt: skip
    async with served(app) as client:
        answer = await client.get("/health/ready")
        assert answer.status_code == 503
        assert answer.json()["failed"] == ["broker"]
        assert (await client.get("/health/live")).status_code == 200


class Dying:
    """A worker that dies at once, as one does that meets an unknown exception."""

    stopped = False

    def start(self, on_failure: Callable[[BaseException], None]) -> None:
        on_failure(RuntimeError("poison"))

    async def ready(self) -> bool:
        return True

    async def stop(self) -> None:
        self.stopped = True


async def test_a_dead_worker_is_not_ready_and_asks_for_the_end(
    settings: ServiceSettings, database: Database
) -> None:
    worker = Dying()
    app = create_app(
        title="x", version="1", settings=settings, database=database, routers=[], worker=worker
    )
    async with served(app) as client:
        assert (await client.get("/health/ready")).json()["failed"] == ["worker"]
        assert app.lifecycle.failed.is_set()
    assert worker.stopped


async def test_roles_divide_the_work(settings: ServiceSettings, database: Database) -> None:
    router = APIRouter(route_class=TransactionalRoute, dependencies=[Authorized("a:b")])

    @router.get("/v1/thing")
    async def thing() -> str:
        return "thing"

    for role, status, ready in (("api", 200, 200), ("worker", 404, 503)):
        app = create_app(
            title="x", version="1", settings=settings.model_copy(update={"role": role}), database=database,
            routers=[router], worker=Dying(),
        )  # fmt: skip
        async with served(app) as client:
            assert (await client.get("/v1/thing")).status_code == status
            assert (await client.get("/health/ready")).status_code == ready


async def test_metrics_know_templates_and_no_ids(client: httpx.AsyncClient) -> None:
    await client.get("/v1/cases/some-secret-id")
    await client.get("/v1/raw-unknown-path")
    figures = (await client.get("/metrics")).text
    assert 'http_requests_total{method="GET",route="/v1/cases/{case_id}",status="4xx"}' in figures
    assert (
        'http_request_duration_seconds_bucket{le="0.01",method="GET",route="none",status="4xx"}'
        in figures
    )
    assert "http_requests_in_flight 1.0" in figures
    assert "secret" not in figures
    assert "raw-unknown" not in figures


async def test_openapi_tells_scopes_and_errors(client: httpx.AsyncClient) -> None:
    document = (await client.get("/openapi.json", headers={"Authorization": ""})).json()
    write = document["paths"]["/v1/cases"]["post"]
    assert write["security"] == [{"ApiKey": ["cases:write"]}]
    assert document["paths"]["/v1/whoami"]["get"]["security"][1] == {
        "ApiKeyAsUser": ["clicks:write"]
    }
    assert "security" not in document["paths"]["/v1/public"]["get"]
    assert {"201", "400", "401", "403", "409", "413", "415", "422", "503"} <= set(
        write["responses"]
    )
    for status, answer in write["responses"].items():
        if status >= "400":
            assert list(answer["content"]) == [PROBLEM]
    assert document["components"]["schemas"]["Problem"]["required"] == [
        "type",
        "title",
        "status",
        "detail",
    ]
    assert "HTTPValidationError" not in str(document)
    assert {parameter["name"] for parameter in write["parameters"]} == {"Idempotency-Key"}


async def test_a_router_of_another_route_class_does_not_start(
    settings: ServiceSettings, database: Database
) -> None:
    router = APIRouter()

    @router.get("/v1/thing")
    async def thing() -> None: ...

    with pytest.raises(TypeError, match="route_class"):
        create_app(title="x", version="1", settings=settings, database=database, routers=[router])


async def test_an_unexpected_error_tells_nothing_but_its_request_id(
    client: httpx.AsyncClient,
) -> None:
    answer = await client.post(
        "/v1/cases", json={"customer_id": "c", "fail": "boom"}, headers={"X-Request-Id": "abc-1"}
    )
    assert answer.status_code == 500
    assert answer.json()["request_id"] == "abc-1"
    assert "secret" not in answer.text


async def test_a_database_that_is_away_is_503(settings: ServiceSettings) -> None:
    router = APIRouter(route_class=TransactionalRoute, dependencies=[Authorized("a:b")])

    @router.get("/v1/thing")
    async def thing(session: Session) -> int:
        return await session.scalar(text("SELECT 1")) or 0

    away = Database("postgresql+asyncpg://postgres@127.0.0.1:1/none", source="x")
    app = create_app(title="x", version="1", settings=settings, database=away, routers=[router])
    async with served(app) as client:
        answer = await client.get("/v1/thing")
        assert answer.status_code == 503
        assert answer.headers["retry-after"] == "1"
        assert (await client.get("/health/ready")).json()["failed"] == ["database"]
