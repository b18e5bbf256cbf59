"""Sums over `{sku: quantity}`."""

from collections.abc import Iterable, Mapping
from typing import Any

Quantities = dict[str, int]


def quantities_of(lines: Iterable[Mapping[str, Any]]) -> Quantities:
    """Lines that name a sku twice are added up."""
    found: Quantities = {}
    for line in lines:
        found[line["sku"]] = found.get(line["sku"], 0) + line["quantity"]
    return found


def less(whole: Mapping[str, int], part: Mapping[str, int]) -> Quantities:
    """`whole - part` by sku; negative where the part is larger."""
    return {sku: whole.get(sku, 0) - part.get(sku, 0) for sku in {**whole, **part}}


def more(whole: Mapping[str, int], part: Mapping[str, int]) -> Quantities:
    """`whole + part` by sku."""
    return {sku: whole.get(sku, 0) + part.get(sku, 0) for sku in {**whole, **part}}


def positive(quantities: Mapping[str, int]) -> Quantities:
    return {sku: quantity for sku, quantity in quantities.items() if quantity > 0}
