"""What a merged customer bought, gave back and viewed is the survivor's, until the merge is undone."""

from typing import Any

from recommend_service.testing import came_back, merged, order, undone, viewed


async def test_recommendations_follow_a_merge_and_its_undoing(shop: Any) -> None:
    for number in range(2):
        await shop.tell(order(f"o-{number}", f"x-{number}", "mug", "tea", "pot", "cup"))
    await shop.tell(order("o-a", "c-a", "mug"), order("o-b", "c-b", "tea"))
    await shop.tell(came_back("o-a", "c-a", "cup"), viewed("c-a", "pot"))
    asked = {"placement": "product", "sku": "pot", "strategy": "also_bought"}

    async def offered(customer_id: str) -> set[str]:
        return set(await shop.recommended(customer_id=customer_id, **asked))

    assert (await offered("c-a"), await offered("c-b")) == ({"tea"}, {"mug", "cup"})
    await shop.tell(merged("c-a", "c-b"))
    assert (await offered("c-a"), await offered("c-b")) == (set(), set())
    # The seeds are what the survivor saw and bought, under whatever id.
    home = await shop.answer(customer_id="c-b", strategy="also_bought")
    reasons = [(each["sku"], set(each["because"])) for each in home["data"]]
    assert reasons == [("pot", {"mug", "tea"})]
    await shop.tell(order("o-c", "c-a", "fork"), undone("c-a", "c-b"))
    assert (await offered("c-a"), await offered("c-b")) == ({"tea"}, {"mug", "cup"})
