"""`perennial docs`: the contracts, generated from the code: event schemas, AsyncAPI, OpenAPI."""

import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

CHECKOUT = Path(__file__).parents[2]
SCHEMAS = Path("libs/events/schemas")
GENERATED = Path("docs/generated")


def docs(
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; fail if anything is stale.")
    ] = False,
    root: Annotated[Path, typer.Option(help="The checkout to write into.")] = CHECKOUT,
) -> None:
    """Generate OpenAPI, AsyncAPI and the event schemas from the code.

    A committed event schema changes only by addition: anything else is refused, and nothing is written.
    """
    documents = dict(generate())
    if broken := broken_promises(root, documents):
        print("Events change only by addition. Make a new type, or a new major version:")
        print("\n".join(broken))
        raise typer.Exit(1)
    stale = [path for path, text in documents.items() if _read(root / path) != text]
    if check and stale:
        print("Stale, run `make docs`:", *stale, sep="\n  ", file=sys.stderr)
        raise typer.Exit(1)
    for path in stale:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(documents[path])
    print(f"{len(documents)} documents, {len(stale)} of them new or changed.")


def generate() -> Iterator[tuple[Path, str]]:
    """Every generated document: its path in the checkout, and its text."""
    from perennial_cli.diagrams import state_machines  # noqa: PLC0415  (commands load what they use)
    from perennial_cli.services import SERVICES  # noqa: PLC0415
    from perennial_events import asyncapi, schemas  # noqa: PLC0415

    for event in schemas.catalogue_types():
        yield SCHEMAS / f"{event.type}.json", _render(schemas.schema_of(event))
    yield GENERATED / "asyncapi.json", _render(asyncapi.document())
    yield GENERATED / "state-machines.md", state_machines(tuple(SERVICES))
    for service in SERVICES:
        yield GENERATED / "openapi" / f"{service}.json", _render(openapi(service))


def openapi(service: str) -> dict[str, Any]:
    """The OpenAPI document of a service, which is put together and never connected to anything."""
    app = importlib.import_module(f"{service}_service.app")
    settings = importlib.import_module(f"{service}_service.settings")
    nowhere = f"postgresql+asyncpg://nobody@localhost:1/{service}"
    made = app.create(
        settings.Settings(service=service, database_url=nowhere, log=nowhere, role="all")
    )
    described: dict[str, Any] = made.openapi()
    return described


def broken_promises(root: Path, documents: dict[Path, str]) -> list[str]:
    """Each way in which new event schemas are more than the committed ones with additions."""
    from perennial_events.schemas import incompatibilities  # noqa: PLC0415

    broken = []
    for file in sorted((root / SCHEMAS).glob("*.json")):
        text = documents.get(SCHEMAS / file.name)
        if text is None:
            broken.append(f"{file.stem}: is gone")
        else:
            found = incompatibilities(json.loads(file.read_text()), json.loads(text))
            broken += [f"{file.stem}{change}" for change in found]
    return broken


def _render(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _read(path: Path) -> str | None:
    return path.read_text() if path.exists() else None
