"""Draws the state machines that services declare, as Mermaid in Markdown."""

import importlib
import importlib.util
from collections.abc import Iterator, Mapping

Table = Mapping[str, Mapping[str, str]]
"""State → action → the state after it; the first state is where things begin."""

HEADING = """# State machines

Drawn by `perennial docs` from the tables that the services decide by. Whatever a table does not allow is answered
with 409, which names the state and what is allowed in it.
"""


def state_machines(services: tuple[str, ...]) -> str:
    """The page with every table that a service declares in its `state_machines.py`."""
    return HEADING + "".join(
        f"\n## {service}: {name}\n\n```mermaid\n{diagram(table)}\n```\n"
        for service in services
        for name, table in _declared(service)
    )


def diagram(table: Table) -> str:
    """One table as a Mermaid state diagram; actions between the same two states share an arrow."""
    begin = next(iter(table))
    arrows: dict[tuple[str, str], list[str]] = {}
    for state, actions in table.items():
        for action, after in actions.items():
            arrows.setdefault((state, after), []).append(action)
    drawn = [f"    {a} --> {b}: {', '.join(actions)}" for (a, b), actions in arrows.items()]
    ends = [f"    {state} --> [*]" for state, actions in table.items() if not actions]
    return "\n".join(["stateDiagram-v2", f"    [*] --> {begin}", *drawn, *ends])


def _declared(service: str) -> Iterator[tuple[str, Table]]:
    name = f"{service}_service.state_machines"
    if importlib.util.find_spec(name) is not None:
        yield from importlib.import_module(name).STATE_MACHINES.items()
