"""What may stay of a click's properties: numbers, booleans and short codes. Pure functions.

The log is kept for ever, so nothing personal may enter it. What is dropped, silently, because the
click itself is fine: text with `@`, spaces or other prose; digits that may be a telephone number;
properties whose name says that they are about a person, in any spelling, or that they are prose or a
search; nested values; the queries of URLs, and those segments of their paths that are none of the
codes above. Of `products`, the count stays.
"""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl

MAX_PROPERTIES = 20
MAX_NUMBER = 10**9
"""A whole number of ten digits and more may be a telephone number."""
MAX_LONG_NUMBER = 10**18
MAX_TEXT = 1_000
"""A longer text is prose, or a URL whose path is no code."""

LONG_NUMBERS = frozenset(
    [
        "sku",
        "productid",
        "variantid",
        "ean",
        "gtin",
        "isbn",
        "upc",
        "barcode",
        "orderid",
        "checkoutid",
        "cartid",
        "promotionid",
        "couponid",
        "listid",
    ]
)
"""Ids of goods and orders, letters only: these alone may have seven digits in a row and more."""

ELSEWHERE = frozenset({"sku", "sessionid"})
"""A click has fields of its own for these."""

PERSONAL = frozenset(
    [
        "name",
        "names",
        "mail",
        "mails",
        "phone",
        "phones",
        "tel",
        "telephone",
        "mobile",
        "cell",
        "fax",
        "whatsapp",
        "address",
        "addresses",
        "street",
        "zip",
        "zipcode",
        "postcode",
        "postal",
        "plz",
        "birth",
        "birthday",
        "bday",
        "dob",
        "age",
        "gender",
        "sex",
        "ip",
        "latitude",
        "longitude",
        "lat",
        "lng",
        "lon",
        "location",
        "geo",
        "password",
        "passwd",
        "pwd",
        "secret",
        "token",
        "ssn",
        "passport",
        "iban",
        "bic",
        "cvv",
        "cvc",
        "contact",
        "author",
        "recipient",
        "sender",
        "signature",
    ]
)
PERSONAL_BEGINNINGS = (
    "email",
    "mail",
    "phone",
    "telefon",
    "birth",
    "geburt",
    "addr",
    "adress",
    "passw",
)
PERSONAL_ENDINGS = ("name", "mail", "phone", "address", "adresse", "street", "strasse", "birthday")

PROSE = frozenset(
    [
        "query",
        "search",
        "searched",
        "keyword",
        "keywords",
        "term",
        "terms",
        "q",
        "text",
        "message",
        "comment",
        "comments",
        "review",
        "note",
        "notes",
        "title",
        "description",
        "subject",
        "body",
        "feedback",
        "question",
        "answer",
    ]
)
"""Properties that people fill with words. Of these, only numbers and booleans stay."""

CAMPAIGN = {
    "name": "utm_campaign",
    "source": "utm_source",
    "medium": "utm_medium",
    "term": "utm_term",
    "content": "utm_content",
}
"""Segment's `context.campaign` by the name of the query parameter that it came from."""

_QUERY_NAMES = frozenset({*CAMPAIGN.values(), "ref"})
_MAX_QUERY = 2_000

Kept = bool | int | float | str
Rule = Callable[[Any], Kept | None]

_is_name = re.compile(r"[A-Za-z0-9_.-]{1,64}").fullmatch
_is_code = re.compile(r"[A-Za-z0-9._:/+#-]{1,64}").fullmatch
_phone = re.compile(r"\d(?:[ ()._:/+#-]*\d){6}").search
_words = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+").findall
_letters = re.compile(r"[A-Za-z]+").findall


def is_phone_like(text: str) -> bool:
    """Whether seven digits stand in a row, with nothing but separators between them."""
    return _phone(text) is not None


def scrubbed(
    properties: Mapping[str, Any] | None, campaign: Mapping[str, str] | None = None
) -> dict[str, Kept]:
    """What of `properties` may be told, after the campaign's parameters; at most 20 together."""
    kept: dict[str, Kept] = dict(campaign) if campaign else {}
    if not properties:
        return kept
    for name, value in properties.items():
        if len(kept) == MAX_PROPERTIES:
            break
        if len(name) > 64 or (rule := _rule_of(name)) is None:
            continue
        if (plain := rule(value)) is not None:
            kept.setdefault(name, plain)
    return kept


