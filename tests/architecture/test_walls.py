"""The walls of the house: who may import what, where SQL and commits stand, how long things are."""

import re
from typing import Any

import pytest

Modules = list[Any]

NOT_FOR_RULES = (
    *("fastapi", "starlette", "httpx", "aiokafka"),
    *("perennial_events.log", "perennial_events.Log", "perennial_events.open_log"),
)
SQL = re.compile(
    r"^\s*(SELECT\s|INSERT\s+INTO\s|UPDATE\s+\w+\s+SET\s|DELETE\s+FROM\s|WITH\s+\w+\s+AS\s|MERGE\s+INTO\s)",
    re.IGNORECASE,
)
SAYS_NOTHING = {
    "utils",
    "util",
    "common",
    "helpers",
    "helper",
    "misc",
    "tools",
    "shared",
    "base_utils",
}

FILE_LINES, FUNCTION_LINES = 300, 40
"""Taste: what is longer is shown."""
MOST_FILE_LINES, MOST_FUNCTION_LINES = 350, 60
"""The wall: what is longer fails."""


def of_kind(modules: Modules, *stems: str) -> Modules:
    """A service's modules of this name, and those of packages of this name: `rules.py`, `rules/x.py`."""
    return [
        module
        for module in modules
        if module.area == "services" and {module.path.stem, module.path.parent.name} & set(stems)
    ]


def test_services_never_import_each_other(modules: Modules) -> None:
    services = {module.package for module in modules if module.area == "services"}
    crossing = {
        str(module): found
        for module in modules
        if module.area == "services"
        and (found := module.imports_from(*(services - {module.package})))
    }
    assert not crossing


def test_libraries_import_no_service_and_no_command(modules: Modules) -> None:
    above = {module.package for module in modules if module.area != "libs"}
    climbing = {
        str(module): found
        for module in modules
        if module.area == "libs" and (found := module.imports_from(*above))
    }
    assert not climbing


def test_nobody_imports_the_command_line(modules: Modules) -> None:
    assert not [
        str(module)
        for module in modules
        if module.area != "cli" and module.imports_from("perennial_cli")
    ]


def test_rules_and_models_know_neither_http_nor_the_log(modules: Modules) -> None:
    kept = of_kind(modules, "rules", "models")
    assert kept
    reaching = {
        str(module): found for module in kept if (found := module.imports_from(*NOT_FOR_RULES))
    }
    assert not reaching


def test_aiokafka_is_imported_in_one_file(modules: Modules) -> None:
    users = [str(module) for module in modules if module.imports_from("aiokafka")]
    assert users == ["libs/events/perennial_events/log/kafka.py"]


def test_commits_stand_in_one_module_a_library_and_in_no_service(modules: Modules) -> None:
    committing = [module for module in modules if module.calls("commit")]
    assert not [str(module) for module in committing if module.area != "libs"]
    packages = [module.package for module in committing]
    assert len(packages) == len(set(packages)), [str(module) for module in committing]


def test_doors_hold_no_sql(modules: Modules) -> None:
    """Endpoints may select from mapped classes to list them; SQL as text stands behind the verbs."""
    doors = of_kind(modules, "api", "handlers")
    assert doors
    assert not [str(module) for module in doors if module.calls("text")]
    written = {
        str(module): found
        for module in doors
        if (found := [each for each in module.strings() if SQL.match(each)])
    }
    assert not written


def test_names_say_what_a_module_holds(modules: Modules) -> None:
    named = {str(module): {module.path.stem, *module.path.parent.parts[-2:]} for module in modules}
    assert not [path for path, names in named.items() if names & SAYS_NOTHING]


def test_files_and_functions_stay_short(
    modules: Modules, capsys: pytest.CaptureFixture[str]
) -> None:
    lengths = {
        str(module): (len(module.source.splitlines()), FILE_LINES, MOST_FILE_LINES)
        for module in modules
    }
    for module in modules:
        for function in module.functions():
            lines = (function.end_lineno or 0) - function.lineno + 1
            place = f"{module}:{function.lineno} {function.name}"
            lengths[place] = (lines, FUNCTION_LINES, MOST_FUNCTION_LINES)
    long = {place: lines for place, (lines, taste, _) in lengths.items() if lines > taste}
    with capsys.disabled():
        for place, lines in sorted(long.items(), key=lambda each: -each[1]):
            print(f"\nlong: {place}, {lines} lines", end="")  # noqa: T201 - said, not failed
    assert not [place for place, (lines, _, most) in lengths.items() if lines > most]
