"""The product's modules, parsed."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest

Function = ast.FunctionDef | ast.AsyncFunctionDef

ROOT = next(p for p in Path(__file__).parents if (p / "Makefile").exists())
PRODUCT = ("libs/*/perennial_*", "cli/perennial_cli", "services/*/*_service")


@dataclass(frozen=True)
class Module:
    """One file of product code."""

    path: Path

    def __str__(self) -> str:
        return str(self.path.relative_to(ROOT))

    @property
    def package(self) -> str:
        """The top-level package: `orders_service`, `perennial_http`."""
        return self.path.relative_to(ROOT).parts[2 if self.area != "cli" else 1]

    @property
    def area(self) -> str:
        """`libs`, `cli` or `services`."""
        return self.path.relative_to(ROOT).parts[0]

    @cached_property
    def source(self) -> str:
        return self.path.read_text()

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.source)

    @cached_property
    def imports(self) -> frozenset[str]:
        """The full names of all that is imported, wherever in the file: `fastapi.APIRouter`."""
        found = set()
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                found |= {f"{node.module}.{alias.name}" for alias in node.names}
        return frozenset(found)

    def imports_from(self, *packages: str) -> set[str]:
        """Its imports from these packages or modules, or from inside of them."""
        prefixes = tuple(f"{package}." for package in packages)
        return {each for each in self.imports if each.startswith(prefixes) or each in packages}

    def calls(self, method: str) -> bool:
        """Whether something is called by this name: `method(…)` or `x.method(…)`."""
        return any(
            isinstance(node, ast.Call)
            and method == getattr(node.func, "attr", getattr(node.func, "id", None))
            for node in ast.walk(self.tree)
        )

    def functions(self) -> Iterator[Function]:
        for node in ast.walk(self.tree):
            if isinstance(node, Function):
                yield node

    def strings(self) -> Iterator[str]:
        """Its string constants, the constant parts of f-strings among them."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value


@pytest.fixture(scope="session")
def modules() -> list[Module]:
    found = [
        Module(file)
        for pattern in PRODUCT
        for folder in sorted(ROOT.glob(pattern))
        for file in sorted(folder.rglob("*.py"))
    ]
    assert len({module.package for module in found}) >= 9
    return found