def campaign_of(
    context: Mapping[str, Any] | None, properties: Mapping[str, Any] | None = None
) -> dict[str, str]:
    """`utm_*` and `ref`, of `context.campaign` or else of the page's query."""
    found: dict[str, str] = {}
    page = context.get("page") if context else None
    if context and isinstance(stated := context.get("campaign"), dict):
        for name, value in stated.items():
            if (parameter := CAMPAIGN.get(name)) and (code := _campaign_code(value)):
                found[parameter] = code
    for name, value in _query_of(page if isinstance(page, dict) else properties or {}):
        if name in _QUERY_NAMES and (code := _campaign_code(value)):
            found.setdefault(name, code)
    return found


def _query_of(page: Mapping[str, Any]) -> list[tuple[str, str]]:
    for name in ("search", "url"):
        text = page.get(name)
        if isinstance(text, str) and ("utm_" in text or "ref=" in text):
            query = text.partition("?")[2].partition("#")[0]
            return parse_qsl(query[:_MAX_QUERY], errors="replace", max_num_fields=None)
    return []


def _campaign_code(value: Any) -> str | None:
    """`Spring Sale` is a campaign's name all the same: its spaces become underscores."""
    return _code("_".join(value.split())) if isinstance(value, str) else None


@lru_cache(8192)
def _rule_of(name: str) -> Rule | None:
    """What to do with the values of a property, by its name."""
    if not _is_name(name) or is_phone_like(name):
        return None
    runs = [run.lower() for run in _letters(name)]
    joined = "".join(runs)
    words = {*(word.lower() for word in _words(name)), *runs, joined}
    rule: Rule | None = _keep
    if joined in ELSEWHERE or any(_is_personal(word) for word in words):
        rule = None
    elif joined in LONG_NUMBERS:
        rule = _keep_long
    elif joined == "products":
        rule = _keep_count
    elif joined in {"referrer", "referer"}:
        rule = _keep_host
    elif not words.isdisjoint(PROSE) and name not in _QUERY_NAMES:
        rule = _keep_number
    return rule


def _is_personal(word: str) -> bool:
    return (
        word in PERSONAL or word.startswith(PERSONAL_BEGINNINGS) or word.endswith(PERSONAL_ENDINGS)
    )


def _keep(value: Any) -> Kept | None:
    if type(value) is not str:
        return _keep_number(value)
    return _text(value) if len(value) <= MAX_TEXT else None


@lru_cache(4096)
def _text(value: str) -> str | None:
    """A code, or the path of a URL. Remembered, since most of a shop's clicks carry the same few."""
    return _path(value) if value.startswith("/") or "://" in value else _code(value)


def _keep_number(value: Any, limit: int = MAX_NUMBER) -> Kept | None:
    if type(value) is bool:
        return value
    # Infinities and NaN are not within any limit.
    return value if type(value) in {int, float} and -limit < value < limit else None


def _keep_long(value: Any) -> Kept | None:
    if type(value) is str:
        return value if _is_code(value) else None
    return _keep_number(value, MAX_LONG_NUMBER)


def _keep_count(value: Any) -> Kept | None:
    return len(value) if type(value) is list else _keep_number(value)


def _keep_host(value: Any) -> Kept | None:
    """Where a visitor came from: the site, not the page there."""
    if type(value) is not str:
        return None
    host = value.partition("://")[2].partition("/")[0].partition("?")[0]
    return _code(host)


def _code(text: str) -> str | None:
    return text if _is_code(text) and not _phone(text) else None


def _path(text: str) -> str | None:
    """A URL's path without the segments that are no codes."""
    path = text.partition("?")[0]
    if "://" in path:
        path = "/" + path.partition("://")[2].partition("/")[2]
    kept = [part for part in path.partition("#")[0].split("/") if not part or _code(part)]
    return _code("/".join(kept))
