"""The value model through the service: fitted by the API, followed by every event, kept by the clock."""

import asyncio
import os
import signal
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as Svg

import httpx
import pytest
from sqlalchemy import text

from perennial_events import Timer
from perennial_events.catalogue import (
    CustomersMerged,
    OrderCancelled,
    OrderPriced,
    OrderRefunded,
)
from perennial_events.timers import run_due
from perennial_http import ServiceApp
from perennial_http.testing import until
from profile_service.stages.rules import Thresholds
from profile_service.stages.service import review_due
from profile_service.value_model.fitting import rescoring
from profile_service.value_model.models import model_of
from profile_service.value_model.rules import History, predict
from profile_service.value_model.service import (
    model_in_force,
    schedule_work,
    score_customers,
    standing_model,
)

DAYS = Thresholds(30, 90, 180)


async def rows(app: ServiceApp, query: str) -> list[Any]:
    async with app.runtime.database.reading() as session:
        return list(await session.execute(text(query)))


async def test_a_fit_from_the_request_to_every_customers_state(
    client: httpx.AsyncClient, app: ServiceApp, history: Any, year_of_orders: Any, fit: Any,
    state_of: Any,
) -> None:  # fmt: skip
    assert (await client.get("/v1/value-model")).json()["status"] == "none"
    assert (await client.get("/v1/value-model/calibration.svg")).status_code == 404
    await history(year_of_orders)

    job = await fit()

    assert (job["status"], job["model"]) == ("fitted", 1)
    answer = await client.get("/v1/value-model")
    model = answer.json()
    assert (model["status"], model["time_unit"], model["reason"]) == ("fitted", "week", None)
    assert model["as_of"] == "2026-03-02"
    assert model["calibration_end"] < "2026-01-01"
    assert model["customers"] == sum(row["actual"] for row in model["calibration"]["table"])
    assert model["gamma_gamma"]["customers"] >= 50
    assert model["holdout"]["table"][0]["repeat"] == "0"
    unchanged = {"If-None-Match": answer.headers["ETag"]}
    assert (await client.get("/v1/value-model", headers=unchanged)).status_code == 304

    stored = await rows(app, "SELECT * FROM predictions")
    assert {row.customer_id for row in stored} == {f"c-{each}" for each in range(250)}
    for row in stored[:20]:
        prediction = (await state_of(row.customer_id))["prediction"]
        assert prediction["p_alive"] == pytest.approx(row.p_alive)
        assert prediction["expected_orders_90d"] == pytest.approx(row.expected_orders_90d)
        assert prediction["clv_365d"]["amount"] == pytest.approx(row.clv_365d, abs=1)
        assert prediction["model"] == 1
        assert prediction["as_of"] == "2026-03-02"


async def test_the_chart_is_a_picture(
    client: httpx.AsyncClient, history: Any, year_of_orders: Any, fit: Any
) -> None:
    await history(year_of_orders)
    await fit(calibration_end="2025-10-01")
    answer = await client.get("/v1/value-model/calibration.svg")
    assert answer.headers["Content-Type"].startswith("image/svg+xml")
    picture = Svg.fromstring(answer.text)  # noqa: S314 - our own
    space = "{http://www.w3.org/2000/svg}"
    assert len(picture.findall(f"{space}polyline")) == 2
    assert len(picture.findall(f"{space}rect/{space}title")) >= 8
    assert "nan" not in answer.text


async def test_a_customer_is_scored_after_each_of_their_events(
    history: Any, year_of_orders: Any, fit: Any, tell: Any, order: Any, state_of: Any, app: ServiceApp,
    clock: Any,
) -> None:  # fmt: skip
    await history(year_of_orders)
    await fit()
    await tell(*order("new-1", "c-new", 5_000))
    first = (await state_of("c-new"))["prediction"]
    clock.turn(days=10)
    await tell(*order("new-2", "c-new", 9_000))
    second = (await state_of("c-new"))["prediction"]
    assert second["clv_365d"]["amount"] > first["clv_365d"]["amount"]
    money: Any = {"order_id": "new-2", "customer_id": "c-new", "currency": "EUR"}
    await tell(OrderRefunded(return_id="r", amount=8_000, base_amount=8_000, lines=[], **money))
    third = (await state_of("c-new"))["prediction"]
    assert third["clv_365d"]["amount"] < second["clv_365d"]["amount"]
    assert third["expected_orders_90d"] == second["expected_orders_90d"]
    # It turns out to have been worth more.
    await tell(
        OrderPriced(**money, lines=[], total=9_000, base_total=20_000, base_cost=0, refunded_more=0)
    )
    fourth = (await state_of("c-new"))["prediction"]
    assert fourth["clv_365d"]["amount"] > third["clv_365d"]["amount"]
    await tell(OrderCancelled(refunded=0, **money))
    assert (await state_of("c-new"))["prediction"]["p_alive"] == 1
    await tell(OrderCancelled(refunded=0, **{**money, "order_id": "new-1"}))
    assert (await state_of("c-new"))["prediction"] is None
    assert not await rows(app, "SELECT 1 FROM predictions WHERE customer_id = 'c-new'")


