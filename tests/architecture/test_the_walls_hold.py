"""A rule that finds nothing may be blind: each way of looking is shown something to find."""

from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def module(modules: list[Any], tmp_path: Path) -> Any:
    file = tmp_path / "found.py"
    file.write_text(
        "import aiokafka\n"
        "from fastapi import APIRouter\n"
        "from orders_service.orders import rules\n"
        "async def write(session, name):\n"
        "    from perennial_cli.main import app\n"
        "    await session.commit()\n"
        "    return text(f'SELECT 1 FROM {name}')\n"
    )
    return type(modules[0])(file)


def test_imports_are_found_wherever_they_stand(module: Any) -> None:
    assert module.imports_from("aiokafka") == {"aiokafka"}
    assert module.imports_from("fastapi", "starlette") == {"fastapi.APIRouter"}
    assert module.imports_from("orders_service") == {"orders_service.orders.rules"}
    assert module.imports_from("perennial_cli") == {"perennial_cli.main.app"}
    assert module.imports_from("orders") == set()


def test_calls_are_found_as_functions_and_as_methods(module: Any) -> None:
    assert module.calls("commit")
    assert module.calls("text")
    assert not module.calls("rollback")


def test_strings_and_functions_are_found(module: Any) -> None:
    assert "SELECT 1 FROM " in set(module.strings())
    (function,) = module.functions()
    assert (function.lineno, function.end_lineno) == (4, 7)
