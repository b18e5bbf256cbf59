"""`perennial recommend evaluate`: the file, the splits, and the figures on real data where it is."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from recommend_service.evaluation.events import UnreadableFile, read
from recommend_service.evaluation.metrics import interval, measure
from recommend_service.evaluation.peers import own_frequency
from recommend_service.evaluation.protocols import PROTOCOLS, NothingToTest, Protocol, split
from recommend_service.evaluation.training import offer, train

HEADER = "visitor,sku,at,basket\n"


def a_file(folder: Path, lines: list[str], header: str = HEADER, name: str = "events.csv") -> Path:
    file = folder / name
    file.write_text(header + "\n".join(lines) + "\n")
    return file


def many(folder: Path) -> Path:
    random = np.random.default_rng(5)
    lines = [
        f"v{v},s{s},{1_000_000 * day + v},{day}-{v}"
        for day in range(30)
        for v in range(12)
        for s in {v % 4, 4 + day % 3, int(random.integers(20))}
    ]
    return a_file(folder, lines)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_no_test_item_is_learnt_from(tmp_path: Path, protocol: Protocol) -> None:
    events = read(many(tmp_path))
    found = split(events, protocol)
    # Each event is either learnt from or tested on (as one that is wanted, or as what precedes one).
    learnt = set(zip(found.train.visitor, found.train.item, found.train.at, strict=True))
    assert found.cases
    for case in found.cases:
        if protocol == "leave-last":
            continue
        assert found.train.at.max() <= case.question.now
    if protocol == "leave-last":
        last = {
            v: (v, i, at) for v, i, at in zip(events.visitor, events.item, events.at, strict=True)
        }
        assert not learnt & set(last.values())
    else:
        assert found.split_at is not None
        assert all(at < found.split_at for _, _, at in learnt)


def test_formats_and_times(tmp_path: Path) -> None:
    one = read(a_file(tmp_path, ["a,x,2026-03-02T12:00:00Z,1", "a,y,2026-03-02T13:00:00+01:00,1"]))
    two = read(
        a_file(tmp_path, ["a\tx\t1772452800", "a\ty\t1772452800.5"], "visitor\tsku\tat\n", "e.tsv")
    )
    assert one.at.tolist() == [1772452800.0, 1772452800.0]
    assert two.at.tolist() == [1772452800.0, 1772452800.5]
    assert (one.baskets, two.baskets) == (True, False)
    table = pl.DataFrame({"visitor": [1, 2], "sku": ["x", "y"], "at": [1, 2], "weight": [1, 0]})
    table.write_parquet(tmp_path / "e.parquet")
    assert read(tmp_path / "e.parquet").skus == ["x"]


@pytest.mark.parametrize(
    ("lines", "header", "told"),
    [
        (["a,x"], "visitor,sku\n", "has no column at"),
        ([], HEADER, "holds no events"),
        (["a,x,yesterday,1"], HEADER, "RFC 3339"),
    ],
)
def test_files_that_are_none(tmp_path: Path, lines: list[str], header: str, told: str) -> None:
    with pytest.raises(UnreadableFile, match=told):
        read(a_file(tmp_path, lines, header))


def test_nothing_to_test(tmp_path: Path) -> None:
    with pytest.raises(NothingToTest, match="choose another"):
        split(read(a_file(tmp_path, ["a,x,1,1"])), "next-basket")


def test_measures() -> None:
    ranked = [np.array([1, 2, 3], np.int32), np.array([4], np.int32)]
    wanted = [np.array([2, 9], np.int32), np.array([5], np.int32)]
    found = measure(ranked, wanted, np.array([0, 1, 1, 1, 1, 1], np.int32), 3)
    assert (found.hit_rate, found.mrr, found.recall) == (0.5, 0.25, 0.25)
    assert found.ndcg == pytest.approx((1 / np.log2(3)) / (1 + 1 / np.log2(3)) / 2, abs=1e-6)
    assert found.coverage == pytest.approx(4 / 5)
    low, high = interval(np.r_[np.zeros(50), np.ones(50)])
    assert low == pytest.approx(0.4, abs=0.03)
    assert high == pytest.approx(0.6, abs=0.03)


def run(file: Path, folder: Path, *options: str) -> dict[str, dict[str, float]]:
    """The results of the command."""
    out = folder / "out.json"
    command = [
        sys.executable,
        "-m",
        "perennial_cli",
        "recommend",
        "evaluate",
        "--events",
        str(file),
    ]
    command += [*options, "--json", str(out), "--plot", str(folder / "out.svg")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "<svg" in (folder / "out.svg").read_text()
    found = json.loads(out.read_text())
    assert found["protocol"] == options[1]
    for result in found["results"].values():
        assert {"hit_rate", "mrr", "recall", "ndcg", "coverage", "low", "high"} <= result.keys()
    results: dict[str, dict[str, float]] = found["results"]
    return results


def test_the_command(tmp_path: Path) -> None:
    results = run(many(tmp_path), tmp_path, "--protocol", "next-basket", "--k", "5")
    assert {"blend", "repeat", "for_you", "popularity", "item_knn", "implicit_als"} <= set(results)
    # Each visitor buys one product of their own each day.
    assert results["repeat"]["recall"] > results["popularity"]["recall"]


def shared(repository: Path, name: str) -> Path:
    folder = os.environ.get("PERENNIAL_TEST_DATA") or repository.parent / "shared" / "data"
    file = Path(folder) / name
    if not file.exists():
        pytest.skip(f"{name} is not here; PERENNIAL_TEST_DATA names the folder of the real data")
    return file


@pytest.mark.timeout(300)
def test_next_clicks_are_foretold_better_than_by_the_published_method(
    repository: Path, tmp_path: Path
) -> None:
    clicks = pl.read_csv(shared(repository, "yoochoose/clicks_train.tsv.gz"), separator="\t")
    clicks = clicks.rename({"SessionId": "visitor", "ItemId": "sku", "Time": "at"})
    clicks.write_parquet(tmp_path / "clicks.parquet")
    options = ("--protocol", "next-item", "--split-at", "2014-04-06T00:00:00Z", "--tests", "5000")
    found = run(tmp_path / "clicks.parquet", tmp_path, *options)
    assert found["also_viewed"]["hit_rate"] >= found["vsknn"]["hit_rate"]
    assert found["also_viewed"]["hit_rate"] > found["item_knn"]["hit_rate"]
    assert found["blend"]["recall"] >= found["also_viewed"]["low"]


@pytest.mark.timeout(300)
def test_next_baskets_are_foretold_better_than_by_own_habits(
    repository: Path, tmp_path: Path
) -> None:
    bought = pl.read_parquet(shared(repository, "complete_journey/transactions_to_week40.parquet"))
    names = {"household_id": "visitor", "product_id": "sku", "basket_id": "basket"}
    bought = bought.rename({**names, "transaction_timestamp": "at"})
    bought.select("visitor", "sku", "at", "basket").write_parquet(tmp_path / "baskets.parquet")
    first_of_week_37 = bought.filter(pl.col("week") > 36)["at"].dt.epoch("us").min()
    assert isinstance(first_of_week_37, int)

    parted = split(read(tmp_path / "baskets.parquet"), "next-basket", first_of_week_37 / 1e6)
    models = train(parted.train)
    ours = [offer(models, "repeat", case.question).best(10).items for case in parted.cases]
    counts = np.bincount(parted.train.item).astype(np.int32)
    wanted = [case.wanted for case in parted.cases]
    reached = measure(ours, wanted, counts, 10).recall
    assert reached >= 1.1 * measure(own_frequency(parted.cases, 10), wanted, counts, 10).recall
