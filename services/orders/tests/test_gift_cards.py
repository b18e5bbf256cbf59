"""Gift cards: issued once, never overspent, given back their share."""

import asyncio
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from orders_service.gift_cards.rules import ALPHABET, read_code, with_check_digit, written
from perennial_http import ServiceApp

Json = dict[str, Any]


def money(amount: int, currency: str = "EUR") -> Json:
    return {"amount": amount, "currency": currency}


async def issued(client: httpx.AsyncClient, amount: int = 5000, **more: Any) -> Json:
    answer = await client.post("/v1/gift-cards", json={"amount": money(amount), **more})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def order(*uses: tuple[str, int], price: int = 3000, **more: Any) -> Json:
    return {
        "customer_id": "c-1",
        "lines": [{"sku": "mug", "quantity": 3, "unit_price": money(price)}],
        "gift_cards": [{"code": code, "amount": money(amount)} for code, amount in uses],
        **more,
    }


async def placed(client: httpx.AsyncClient, *uses: tuple[str, int], **more: Any) -> Json:
    answer = await client.post("/v1/orders", json=order(*uses, **more))
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def balance(client: httpx.AsyncClient, card: Json) -> int:
    read = await client.get(f"/v1/gift-cards/{card['code']}")
    return int(read.json()["balance"]["amount"])


async def test_a_card_is_issued_spent_and_read(client: httpx.AsyncClient) -> None:
    card = await issued(client, customer_id="c-1")
    made = await placed(client, (card["code"].lower().replace("-", " "), 2000))

    assert made["totals"]["gift_cards"] == money(2000)
    assert made["totals"]["due"] == money(7000)
    paid = (await client.post(f"/v1/orders/{made['order_id']}/pay")).json()
    assert paid["totals"]["paid"] == money(7000)
    by_code = (await client.get(f"/v1/gift-cards/{card['code']}")).json()
    assert by_code["balance"] == money(3000)
    assert [
        (e["kind"], e["amount"]["amount"], e["balance"]["amount"]) for e in by_code["ledger"]
    ] == [
        ("issued", 5000, 5000),
        ("redeemed", -2000, 3000),
    ]
    assert by_code == (await client.get(f"/v1/gift-cards/{card['gift_card_id']}")).json()
    assert "code" not in by_code
    listed = (await client.get("/v1/gift-cards?customer_id=c-1")).json()["data"]
    assert [each["gift_card_id"] for each in listed] == [card["gift_card_id"]]


async def test_codes_are_in_no_event_and_in_no_table(
    client: httpx.AsyncClient, app: ServiceApp, published: Any
) -> None:
    card = await issued(client)
    await placed(client, (card["code"], 100))
    secret = read_code(card["code"])
    told = await published(app.runtime.database)
    assert [e.type.split(".")[2] for e in told] == [
        "gift_card_issued",
        "order_placed",
        "gift_card_redeemed",
    ]
    assert not [e for e in told if secret in e.data or card["code"] in e.data]
    async with app.runtime.database.reading() as session:
        for table in ("gift_cards", "gift_card_entries", "orders", "outbox"):
            rows = (await session.execute(text(f"SELECT t::text FROM {table} t"))).scalars().all()
            assert rows
            assert not [row for row in rows if secret in row or card["code"] in row]


async def test_a_hundred_clients_never_overspend_a_card(client: httpx.AsyncClient) -> None:
    first, second = await issued(client, 10_000), await issued(client, 7_000)

    async def spend(number: int) -> int:
        uses = [(first["code"], 700), (second["code"], 500)]
        answer = await client.post("/v1/orders", json=order(*uses[:: -1 if number % 2 else 1]))
        assert answer.status_code in (201, 409), answer.text
        return answer.status_code

    statuses = await asyncio.gather(*(spend(number) for number in range(100)))

    assert statuses.count(201) == 14
    assert await balance(client, first) == 10_000 - 14 * 700
    assert await balance(client, second) == 7_000 - 14 * 500


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"gift_cards": [{"code": "0000-0000-0000-0001", "amount": money(1)}]}, 422),
        ({"gift_cards": [{"code": with_check_digit("0" * 15), "amount": money(1)}]}, 422),
        ({"gift_cards": [{"code": "CARD", "amount": money(0)}]}, 422),
        ({"gift_cards": [{"code": "CARD", "amount": money(1, "USD")}]}, 422),
        ({"gift_cards": [{"code": "CARD", "amount": money(9001)}]}, 422),
        ({"gift_cards": [{"code": "CARD", "amount": money(1)}] * 2}, 422),
        ({"gift_cards": [{"code": "CARD", "amount": money(5001)}]}, 409),
        (
            {
                "lines": [{"sku": "mug", "quantity": 1, "unit_price": money(10, "JPY")}],
                "gift_cards": [{"code": "CARD", "amount": money(1, "JPY")}],
            },
            409,
        ),
    ],
)
async def test_what_a_card_cannot_pay_is_refused_whole(
    client: httpx.AsyncClient, changes: Json, status: int
) -> None:
    card = await issued(client)
    for use in changes["gift_cards"]:
        use["code"] = use["code"].replace("CARD", card["code"])
    refused = await client.post("/v1/orders", json={**order(), "order_id": "o-1", **changes})
    assert refused.status_code == status, refused.text
    assert card["code"] not in refused.text
    assert (await client.get("/v1/orders/o-1")).status_code == 404
    assert await balance(client, card) == 5000


