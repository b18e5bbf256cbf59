"""Whatever is kept of a customer is declared, so that it is exported and erased."""

import importlib
import json

import pytest
from sqlalchemy import text

from perennial_cli.services import SERVICES
from perennial_http.privacy import Holding
from tests.contract.conftest import OpenDoor

BY_OTHER_MEANS = {"erased_customers", "idempotency"}
"""That somebody was erased has to stay; kept answers go with whom they are about, and after a day."""

_ABOUT_SOMEBODY = text("""
    SELECT DISTINCT table_name FROM information_schema.columns
    JOIN information_schema.tables USING (table_schema, table_name)
    WHERE table_schema = 'public' AND table_type = 'BASE TABLE'
      AND column_name IN ('customer_id', 'customer_ids', 'customers', 'identity')
      AND data_type IN ('text', 'ARRAY')
""")


@pytest.mark.parametrize("service", SERVICES)
async def test_every_table_about_a_customer_is_a_holding(service: str, open_door: OpenDoor) -> None:
    door = await open_door(service)
    holdings: tuple[Holding, ...] = importlib.import_module(f"{service}_service.holdings").HOLDINGS
    async with door.app.runtime.database.reading() as session:
        found = set((await session.scalars(_ABOUT_SOMEBODY)).all())
    assert found - {each.table for each in holdings} - BY_OTHER_MEANS == set()


@pytest.mark.parametrize("service", SERVICES)
async def test_every_holding_can_be_read_and_erased(service: str, open_door: OpenDoor) -> None:
    """Of nobody; what its statements do to somebody is for the end-to-end test."""
    door = await open_door(service)
    answer = await door.client.get("/v1/customers/nobody-at-all/personal-data")
    assert answer.status_code == 200
    *rows, last = map(json.loads, answer.text.splitlines())
    # This very look may be on record before its last table is read.
    assert [each for each in rows if each["table"] != "audit"] == []
    assert last == {"service": service, "records": len(rows)}
