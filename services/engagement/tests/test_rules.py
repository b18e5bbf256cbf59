"""The pure half: names, times, scrubbing."""

import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import to_json

from engagement_service.errors import Refused
from engagement_service.tracking.batches import read_batch
from engagement_service.tracking.rules import click_name
from engagement_service.tracking.scrub import MAX_PROPERTIES, campaign_of, scrubbed
from engagement_service.tracking.service import take
from perennial_events.catalogue import Clicked
from perennial_events.envelope import open_envelope
from perennial_http import Key

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
KEY = Key("shop", frozenset({"clicks:write"}))


@pytest.mark.parametrize(
    ("event", "name"),
    [
        ("Product Viewed", "product_viewed"),
        ("Product Added", "product_added"),
        ("Product Removed", "product_removed"),
        ("Checkout Started", "checkout_started"),
        ("Products Searched", "searched"),
        ("Order Completed", "order_completed"),
        ("Cart Viewed", "cart_viewed"),
        ("Viewed Product", "product_viewed"),
        ("productViewed", "product_viewed"),
        ("Wunschliste geöffnet!", "wunschliste_geoffnet"),
        ("newsletter-signup / step 2", "newsletter_signup_step_2"),
        ("___", None),
        ("Ω", None),
        ("ann@example.com", None),
        ("0170 1234567", None),
    ],
)
def test_names(event: str, name: str | None) -> None:
    assert click_name(event) == name


KEPT: list[tuple[str, Any, Any]] = [
    ("price", 19.99, 19.99),
    ("quantity", 2, 2),
    ("gift", False, False),
    ("currency", "EUR", "EUR"),
    ("variant", "blue/xl", "blue/xl"),
    ("order_id", "4917012345678", "4917012345678"),
    ("productId", 4006381333931, 4006381333931),
    ("products", [{"sku": "a"}, {"sku": "b"}], 2),
    ("path", "/p/mug", "/p/mug"),
    ("url", "https://shop.example/p/mug?email=ann@example.com#top", "/p/mug"),
    ("url", "https://shop.example/u/ann@example.com/orders", "/u/orders"),
    ("url", "https://shop.example/u/ann%40example.com/orders", "/u/orders"),
    ("url", "https://shop.example/call/+49-170-1234567", "/call"),
    ("referrer", "https://www.search.example/?q=ann", "www.search.example"),
    ("search_results", 12, 12),
]

DROPPED: list[tuple[str, Any]] = [
    ("plan", "ann@example.com"),
    ("plan", "free text of a person"),
    ("plan", "x" * 65),
    ("plan", ""),
    ("plan", "gold\n"),
    ("plan", None),
    ("code", "01701234567"),
    ("code", "+49-170-123.45.67"),
    ("code", "030/1234567"),
    ("code", 491701234567),
    ("code", 491701234567.0),
    ("code", float("inf")),
    ("code", float("nan")),
    ("order_id", "ann@example.com"),
    ("nested", {"a": 1}),
    ("list", [1, 2]),
    ("query", "mugs"),
    ("searchTerm", "mugs"),
    ("comment", "nice"),
    ("title", "Home"),
    ("url", "https://ann:secret@shop.example/4917012345678"),
    ("referrer", "https://192.168.100.200/"),
    ("sku", "mug"),
    ("session_id", "s-1"),
    ("4917012345678", True),
    ("ann@example.com", True),
    ("with space", True),
    ("n" * 65, True),
    *(
        (name, "Ann")
        for name in [
            "name",
            "firstName",
            "first_name",
            "FIRST_NAME",
            "firstname",
            "last-name",
            "LastName",
            "lname",
            "surname",
            "FiRsT_nAmE",
            "username",
            "full.name",
            "billingName",
            "email",
            "e-mail",
            "E_Mail",
            "eMail",
            "emailAddress",
            "user_email",
            "EMAIL",
            "phone",
            "phoneNumber",
            "PHONE_NO",
            "mobile",
            "telephone",
            "homephone",
            "address",
            "shippingAddress",
            "address_line1",
            "adresse",
            "street",
            "zip",
            "postcode",
            "birthday",
            "birth_date",
            "dateOfBirth",
            "DOB",
            "ip",
            "password",
            "ssn",
            "iban",
        ]
    ),
]


