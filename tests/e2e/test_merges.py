"""Two customers turn out to be one, and later not, in all services through their public APIs."""

from collections import Counter
from functools import partial
from typing import Any
from uuid import uuid4

from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st

from tests.e2e.shop import Json, Shop, euros, eventually, order_of

LETTERS = st.sampled_from("abc")
ACTS = st.tuples(
    st.sampled_from(["merge", "merge", "undo", "order", "complain", "click", "identify"]),
    LETTERS,
    LETTERS,
)


class Family:
    """A few customers of one platform, and beside what is done the plainest account of it."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.mark = uuid4().hex[:8]
        self.standing: dict[str, tuple[str, str]] = {}
        """By who was merged away: the merge's id, and into whom."""
        self.facts: list[tuple[str, str, str]] = []
        """Kind, whose it was said to be, and its own id."""
        self.visits: dict[str, str] = {}
        self.told: list[str] = []

    def id(self, letter: str) -> str:
        return f"{letter}-{self.mark}"

    def survivor(self, letter: str) -> str:
        while letter in self.standing:
            letter = self.standing[letter][1]
        return letter

    def mine(self, letter: str, kind: str) -> list[str]:
        return sorted(
            fact
            for each, whose, fact in self.facts
            if each == kind
            and self.survivor(self.visits.get(whose, whose)) == self.survivor(letter)
        )

    async def register(self) -> None:
        for letter in "abc":
            body = {"customer_id": self.id(letter), "email": f"{self.id(letter)}@example.com"}
            self.told.append((await self.shop.post("profile", "/v1/customers", body)).event)

    async def act(self, what: str, one: str, other: str) -> None:
        if what == "merge":
            await self.merge(one, other)
        elif what == "undo":
            await self.undo(one)
        elif what == "order":
            await self.order(one)
        elif what == "complain":
            await self.complain(one)
        elif what == "click":
            await self._track("track", anonymousId=f"v-{self.id(one)}", event="Page Liked")
            self.facts.append(("click", f"v-{one}", str(len(self.facts))))
        else:
            await self._track("identify", anonymousId=f"v-{self.id(one)}", userId=self.id(other))
            self.facts.append(("click", other, str(len(self.facts))))
            self.visits[f"v-{one}"] = other

    async def merge(self, one: str, other: str) -> None:
        path = f"/v1/customers/{self.id(one)}/merge"
        answer = await self.shop.ask("profile", "POST", path, json={"into": self.id(other)})
        if one == other or one in self.standing or other in self.standing:
            assert answer.status == 409, answer.body
            return
        assert answer.status == 201, answer.body
        self.standing[one] = (answer.body["merge_id"], other)
        self.told.append(answer.event)

    async def undo(self, one: str) -> None:
        if one in self.standing:
            merge_id, _ = self.standing.pop(one)
            self.told.append((await self.shop.post("profile", f"/v1/merges/{merge_id}/undo")).event)

    async def order(self, letter: str) -> None:
        sku = f"sku-{self.mark}-{len(self.facts)}"
        body = order_of(self.id(letter), (sku, 1, 1000))
        placed = await self.shop.post("orders", "/v1/orders", body)
        assert placed.body["order_id"]
        paid = await self.shop.post("orders", f"/v1/orders/{placed.body['order_id']}/pay")
        self.told += [placed.event, paid.event]
        self.facts.append(("order", letter, placed.body["order_id"]))

    async def complain(self, letter: str) -> None:
        body = {"customer_id": self.id(letter), "text": "It broke.", "channel": "email"}
        opened = await self.shop.post("support", "/v1/complaints", body)
        self.told.append(opened.event)
        self.facts.append(("case", letter, opened.body["case_id"]))

    async def _track(self, call: str, **body: Any) -> None:
        self.told.append((await self.shop.post("engagement", f"/v1/{call}", body)).event)

    async def check(self) -> None:
        """Every service answers for every id as the account has it."""
        merges = [event for event in self.told if event]
        for event in merges:
            await self.shop.state(self.id("a"), event)
        for letter in "abc":
            await eventually(partial(self._agrees, letter))

    async def _agrees(self, letter: str) -> bool:
        found, wanted = await self.found(letter), self.wanted(letter)
        note(f"{letter}: {found} {wanted}")
        return found == wanted

    def wanted(self, letter: str) -> Json:
        survivor = self.id(self.survivor(letter))
        orders, cases = self.mine(letter, "order"), self.mine(letter, "case")
        return {
            "customer": survivor,
            "email": f"{survivor}@example.com",
            "orders": [(order, survivor) for order in orders],
            "cases": [(case, survivor) for case in cases],
            "state": (len(orders), euros(1000 * len(orders)), len(cases), len(self.mine(letter, "click"))),
        }  # fmt: skip

    async def found(self, letter: str) -> Json:
        shop, id = self.shop, self.id(letter)
        customer = await shop.get("profile", f"/v1/customers/{id}")
        orders = (await shop.get("orders", "/v1/orders", customer_id=id))["data"]
        cases = (await shop.get("support", "/v1/cases", customer_id=id))["data"]
        state = await shop.state(id)
        assert state["customer_id"] == customer["customer_id"]
        return {
            "customer": customer["customer_id"],
            "email": customer["email"],
            "orders": sorted((each["order_id"], each["customer_id"]) for each in orders),
            "cases": sorted((each["case_id"], each["customer_id"]) for each in cases),
            "state": (
                state["orders"]["count"],
                state["orders"]["gross"],
                state["support"]["complaints"],
                state["clicks"]["total"],
            ),
        }

    async def timelines(self) -> dict[str, Counter[str]]:
        """What happened to each, but for stages and grades, which say when they were looked at."""
        return {
            letter: Counter(
                each["type"]
                for each in await self.shop.timeline(self.id(letter))
                if not each["type"].endswith((".stage_changed.v1", ".value_changed.v1"))
            )
            for letter in "abc"
        }


@settings(
    max_examples=12,
    deadline=None,
    # A failing history is short already, and shrinking would wait for what does not come.
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(acts=st.lists(ACTS, min_size=4, max_size=18))
async def test_all_services_agree_with_the_plainest_account(shop: Shop, acts: list[Any]) -> None:
    family, twins = Family(shop), Family(shop)
    for each in (family, twins):
        await each.register()
    for act in acts:
        await family.act(*act)
        if act[0] not in ("merge", "undo"):
            await twins.act(*act)
    await family.check()
    for letter in "abc":
        await family.undo(letter)
    await family.check()
    await twins.check()
    # What was merged and undone is like what never was.
    assert await family.timelines() == await twins.timelines()


async def test_a_merged_customer_is_not_offered_what_they_bought_under_another_id(
    shop: Shop,
) -> None:
    family = Family(shop)
    await family.register()
    mug, tea = (f"{sku}-{family.mark}" for sku in ("mug", "tea"))
    last = ""
    for number in range(2):
        order = order_of(f"x{number}-{family.mark}", (mug, 1, 1000), (tea, 1, 500))
        await shop.post("orders", "/v1/orders", order)
    last = (await shop.post("orders", "/v1/orders", order_of(family.id("a"), (tea, 1, 500)))).event

    async def offered(after: str) -> list[str]:
        asked = {"customer_id": family.id("b"), "sku": mug, "strategy": "also_bought"}
        answer = await shop.get("recommend", "/v1/recommendations", after=after, **asked)
        return [each["sku"] for each in answer["data"]]

    assert await offered(last) == [tea]
    await family.merge("a", "b")
    assert await offered(family.told[-1]) == []
    await family.undo("a")
    assert await offered(family.told[-1]) == [tea]