async def test_an_expired_card_pays_nothing_but_takes_back(
    client: httpx.AsyncClient, clock: Any
) -> None:
    card = await issued(client, expires_at="2026-03-10T00:00:00Z")
    made = await placed(client, (card["code"], 1000))
    clock.turn(days=8)
    late = await client.post(
        "/v1/orders", json=order((card["code"], 1), placed_at="2026-03-01T00:00:00Z")
    )
    assert late.status_code == 409
    assert "expired" in late.json()["detail"]

    await client.post(f"/v1/orders/{made['order_id']}/cancel")

    read = (await client.get(f"/v1/gift-cards/{card['code']}")).json()
    assert (read["balance"], read["expired"]) == (money(5000), False)
    assert read["expires_at"] == "2026-06-08T12:00:00Z"
    past = await client.post(
        "/v1/gift-cards", json={"amount": money(1), "expires_at": "2026-03-10T00:00:00Z"}
    )
    assert past.status_code == 422


async def test_returns_give_cards_their_share_the_first_named_first(
    client: httpx.AsyncClient, app: ServiceApp, published: Any
) -> None:
    one, two = await issued(client, 1000), await issued(client, 5000)
    made = await placed(client, (two["code"], 2000), (one["code"], 1000))
    order_id = made["order_id"]
    for action in ("pay", "complete"):
        await client.post(f"/v1/orders/{order_id}/{action}")
    back = []
    for _ in range(3):
        wanted = {"kind": "refund", "reason": "-", "lines": [{"sku": "mug", "quantity": 1}]}
        asked = (await client.post(f"/v1/orders/{order_id}/returns", json=wanted)).json()
        done = (await client.post(f"/v1/returns/{asked['return_id']}/refund")).json()
        back.append((done["amount"], done["to_gift_cards"]))
        back.append((await balance(client, one), await balance(client, two)))
    assert back == [(2000, 1000), (0, 4000), (2000, 1000), (0, 5000), (2000, 1000), (1000, 5000)]
    read = (await client.get(f"/v1/orders/{order_id}")).json()
    assert (read["totals"]["refunded"], read["totals"]["paid"]) == (money(6000), money(6000))
    assert read["gift_cards_refunded"] == money(3000)
    refunds = [e for e in await published(app.runtime.database) if "gift_card_refunded" in e.type]
    assert len(refunds) == 3


async def test_calling_an_order_off_twice_gives_back_once(client: httpx.AsyncClient) -> None:
    card = await issued(client)
    made = await placed(client, (card["code"], 5000))
    path = f"/v1/orders/{made['order_id']}/cancel"
    statuses = [a.status_code for a in await asyncio.gather(*(client.post(path) for _ in range(8)))]
    assert sorted(statuses) == [200] + [409] * 7
    assert await balance(client, card) == 5000


async def test_unknown_cards_are_404(client: httpx.AsyncClient) -> None:
    for code in ("nothing", written(with_check_digit("1" * 15))):
        answer = await client.get(f"/v1/gift-cards/{code}")
        assert answer.status_code == 404
        assert code not in answer.text


def test_a_mistyped_code_is_none() -> None:
    code = with_check_digit("7QHG2ZKM90XVBTR")
    assert read_code(written(code).lower()) == code
    assert read_code(code.replace("0", "O")) == code
    for place in range(16):
        for other in set(ALPHABET) - {code[place]}:
            with pytest.raises(ValueError, match="mistyped"):
                read_code(code[:place] + other + code[place + 1 :])
    for place in range(15):
        if {code[place], code[place + 1]} in ({code[place]}, {"0", "Z"}):
            continue
        swapped = code[:place] + code[place + 1] + code[place] + code[place + 2 :]
        with pytest.raises(ValueError, match="mistyped"):
            read_code(swapped)