async def test_everybody_is_scored_together_as_they_are_one_by_one(
    history: Any, year_of_orders: Any, fit: Any, tell: Any, order: Any, app: ServiceApp, clock: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    await history(year_of_orders)
    await fit()
    await tell(
        CustomersMerged(merge_id="m-1", customer_id="c-7", into_id="c-21"),
        CustomersMerged(merge_id="m-2", customer_id="c-99", into_id="c-3"),
        *order("late", "c-99", 7_000),
        *order("first", "c-new", 5_000),
    )
    everything = "SELECT * FROM predictions ORDER BY customer_id"
    ids = [f"c-{number}" for number in range(250)] + ["c-new"]
    async with app.runtime.database.transaction() as session:
        await score_customers(session, await model_in_force(session), ids, clock())
    one_by_one = await rows(app, everything)
    assert len(one_by_one) == 249

    # Some are known, some new, and of one nothing is left.
    async with app.runtime.database.transaction() as session:
        await session.execute(text("DELETE FROM predictions WHERE customer_id > 'c-2'"))
        await session.execute(text("UPDATE predictions SET p_alive = 0, repeats = 0"))
        await session.execute(
            text("UPDATE predictions SET customer_id = 'c-0x' WHERE customer_id = 'c-1'")
        )
    monkeypatch.setattr(rescoring, "AT_ONCE", 60)
    await rescoring.rescore(app.runtime.database, clock())

    together = await rows(app, everything)
    assert [row.customer_id for row in together] == [row.customer_id for row in one_by_one]
    for ours, theirs in zip(together, one_by_one, strict=True):
        for one, other in zip(ours, theirs, strict=True):
            assert one == (pytest.approx(other, rel=1e-9) if isinstance(other, float) else other)


async def test_time_alone_lowers_p_alive_and_moves_stages(
    history: Any, year_of_orders: Any, fit: Any, state_of: Any, app: ServiceApp, clock: Any,
    client: httpx.AsyncClient,
) -> None:  # fmt: skip
    await history(year_of_orders)
    await fit()
    database = app.runtime.database
    stages = Timer("stages", 5, lambda session, now: review_due(session, now, DAYS))

    async def everybody() -> list[Any]:
        while await run_due(database, stages, clock()):
            pass
        return await rows(
            app,
            "SELECT * FROM stages JOIN predictions USING (customer_id)"
            " WHERE repeats > 0 ORDER BY customer_id",
        )

    async with database.reading() as session:
        stored = await standing_model(session)
    assert stored is not None
    assert stored.identified
    model, fitted_at = model_of(stored), clock()
    seen = set()
    for _ in range(6):
        for row in await everybody():
            history_of = History(
                row.first_day, row.last_day, row.repeats, row.value_days, row.value_sum
            )
            alive = predict(model, history_of, model.day(clock(), row.last_day)).p_alive
            told = (await state_of(row.customer_id))["prediction"]["p_alive"]
            assert told == pytest.approx(alive)
            expected = "active" if alive >= 0.5 else "at_risk" if alive >= 0.2 else "lapsed"
            assert row.stage in {expected, "new"}, (row.customer_id, alive)
            assert row.stage == expected or (clock().date() - row.first_day).days <= 31
            seen.add(row.stage)
        clock.turn(days=17, hours=5)
    assert {"active", "at_risk", "lapsed"} <= seen
    changed = next(row.customer_id for row in await everybody() if row.since > fitted_at)
    timeline = (await client.get(f"/v1/customers/{changed}/timeline")).json()["data"]
    told_of = [each["data"] for each in timeline if each["type"].endswith("stage_changed.v1")]
    assert told_of[0]["reason"] == "p_alive"


async def test_a_refusal_keeps_the_model_before(
    client: httpx.AsyncClient, history: Any, year_of_orders: Any, fit: Any, state_of: Any
) -> None:
    empty = await fit()
    assert (empty["status"], (await client.get("/v1/value-model")).json()["status"]) == (
        "refused",
        "refused",
    )
    assert "nothing to fit" in empty["reason"]
    await history(year_of_orders)
    await fit()
    before = (await client.get("/v1/value-model")).json()

    refused = await fit(calibration_end="2025-02-10")

    assert refused["status"] == "refused"
    assert "Too few repeat buyers" in refused["reason"]
    after = (await client.get("/v1/value-model")).json()
    assert (after["status"], after["reason"]) == ("refused", refused["reason"])
    assert after["bg_nbd"] == before["bg_nbd"]
    assert (await state_of("c-1"))["prediction"]["model"] == before["model"]


async def test_a_past_as_of_looks_from_that_day(
    history: Any, year_of_orders: Any, fit: Any, state_of: Any, clock: Any
) -> None:
    await history(year_of_orders)
    clock.turn(days=2000)
    await fit(calibration_end="2025-10-01", as_of="2026-03-01T15:00:00Z")
    prediction = (await state_of("c-0"))["prediction"]
    assert prediction["as_of"] >= "2026-03-01"
    await fit()
    later = (await state_of("c-0"))["prediction"]
    assert later["as_of"] == clock().date().isoformat()
    assert later["expected_orders_90d"] < prediction["expected_orders_90d"]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"as_of": "2026-03-04"}, "/as_of"),
        ({"calibration_end": "2026-03-02", "as_of": "2026-03-01"}, ""),
        ({"as_of": "yesterday"}, "/as_of"),
        ({"as_of": 20260301}, "/as_of"),
        ({"until": "2026-03-01"}, "/until"),
    ],
)
async def test_bad_requests_are_pointed_at(
    client: httpx.AsyncClient, body: dict[str, Any], pointer: str
) -> None:
    answer = await client.post("/v1/value-model/fit", json=body)
    assert answer.status_code == 422
    assert pointer in {error["pointer"] for error in answer.json()["errors"]}


