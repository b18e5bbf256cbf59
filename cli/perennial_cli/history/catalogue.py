"""The simulated shop's goods: a plant shop with eight categories and true complements."""

from dataclasses import dataclass

from perennial_cli.history.shop import Body, money


@dataclass(frozen=True, slots=True)
class Product:
    """A product for sale. Prices in cents; `goes_with` names the product often bought along."""

    slug: str
    name: str
    category: str
    price: int
    goes_with: str | None = None
    replenish_after_days: int | None = None

    @property
    def sku(self) -> str:
        return f"sim-{self.slug}"


# slug | name | price in cents | slug of its complement | days until it is used up
_GOODS = {
    "houseplants": """
        monstera | Monstera deliciosa | 2490 | moss-pole |
        orchid | Moth orchid | 1990 | orchid-bark |
        fern | Boston fern | 1290 | mister |
        olive | Olive tree | 3990 | terracotta-30 |
        cactus | Golden barrel cactus | 890 | cactus-soil |
        lemon | Lemon tree | 4490 | citrus-feed |
        snake-plant | Snake plant | 1590 | |
        calathea | Calathea orbifolia | 2190 | mister |
    """,
    "seeds": """
        tomato-seeds | Tomato seeds, San Marzano | 349 | tomato-feed |
        basil-seeds | Basil seeds, Genovese | 279 | seed-tray | 60
        chilli-seeds | Chilli seeds, Jalapeño | 329 | seed-tray |
        sunflower-seeds | Sunflower seeds | 299 | |
        lavender-seeds | Lavender seeds | 319 | seed-tray |
        salad-seeds | Salad leaves, mixed | 289 | | 45
        wildflower-mix | Wildflower mix, 10 m² | 899 | |
        pumpkin-seeds | Pumpkin seeds, Hokkaido | 349 | compost |
    """,
    "pots": """
        terracotta-15 | Terracotta pot, 15 cm | 690 | saucer-15 |
        terracotta-30 | Terracotta pot, 30 cm | 1890 | saucer-30 |
        saucer-15 | Saucer, 15 cm | 290 | |
        saucer-30 | Saucer, 30 cm | 590 | |
        hanging-pot | Hanging pot, macramé | 2290 | |
        self-watering | Self-watering planter | 3490 | |
        balcony-box | Balcony box, 80 cm | 1990 | balcony-bracket |
        balcony-bracket | Balcony bracket, pair | 1290 | |
    """,
    "tools": """
        secateurs | Secateurs | 2990 | holster |
        holster | Leather holster | 1490 | |
        trowel | Hand trowel | 990 | hand-fork |
        hand-fork | Hand fork | 990 | |
        gloves | Garden gloves | 790 | | 180
        moss-pole | Moss pole, 60 cm | 990 | |
        seed-tray | Seed tray with lid | 1190 | seed-compost |
        pruning-saw | Folding pruning saw | 3290 | |
    """,
    "soil and feed": """
        compost | Peat-free compost, 40 l | 1090 | | 60
        seed-compost | Seed compost, 10 l | 590 | | 90
        cactus-soil | Cactus soil, 5 l | 490 | |
        orchid-bark | Orchid bark, 5 l | 790 | |
        tomato-feed | Tomato feed, 1 l | 890 | | 45
        citrus-feed | Citrus feed, 500 ml | 790 | | 60
        plant-feed | Houseplant feed, 500 ml | 690 | | 45
        pest-spray | Pest spray, organic | 1190 | |
    """,
    "watering": """
        can-5 | Watering can, 5 l | 1890 | plant-feed |
        can-copper | Copper watering can, 1 l | 4290 | mister |
        mister | Brass mister | 1990 | |
        drip-kit | Drip irrigation kit | 4990 | timer |
        timer | Water timer | 3490 | |
        hose-20 | Garden hose, 20 m | 3990 | hose-nozzle |
        hose-nozzle | Hose nozzle | 1490 | |
        rain-gauge | Rain gauge | 1290 | |
    """,
    "light": """
        grow-lamp | Grow lamp, 20 W | 3990 | lamp-timer |
        grow-strip | Grow light strip | 2790 | lamp-timer |
        lamp-timer | Plug-in timer | 990 | |
        solar-string | Solar string lights | 2490 | |
        lantern | Storm lantern | 3290 | candles |
        candles | Beeswax candles, 6 | 1690 | | 40
        grow-shelf | Shelf with grow light | 8990 | seed-tray |
        solar-spike | Solar path lights, 4 | 2990 | |
    """,
    "gifts": """
        bouquet | Seasonal bouquet | 3490 | vase |
        vase | Glass vase | 2490 | |
        terrarium | Terrarium kit | 4990 | mister |
        herb-kit | Herb windowsill kit | 2990 | |
        card | Pressed-flower card | 450 | |
        apron | Garden apron | 3290 | gloves |
        bulbs | Spring bulbs, 50 | 1990 | bulb-planter |
        bulb-planter | Bulb planter | 1390 | |
    """,
}

COST_SHARE = {
    "houseplants": 0.48,
    "seeds": 0.30,
    "pots": 0.45,
    "tools": 0.55,
    "soil and feed": 0.60,
    "watering": 0.52,
    "light": 0.58,
    "gifts": 0.42,
}
"""What the shop pays for its goods, as a share of the price."""

UNAVAILABLE = frozenset({"rain-gauge", "pruning-saw"})
"""Sold out now: they stand in old orders and must never be recommended."""


def _parse(category: str, row: str) -> Product:
    slug, name, price, goes_with, days = (part.strip() for part in row.split("|"))
    return Product(slug, name, category, int(price), goes_with or None, int(days) if days else None)


def _products() -> tuple[Product, ...]:
    return tuple(
        _parse(category, row)
        for category, rows in _GOODS.items()
        for row in rows.strip().splitlines()
    )


PRODUCTS = _products()
BY_SLUG = {product.slug: product for product in PRODUCTS}
BY_CATEGORY = {
    category: tuple(product for product in PRODUCTS if product.category == category)
    for category in _GOODS
}


def product_body(product: Product, currency: str) -> Body:
    """The line of `POST /v1/products:import`."""
    body: Body = {
        "sku": product.sku,
        "name": product.name,
        "category": product.category,
        "price": money(product.price, currency),
        "cost": money(round(product.price * COST_SHARE[product.category]), currency),
        "available": product.slug not in UNAVAILABLE,
        "attributes": {"simulated": True},
    }
    if product.replenish_after_days is not None:
        body["replenish_after_days"] = product.replenish_after_days
    return body
