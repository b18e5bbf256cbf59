"""Events out of a CSV, TSV or Parquet file, in arrays."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from recommend_service.strategies.gathering import sessions
from recommend_service.strategies.scored import Floats, Ints

COLUMNS = ("visitor", "sku", "at")
PAUSE = 24 * 3600.0
"""Without baskets, a visitor's events belong to one visit until so many seconds pass without any."""


class UnreadableFile(Exception):
    """The file is not what it has to be; says what it is missing."""


@dataclass(frozen=True)
class Events:
    """Events in the order of their times. Visitors, products and visits are numbers from 0."""

    visitor: Ints
    item: Ints
    at: Floats
    visit: Ints
    skus: list[str]
    baskets: bool
    """Whether the file has baskets: then visits are orders, and otherwise sessions of views."""

    def __len__(self) -> int:
        return len(self.item)

    def where(self, mask: "np.ndarray[tuple[int], np.dtype[np.bool_]]") -> "Events":
        """The events that are chosen, under the same numbers."""
        return Events(
            self.visitor[mask],
            self.item[mask],
            self.at[mask],
            self.visit[mask],
            self.skus,
            self.baskets,
        )


def read(file: Path) -> Events:
    """Read the file. Raises `UnreadableFile`."""
    table = _table(file)
    missing = [name for name in COLUMNS if name not in table.columns]
    if missing:
        raise UnreadableFile(
            f"{file.name} has no column {', '.join(missing)}; it has {', '.join(table.columns)}."
        )
    table = table.drop_nulls(list(COLUMNS))
    # An event may stand for several: what is not wanted at all has a weight of 0 or less.
    if "weight" in table.columns:
        table = table.filter(pl.col("weight").cast(pl.Float64, strict=False) > 0)
    try:
        table = table.with_columns(at=_seconds(table["at"]))
    except pl.exceptions.PolarsError as error:
        raise UnreadableFile(f"at: neither RFC 3339 nor seconds since 1970: {error}") from None
    table = table.sort("at", maintain_order=True)
    baskets = "basket" in table.columns
    if table.is_empty():
        raise UnreadableFile(f"{file.name} holds no events.")
    visitor, _ = _numbers(table["visitor"])
    item, skus = _numbers(table["sku"])
    at = table["at"].to_numpy().astype(np.float64)
    if baskets:
        key = (
            table["visitor"].cast(pl.String) + "\t" + table["basket"].cast(pl.String).fill_null("")
        )
        visit, _ = _numbers(key)
    else:
        visit = sessions(visitor, at, PAUSE)
    return Events(visitor, item, at, visit, skus, baskets)


def _table(file: Path) -> pl.DataFrame:
    try:
        if file.suffix == ".parquet":
            return pl.read_parquet(file)
        separator = "\t" if ".tsv" in file.suffixes else ","
        return pl.read_csv(file, separator=separator, infer_schema_length=10_000)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise UnreadableFile(f"{file} cannot be read: {error}") from None


def _seconds(at: pl.Series) -> pl.Series:
    if at.dtype.is_numeric():
        return at.cast(pl.Float64)
    if at.dtype == pl.String:
        at = at.str.to_datetime(time_zone="UTC", time_unit="us")
    return at.dt.epoch("us").cast(pl.Float64) / 1e6


def _numbers(series: pl.Series) -> tuple[Ints, list[str]]:
    """Numbers in the order of first appearance, and what they stand for."""
    values = series.cast(pl.String)
    names = values.unique(maintain_order=True)
    table = pl.DataFrame({"name": names, "number": np.arange(len(names), dtype=np.int32)})
    numbers = values.to_frame("name").join(table, on="name", maintain_order="left")["number"]
    return numbers.to_numpy().astype(np.int32), names.to_list()