async def test_one_fit_at_a_time(client: httpx.AsyncClient) -> None:
    asked = await asyncio.gather(
        *(client.post("/v1/value-model/fit", json={"as_of": "2026-01-01"}) for _ in range(5))
    )
    assert {answer.status_code for answer in asked} == {202}
    assert len({answer.headers["Location"] for answer in asked}) == 1
    other = await client.post("/v1/value-model/fit")
    assert (other.status_code, other.json()["job_id"]) == (409, asked[0].json()["job_id"])
    assert (await client.get("/v1/value-model/fits/nothing")).status_code == 404


async def test_a_killed_process_is_followed_by_another(
    client: httpx.AsyncClient, history: Any, year_of_orders: Any, fit: Any, app: ServiceApp
) -> None:
    await history(year_of_orders)
    asked = await client.post("/v1/value-model/fit")
    job = asked.headers["Location"]

    async def running() -> bool:
        return bool((await client.get(job)).json()["status"] == "running")

    await until(running, within=30)
    for pid in children():
        os.kill(pid, signal.SIGKILL)

    async def ended() -> bool:
        return bool((await client.get(job)).json()["status"] == "fitted")

    await until(ended, within=60)
    assert len(await rows(app, "SELECT 1 FROM predictions")) == 250


def children() -> list[int]:
    """The fitting processes that this one has started."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            command = (folder / "cmdline").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if parent == os.getpid() and "value_model.fitting" in command:
            found.append(int(folder.name))
    return found


async def test_the_calendar_refits_and_rescores(
    client: httpx.AsyncClient,
    history: Any,
    year_of_orders: Any,
    fit: Any,
    app: ServiceApp,
    clock: Any,
) -> None:
    await history(year_of_orders)
    timer = Timer("value model", 60, lambda session, now: schedule_work(session, now, 7))
    database = app.runtime.database
    await run_due(database, timer, clock())
    await fit()

    async def no_job_is_open() -> bool:
        return not await rows(
            app, "SELECT 1 FROM value_model_jobs WHERE status IN ('queued', 'running')"
        )

    async def kinds() -> list[str]:
        await run_due(database, timer, clock())
        await until(no_job_is_open, within=60)
        found = await rows(app, "SELECT kind FROM value_model_jobs ORDER BY requested_at, job_id")
        return [kind for (kind,) in found]

    assert await kinds() == ["fit"]
    clock.turn(hours=13)
    assert await kinds() == ["fit", "rescore"]
    assert await kinds() == ["fit", "rescore"]
    computed = await rows(app, "SELECT DISTINCT computed_at FROM predictions")
    assert [at for (at,) in computed] == [clock()]
    clock.turn(days=1)
    assert await kinds() == ["fit", "rescore", "fit"]
    assert datetime(2026, 3, 4, tzinfo=UTC) + timedelta(hours=1) == clock()


async def test_the_service_itself_loads_no_arrays() -> None:
    script = (
        "import sys, profile_service.app;"
        "sys.exit(bool({'numpy', 'scipy', 'pandas', 'polars'} & set(sys.modules)))"
    )
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", script)
    assert await process.wait() == 0
