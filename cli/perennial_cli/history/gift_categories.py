"""A simple category for the goods of the Online Retail file, which has none of its own."""

import re

SERVICE = "service"
UNCATEGORISED = "uncategorised"

_SERVICE_CODES = frozenset(
    [
        "POST",
        "DOT",
        "M",
        "D",
        "S",
        "B",
        "C2",
        "CRUK",
        "PADS",
        "AMAZONFEE",
        "BANK-CHARGES",
        "ADJUST",
        "SAMPLES",
    ]
)

CATEGORY_WORDS = {
    "christmas": "CHRISTMAS XMAS ADVENT SANTA REINDEER SNOWFLAKE",
    "bags": "BAG BAGS SHOPPER LUGGAGE PURSE HANDBAG",
    "light": "T-LIGHT LIGHT LIGHTS LANTERN CANDLE CANDLES CANDLEHOLDER LAMP TEALIGHT",
    "kitchen": (
        "MUG CUP CUPS TEACUP TEAPOT PLATE PLATES BOWL JAR JARS JUG CAKE CAKESTAND BAKING CUTLERY "
        "TEA COFFEE SPOON SPOONS LUNCH SNACK BREAD PANTRY NAPKINS EGG BOTTLE APRON CAKES TRAY"
    ),
    "stationery": "CARD CARDS WRAP NOTEBOOK PENCIL PENCILS PEN STICKERS TISSUES RIBBON RIBBONS GIFT",
    "jewellery": "NECKLACE BRACELET EARRINGS RING CHARM BROOCH HAIR",
    "children": "CHILDRENS CHILDS TOY GAME DOLL DOLLY SKITTLES PLAYING BABY KIDS PARTY SOLDIER CIRCUS",
    "home": (
        "CLOCK FRAME CUSHION DOORMAT SIGN HOOK HANGER DRAWER KNOB CABINET MIRROR BOX TIN TINS HEART "
        "DECORATION BUNTING COVER WARMER"
    ),
    "garden": "GARDEN PLANT FLOWER WATERING HERB BIRD POT PARASOL SEED",
}
"""The first category that has a word of the name gets the product."""

_WORDS = {category: frozenset(words.split()) for category, words in CATEGORY_WORDS.items()}


def category_of(sku: str, name: str) -> str:
    """The category by stock code and words of the name, or `uncategorised`."""
    if sku in _SERVICE_CODES or sku.startswith("GIFT"):
        return SERVICE
    words = set(re.findall(r"[A-Z-]+", name.upper()))
    return next((category for category, own in _WORDS.items() if words & own), UNCATEGORISED)
