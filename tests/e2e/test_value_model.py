"""The published figures of CDNOW through the running services: orders imported, the model fitted by the API."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.shop import Json, Shop, eventually, order_of

DATA = Path(os.environ.get("PERENNIAL_DATA") or Path(__file__).parents[3] / "shared" / "data")
CDNOW = DATA / "cdnow" / "CDNOW_sample.txt"


def past_orders() -> Iterator[Json]:
    """Each purchase of the sample as an order that was paid on its day."""
    for number, line in enumerate(CDNOW.read_text().splitlines()):
        _, customer, day, _, dollars = line.split()
        yield order_of(
            f"cdnow-{customer}",
            ("cd", 1, round(float(dollars) * 100)),
            order_id=f"cdnow-{number}",
            placed_at=f"{day[:4]}-{day[4:6]}-{day[6:]}T12:00:00Z",
            status="completed",
        )


@pytest.mark.skipif(not CDNOW.exists(), reason=f"no CDNOW sample at {CDNOW}")
@pytest.mark.timeout(240)
async def test_cdnow_to_the_printed_digits(shop: Shop) -> None:
    lines = [json.dumps(order) for order in past_orders()]
    imported = await shop.send_lines("orders", "/v1/orders:import", lines)
    assert imported["refused"] == 0

    async def followed() -> bool:
        """Whether profile has seen the last order; the others' keys are in the same topic."""
        return bool((await shop.get("profile", "/v1/operations/lag"))["behind"] == 0)

    await eventually(followed, within=120)
    asked = await shop.post(
        "profile", "/v1/value-model/fit", {"calibration_end": "1997-09-30", "as_of": "1998-06-30"}
    )

    async def ended() -> Json | None:
        job: Json = await shop.get("profile", asked.headers["Location"])
        return job if job["status"] not in ("queued", "running") else None

    assert (await eventually(ended, within=60))["status"] == "fitted"
    model = await shop.get("profile", "/v1/value-model")
    assert (model["status"], model["customers"], model["reason"]) == ("fitted", 2357, None)
    assert {name: round(value, 3) for name, value in model["bg_nbd"].items()} == {
        "r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426, "log_likelihood": -9582.429,
    }  # fmt: skip
    assert {name: round(value, 2) for name, value in model["gamma_gamma"].items()} == {
        "p": 6.25, "q": 3.74, "gamma": 15.44, "log_likelihood": -4055.92, "customers": 946,
    }  # fmt: skip
    assert round(model["calibration"]["chi_square"], 2) == 4.82
    assert (model["holdout"]["weeks"], round(model["holdout"]["correlation"], 3)) == (39, 0.626)
    zero = model["holdout"]["table"][0]
    assert (round(zero["actual"], 2), round(zero["expected"], 3)) == (0.24, 0.225)

    often, once = [
        (await shop.state(customer))["prediction"] for customer in ("cdnow-1981", "cdnow-0003")
    ]
    assert often["as_of"] == once["as_of"] == "1998-06-30"
    assert often["expected_orders_90d"] > 1 > once["expected_orders_90d"]
    chart = await shop.text("profile", "/v1/value-model/calibration.svg")
    assert chart.startswith("<svg")