@pytest.mark.parametrize(("name", "value", "kept"), KEPT)
def test_what_stays(name: str, value: Any, kept: Any) -> None:
    assert scrubbed({name: value}) == {name: kept}


@pytest.mark.parametrize(("name", "value"), DROPPED)
def test_what_goes(name: str, value: Any) -> None:
    left = scrubbed({name: value})
    assert left in ({}, {name: "/"})  # of a URL, the root of its path may be all that is left


def test_twenty_properties_stay_the_campaign_first() -> None:
    many = {f"p{n}": n for n in range(50)}
    kept = scrubbed(many, {"utm_source": "x"})
    assert list(kept) == ["utm_source", *(f"p{n}" for n in range(MAX_PROPERTIES - 1))]


def test_campaigns() -> None:
    page = {
        "search": "?utm_source=a%40b.c&utm_medium=cpc&utm_campaign=Spring+Sale&ref=friend-7&x=1"
    }
    assert campaign_of({"page": page}) == {
        "utm_medium": "cpc",
        "utm_campaign": "Spring_Sale",
        "ref": "friend-7",
    }
    assert campaign_of({"campaign": {"name": 7, "source": None}, "page": 3}) == {}
    assert campaign_of(None, {"url": "https://x.example/?ref=ann#utm_source=no"}) == {"ref": "ann"}


PERSONAL = (
    "ann@example.com",
    "+49 170 1234567",
    "0170-1234567",
    "Ann Smith",
    "a\nb",
    "x://a@b/c@d",
)
NAMES = st.one_of(
    st.text(max_size=70),
    st.sampled_from(
        ["sku", "product_id", "order_id", "url", "referrer", "products", "search", "page"]
    ),
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**20), 10**20),
    st.floats(),
    st.text(max_size=70),
    st.text("0123456789+-./:#?@a ", max_size=30),
    st.sampled_from(PERSONAL),
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3)
)
OBJECTS = st.dictionaries(NAMES, VALUES, max_size=25)
CONTEXTS = st.one_of(
    OBJECTS,
    st.fixed_dictionaries(
        {"campaign": st.dictionaries(st.sampled_from(["name", "source", "term"]), VALUES)}
    ),
    st.fixed_dictionaries({"page": st.dictionaries(st.sampled_from(["search", "url"]), VALUES)}),
)
CALLS = st.fixed_dictionaries(
    {
        "type": st.sampled_from(["track", "page", "screen", "identify", "group", "alias"]),
        "event": st.one_of(st.just("Product Viewed"), st.text(min_size=1, max_size=200)),
        "userId": st.just("c-1"),
        "previousId": st.just("a-1"),
        "groupId": st.one_of(st.just("g-1"), st.text(max_size=70)),
        "name": st.text(max_size=70),
        "properties": OBJECTS,
        "context": CONTEXTS,
    }
)


@given(CALLS)
def test_whatever_is_sent_the_log_gets_a_click_without_personal_data(call: dict[str, Any]) -> None:
    batch = read_batch(to_json({"batch": [call]}, inf_nan_mode="null"))
    for _, each in batch.calls:
        try:
            envelope, *_ = take(each, KEY, NOW)
        except Refused:
            continue
        click = open_envelope(envelope).event
        assert isinstance(click, Clicked)
        assert click.model_dump_json(exclude_none=True) == envelope.data
        assert "@" not in envelope.data
        assert len(click.properties) <= MAX_PROPERTIES
        for name, value in click.properties.items():
            if name not in {"product_id", "order_id", "group_id"} and isinstance(value, str):
                assert not re.search(r"\d{7}", value)
        assert json.loads(envelope.data)["properties"].keys() <= {
            *call["properties"], *["page", "screen", "group_id", "ref"],
            *["utm_campaign", "utm_source", "utm_medium", "utm_term", "utm_content"],
        }  # fmt: skip
