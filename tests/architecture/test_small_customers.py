"""Worth may put somebody first in a queue; no price, refund, case or recommendation may ask for it."""

from typing import Any

WORTH = {
    "value_segment",
    "value_tier",
    "below_zero",
    "problem_customer",
    "ValueChanged",
    "cost_to_serve",
}
MAY_RAISE_A_PRIORITY = (
    "services/support/support_service/cases/",
    "services/support/support_service/worth/",
)
"""Besides `profile`, which measures it, and `engagement`, which invests by it."""


def words_of(module: Any) -> set[str]:
    names = {each.rpartition(".")[2] for each in module.imports}
    return {word for text in (*module.strings(), *names) for word in WORTH if word in text}


def test_no_path_of_orders_support_or_recommend_reads_what_a_customer_is_worth(
    modules: list[Any],
) -> None:
    serving = [
        module
        for module in modules
        if module.package in {"orders_service", "support_service", "recommend_service"}
        and not str(module).startswith(MAY_RAISE_A_PRIORITY)
    ]
    assert len(serving) > 30
    assert not {str(module): words for module in serving if (words := words_of(module))}


def test_the_search_finds_what_profile_says(modules: list[Any]) -> None:
    assert any(words_of(module) for module in modules if module.package == "profile_service")
