"""Rules that cannot be computed are refused at the clause that is at fault."""

from typing import Any

import httpx
import pytest

Json = dict[str, Any]

BOUGHT = {"field": "orders.count", "op": ">=", "value": 1}
VIEWED = {"event": "product_viewed"}


def nested(levels: int) -> Json:
    rule: Json = BOUGHT
    for _ in range(levels):
        rule = {"not": rule}
    return rule


async def refusal(client: httpx.AsyncClient, rule: Any) -> tuple[str, str]:
    """Where a rule is at fault, and why."""
    answer = await client.put("/v1/segments/this", json={"name": "this", "rule": rule})
    assert answer.status_code == 422, answer.text
    error = answer.json()["errors"][0]
    return error["pointer"], error["detail"]


@pytest.mark.parametrize(
    ("rule", "pointer", "word"),
    [
        ({}, "/rule", "exactly one of"),
        ({"field": "stage", "event": "x"}, "/rule", "exactly one of"),
        ([], "/rule", "exactly one of"),
        ({"all": []}, "/rule/all", "at least 1"),
        ({"all": [BOUGHT, {"any": [{}]}]}, "/rule/all/1/any/0", "exactly one of"),
        ({"not": {"all": [BOUGHT, 5]}}, "/rule/not/all/1", "exactly one of"),
        ({"field": "orders.cuont", "op": "=", "value": 1}, "/rule/field", "orders.count"),
        ({**BOUGHT, "op": "within"}, "/rule/op", "number"),
        ({**BOUGHT, "value": "many"}, "/rule/value", "a number"),
        ({**BOUGHT, "value": True}, "/rule/value", "a number"),
        ({**BOUGHT, "value": [1]}, "/rule/value", "single"),
        ({**BOUGHT, "op": "in"}, "/rule/value", "a list"),
        ({**BOUGHT, "unheard": 1}, "/rule/unheard", "not permitted"),
        ({"field": "stage", "op": "=", "value": "gone"}, "/rule/value", "prospect"),
        ({"field": "orders.last_at", "op": "<", "value": "monday"}, "/rule/value", "RFC 3339"),
        ({"field": "orders.last_at", "op": "within", "value": "7"}, "/rule/value", "7d"),
        ({"field": "flags", "op": "contains", "value": "tall"}, "/rule/value", "won_back"),
        ({"field": "flags", "op": "=", "value": "won_back"}, "/rule/op", "contains"),
        ({"attribute": "a", "op": "<", "value": "x"}, "/rule/op", "text"),
        ({"attribute": "a", "op": "in", "value": [1, "x"]}, "/rule/value", "a number"),
        ({"event": "Product Viewed"}, "/rule/event", "pattern"),
        ({"event": "segment_entered"}, "/rule/event", "cannot be counted"),
        ({**VIEWED, "within": "7"}, "/rule/within", "pattern"),
        ({**VIEWED, "within": "99999d"}, "/rule/within", "3650d"),
        ({**VIEWED, "within": "999999999w"}, "/rule/within", "3650d"),
        (
            {"all": [BOUGHT, {**VIEWED, "count": {"op": "like", "value": 1}}]},
            "/rule/all/1/count/op",
            "Input should be",
        ),
        ({**VIEWED, "count": {"op": "<", "value": -1}}, "/rule/count/value", "greater"),
        (
            {**VIEWED, "count": {"op": "<", "value": 1}, "sum": {"of": "x", "op": "<", "value": 1}},
            "/rule",
            "a count or a sum",
        ),
        (
            {**VIEWED, "within": "3d", "followed_by": {"event": "order_paid", "within": "3d"}},
            "/rule/followed_by/within",
            "shorter",
        ),
        ({"all": [BOUGHT, {"segment": "unknown"}]}, "/rule/all/1/segment", "no segment unknown"),
        (nested(8), "/rule" + "/not" * 8, "8 levels"),
        ({"all": [{"any": [BOUGHT] * 50}] * 3}, "/rule/all/1/any/47", "100"),
    ],
)
async def test_a_refusal_points_at_the_clause(
    client: httpx.AsyncClient, rule: Any, pointer: str, word: str
) -> None:
    where, why = await refusal(client, rule)
    assert where == pointer
    assert word in why
    assert (await client.get("/v1/segments/this")).status_code == 404
    previewed = await client.post("/v1/segments/preview", json={"rule": rule})
    assert previewed.json()["errors"][0]["pointer"] == pointer


async def test_a_ring_is_refused_by_the_names_in_it(client: httpx.AsyncClient) -> None:
    where, why = await refusal(client, {"not": {"segment": "this"}})
    assert (where, why) == ("/rule/not/segment", "would make a ring: this → this")
    for name, rule in (("this", BOUGHT), ("b", {"segment": "this"}), ("c", {"segment": "b"})):
        made = await client.put(f"/v1/segments/{name}", json={"name": name, "rule": rule})
        assert made.status_code == 200
    where, why = await refusal(client, {"any": [VIEWED, {"segment": "c"}]})
    assert where == "/rule/any/1/segment"
    assert why == "would make a ring: this → c → b → this"


async def test_names_of_segments_may_not_multiply_without_end(client: httpx.AsyncClient) -> None:
    async def put(name: str, rule: Json) -> httpx.Response:
        return await client.put(f"/v1/segments/{name}", json={"name": name, "rule": rule})

    assert (await put("s-0", {"any": [BOUGHT] * 5})).is_success
    assert (await put("s-1", {"any": [{"segment": "s-0"}] * 20})).is_success
    refused = await put("s-2", {"any": [{"segment": "s-1"}] * 20})
    assert refused.json()["errors"][0]["pointer"] == "/rule"
    assert "makes s-2 too large" in refused.text
    # Nor from beneath, by a rule that others name already.
    assert "makes s-1 too large" in (await put("s-0", {"any": [BOUGHT] * 40})).text


async def test_a_segment_is_made_once(client: httpx.AsyncClient) -> None:
    body = {"segment_id": "this", "name": "This", "rule": BOUGHT}
    made = await client.post("/v1/segments", json=body)
    assert (made.status_code, made.headers["ETag"]) == (201, '"1"')
    assert made.json()["rule"] == BOUGHT
    assert (await client.post("/v1/segments", json=body)).status_code == 409
    assert (await client.delete("/v1/segments/this")).status_code == 204
    assert (await client.get("/v1/segments/this")).status_code == 404
    assert (await client.post("/v1/segments", json=body)).status_code == 201
