"""Simulated people: a name, an address that no mail can reach, and how they came to the shop."""

from dataclasses import dataclass
from random import Random

from perennial_cli.history.shop import Body, money

_GIVEN_NAMES = [
    "Anna",
    "Ben",
    "Clara",
    "David",
    "Elif",
    "Finn",
    "Greta",
    "Hugo",
    "Ida",
    "Jonas",
    "Karin",
    "Leo",
    "Mila",
    "Noah",
    "Olga",
    "Paul",
    "Rosa",
    "Samir",
    "Thea",
    "Vera",
    "Wim",
    "Yara",
    "Zoe",
    "Emma",
    "Luc",
    "Inès",
    "Nils",
    "Astrid",
    "Priya",
    "Tom",
]
_FAMILY_NAMES = [
    "Becker",
    "Dubois",
    "Visser",
    "Larsson",
    "Smith",
    "Keller",
    "Moreau",
    "Jansen",
    "Nyström",
    "Taylor",
    "Vogel",
    "Lambert",
    "Bakker",
    "Lindqvist",
    "Hughes",
    "Wolf",
    "Girard",
    "Mulder",
    "Berg",
    "Patel",
    "Yildiz",
    "Novak",
    "Rossi",
    "Costa",
]


@dataclass(frozen=True, slots=True)
class Country:
    """Where a share of the customers live. `postcode` has a `#` for each digit drawn."""

    code: str
    locale: str
    timezone: str
    postcode: str
    share: float


COUNTRIES = (
    Country("DE", "de-DE", "Europe/Berlin", "1####", 0.40),
    Country("FR", "fr-FR", "Europe/Paris", "75#1#", 0.20),
    Country("NL", "nl-NL", "Europe/Amsterdam", "10## AB", 0.20),
    Country("SE", "sv-SE", "Europe/Stockholm", "11# ##", 0.10),
    Country("GB", "en-GB", "Europe/London", "E# #AB", 0.10),
)


@dataclass(frozen=True, slots=True)
class Channel:
    """A way of winning customers: its share of them and what one costs, in cents."""

    name: str
    campaign: str | None
    cost: int
    share: float


CHANNELS = (
    Channel("organic", None, 0, 0.40),
    Channel("search", "spring-search", 420, 0.25),
    Channel("social", "green-balcony", 310, 0.20),
    Channel("newsletter", "welcome", 60, 0.15),
)


@dataclass(frozen=True, slots=True)
class Person:
    """A line of `customers:import`, and the Segment campaign of their first visit if one led to it."""

    body: Body
    campaign: Body | None


def draw_person(rng: Random, customer_id: str, currency: str) -> Person:
    """A person whose address is at example.org, which is reserved for examples (RFC 2606)."""
    country = rng.choices(COUNTRIES, weights=[country.share for country in COUNTRIES])[0]
    channel = rng.choices(CHANNELS, weights=[channel.share for channel in CHANNELS])[0]
    acquisition: Body = {"channel": channel.name}
    campaign: Body | None = None
    if channel.campaign is not None:
        acquisition |= {"campaign": channel.campaign, "cost": money(channel.cost, currency)}
        campaign = {"source": channel.name, "name": channel.campaign}
    body: Body = {
        "customer_id": customer_id,
        "kind": "person",
        "email": f"{customer_id}@example.org",
        "name": f"{rng.choice(_GIVEN_NAMES)} {rng.choice(_FAMILY_NAMES)}",
        "locale": country.locale,
        "timezone": country.timezone,
        "country": country.code,
        "postcode": "".join(str(rng.randint(1, 9)) if c == "#" else c for c in country.postcode),
        "acquisition": acquisition,
    }
    if rng.random() < 0.4:
        body["birth_date"] = (
            f"{rng.randint(1950, 2004)}-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}"
        )
    return Person(body, campaign)
