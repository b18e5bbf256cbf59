"""What holds of every OpenAPI document, without asking any service."""

from typing import Any

import pytest
from typer.testing import CliRunner

from perennial_cli import docs
from perennial_cli.main import app
from perennial_cli.services import SERVICES
from tests.contract.doors import OPERATIONS, Operation

every_operation = pytest.mark.parametrize("operation", OPERATIONS, ids=map(str, OPERATIONS))
LISTS = [each for each in OPERATIONS if each.lists]
KEPT_ANSWERS = [
    each for each in OPERATIONS if each.writes and not (each.streams or each.tracks or each.signed)
]
KEYED = [each for each in OPERATIONS if not each.signed]


def test_generated_documents_are_not_stale() -> None:
    run = CliRunner().invoke(app, ["docs", "--check"])
    assert run.exit_code == 0, run.output


def test_a_schema_that_leaves_readers_behind_is_refused(tmp_path: Any) -> None:
    documents = dict(docs.generate())
    for path, text in documents.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    placed = tmp_path / docs.SCHEMAS / "perennial.orders.order_placed.v1.json"
    promised = placed.read_text().replace('"order_id"', '"number"', 1)
    placed.write_text(promised)
    gone = placed.with_name("perennial.orders.order_forgotten.v1.json")
    gone.write_text("{}")

    run = CliRunner().invoke(app, ["docs", "--root", str(tmp_path)])

    assert run.exit_code == 1
    assert "perennial.orders.order_placed.v1/number: is gone" in run.output
    assert "perennial.orders.order_forgotten.v1: is gone" in run.output
    assert placed.read_text() == promised


@pytest.mark.parametrize("operation", KEYED, ids=map(str, KEYED))
def test_it_asks_for_a_key_with_a_scope(operation: Operation) -> None:
    area, _, right = operation.scopes[0].partition(":")
    assert area
    assert right in ("read", "write")
    assert operation.writes == (right == "write")


@every_operation
def test_its_refusals_are_problem_documents(operation: Operation) -> None:
    answers = operation.described["responses"]
    refusals = {status: answer for status, answer in answers.items() if status >= "4"}
    assert {"401", "403", "422"} <= refusals.keys()
    for status, answer in refusals.items():
        (media_type,) = answer["content"]
        assert media_type == "application/problem+json", status


@every_operation
def test_it_is_described(operation: Operation) -> None:
    assert operation.described.get("summary")
    assert operation.described.get("operationId")


@pytest.mark.parametrize("operation", LISTS, ids=map(str, LISTS))
def test_a_list_takes_limit_and_cursor(operation: Operation) -> None:
    query = operation.parameters("query")
    assert query["limit"]["default"] == 50
    assert query["limit"]["minimum"] == 1
    assert "cursor" in query
    assert "offset" not in query


@pytest.mark.parametrize("operation", KEPT_ANSWERS, ids=map(str, KEPT_ANSWERS))
def test_a_write_takes_an_idempotency_key(operation: Operation) -> None:
    assert "Idempotency-Key" in operation.parameters("header")


def test_every_service_is_there_and_every_list_was_found() -> None:
    assert {each.service for each in OPERATIONS} == set(SERVICES)
    paged = {str(each) for each in OPERATIONS if each.lists}
    assert {"profile GET /v1/customers", "orders GET /v1/orders", "support GET /v1/cases"} <= paged
