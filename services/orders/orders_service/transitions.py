"""What may happen next: one table a thing, state → action → state after it."""

from collections.abc import Mapping
from typing import TypeVar

from orders_service.errors import IllegalTransition

State = TypeVar("State", bound=str)
Action = TypeVar("Action", bound=str)


def next_state(
    table: Mapping[State, Mapping[Action, State]], what: str, state: State, action: Action
) -> State:
    """The state after `action`. Raises `IllegalTransition`, which names what is allowed."""
    allowed = table[state]
    if action not in allowed:
        raise IllegalTransition(what, action, state, allowed)
    return allowed[action]
