"""The replay and the demonstration against a real HTTP server that answers as the services do."""

import io
import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from rich.console import Console

from perennial_cli.history.demo import run_demo
from perennial_cli.history.errors import KeyRefused, PlatformUnreachable, ReplayError
from perennial_cli.history.platform import Platform
from perennial_cli.history.replay import replay
from perennial_cli.history.report import ReplayReport
from perennial_cli.history.shop import History, Kind
from perennial_cli.history.simulator import simulate
from perennial_cli.history.testing import KEY, FakePlatform, serve

AS_OF = datetime(2026, 11, 22, 12, tzinfo=UTC)
NOWHERE = "http://127.0.0.1:9"  # the discard port: nobody listens


@pytest.fixture
def fake() -> FakePlatform:
    return FakePlatform()


@pytest.fixture
def platform(fake: FakePlatform) -> Iterator[Platform]:
    with serve(fake) as platform:
        yield platform


@pytest.fixture
def history() -> History:
    return simulate(seed=1, customers=60, as_of=AS_OF)


def pipe() -> Console:
    return Console(file=io.StringIO(), width=100, highlight=False)


def printed(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def by_name(report: ReplayReport) -> dict[str, tuple[int, int, int, int]]:
    return {
        phase.name: (phase.sent, phase.created, phase.unchanged, len(phase.refused))
        for phase in report.phases
    }


async def test_everything_arrives_once_and_each_customers_things_in_their_order(
    fake: FakePlatform, platform: Platform, history: History
) -> None:
    report = await replay(history, platform, console=pipe())
    count = Counter(item.kind for item in history.items)
    assert report.sent == report.created == len(history.items)
    assert [phase.name for phase in report.phases] == [
        "products",
        "customers",
        "orders",
        "clicks",
        "complaints",
    ]
    assert len(fake.things["orders"]) == count[Kind.ORDER]
    assert fake.things["orders"] == {item.id: item.body for item in history.of_kind(Kind.ORDER)}
    assert len(fake.clicks) == count[Kind.CLICK] + count[Kind.IDENTIFY]
    assert all(abs(at - datetime.now(UTC)) < timedelta(seconds=30) for at in fake.sent_at)
    assert max(fake.batch_sizes) <= 500
    assert len(fake.things["complaints"]) == count[Kind.COMPLAINT]
    place = {name: number for number, name in enumerate(fake.arrived)}
    for kinds in ([Kind.ORDER], [Kind.CLICK, Kind.IDENTIFY]):
        for key in {item.key for item in history.items}:
            mine = [place[item.id] for item in history.of_kind(*kinds) if item.key == key]
            assert mine == sorted(mine)


async def test_a_second_replay_finds_its_data(
    fake: FakePlatform, platform: Platform, history: History
) -> None:
    first = await replay(history, platform, console=pipe())
    held = json.dumps([fake.things, fake.clicks])
    fake.calls.clear()
    second = await replay(history, platform, console=pipe())
    assert by_name(second) == {
        name: (sent, 0, sent, 0) for name, (sent, *_) in by_name(first).items()
    }
    assert "POST /v1/batch" not in fake.calls
    assert json.dumps([fake.things, fake.clicks]) == held


async def test_an_interrupted_replay_is_completed(
    fake: FakePlatform, platform: Platform, history: History
) -> None:
    fake.failures["/v1/batch"] = [(500, {})] * 100
    await replay(history, platform, console=pipe())
    assert not fake.clicks
    fake.failures.clear()
    report = await replay(history, platform, console=pipe())
    assert by_name(report)["clicks"][1] == len(fake.clicks) > 0


async def test_a_503_is_waited_out_as_long_as_it_says(
    fake: FakePlatform, platform: Platform, history: History
) -> None:
    fake.failures["/v1/orders:import"] = [(503, {"retry-after": "1"})]
    fake.failures["/v1/complaints:import"] = [(503, {})]
    report = await replay(history, platform, console=pipe())
    assert report.created == len(history.items)
    orders = next(phase for phase in report.phases if phase.name == "orders")
    assert orders.seconds >= 1.0


async def test_refused_items_are_shown_with_their_reasons_and_stop_nothing(
    fake: FakePlatform, platform: Platform, history: History
) -> None:
    order, click = history.of_kind(Kind.ORDER)[3].id, history.of_kind(Kind.CLICK)[5].id
    fake.refused_ids = {order, click}
    console = pipe()
    report = await replay(history, platform, console=console)
    assert {refusal.id for refusal in report.refused} == {order, click}
    assert report.created == len(history.items) - 2
    assert f"refused 1 times: /order_id not wanted here (first: {order})" in printed(console)


async def test_a_request_refused_whole_refuses_each_of_its_items(
    fake: FakePlatform, platform: Platform, history: History
) -> None:
    fake.failures["/v1/products:import"] = [(413, {})] * 4
    report = await replay(history, platform, console=pipe())
    products = len(history.of_kind(Kind.PRODUCT))
    assert by_name(report)["products"] == (products, 0, 0, products)


async def test_a_platform_that_stays_away_ends_the_replay(history: History) -> None:
    nowhere = Platform(NOWHERE, NOWHERE, NOWHERE, NOWHERE, NOWHERE, KEY)
    with pytest.raises(PlatformUnreachable, match=r"Is the platform running\?"):
        await replay(history, nowhere, console=pipe(), patience_s=0.5)


async def test_an_unknown_key_ends_the_replay_at_once(platform: Platform, history: History) -> None:
    stranger = replace(platform, key="other")
    with pytest.raises(KeyRefused, match="unknown key"):
        await replay(history, stranger, console=pipe())


async def test_the_demonstration_shows_the_result_in_a_plain_pipe(
    fake: FakePlatform, platform: Platform
) -> None:
    first = pipe()
    await run_demo(platform, customers=40, console=first)
    text = printed(first)
    assert max(map(len, text.splitlines())) <= 100
    assert "\x1b" not in text
    for wanted in (
        "Lifecycle stages",
        "1,234.56 EUR",
        "order placed",
        "Brass mister",
        "a click now shows in customer state after",
    ):
        assert wanted in text
    assert re.search(r"orders +[\d,]+ +[\d,]+ +✓", text)
    assert "✗" not in text


async def test_a_second_demonstration_tells_the_same_history(
    fake: FakePlatform, platform: Platform
) -> None:
    await run_demo(platform, customers=40, console=pipe())
    second = pipe()
    report = await run_demo(platform, customers=40, console=second)
    assert report.created == 0
    assert "the platform held this history already" in printed(second)


async def test_totals_that_differ_are_crossed(fake: FakePlatform, platform: Platform) -> None:
    fake.things["orders"]["of-another"] = (
        simulate(seed=9, customers=3, as_of=AS_OF).of_kind(Kind.ORDER)[0].body
    )
    console = pipe()
    await run_demo(platform, customers=20, console=console)
    assert "✗" in printed(console)


async def test_the_progress_bar_draws_on_a_terminal(platform: Platform, history: History) -> None:
    console = Console(file=io.StringIO(), width=100, force_terminal=True)
    await replay(history, platform, console=console)
    assert "━" in printed(console)
    assert "/s" in printed(console)


def test_a_home_without_a_key_says_so(tmp_path: Path) -> None:
    with pytest.raises(ReplayError, match=r"admin\.key cannot be read"):
        Platform.from_home(tmp_path, 8000)
    (tmp_path / "admin.key").write_text("secret\n")
    platform = Platform.from_home(tmp_path, 8000)
    assert platform.key == "secret"
    assert platform.recommend == "http://127.0.0.1:8005"
