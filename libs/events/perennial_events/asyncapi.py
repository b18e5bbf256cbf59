"""The AsyncAPI 3.0 document: what travels on which topic, for whoever reads the log from outside."""

from typing import Any

from pydantic.json_schema import models_json_schema

from perennial_events.catalogue import PARTITIONS, TOPICS
from perennial_events.envelope import Event
from perennial_events.schemas import EventSchemas, Schema, catalogue_types, example, schema_of

BINDING_VERSION = "0.5.0"
_REF = "#/components/schemas/{model}"
_SOURCES = {
    "perennial.catalogue": "/perennial/orders",
    "perennial.clicks": "/perennial/engagement",
    "perennial.complaints": "/perennial/support",
    "perennial.customers": "/perennial/profile",
    "perennial.engagement": "/perennial/engagement",
    "perennial.keys": "/perennial/profile",
    "perennial.orders": "/perennial/orders",
}


def document() -> dict[str, Any]:
    """The whole catalogue as AsyncAPI 3.0: one channel a topic, one message an event type."""
    types = catalogue_types()
    _, definitions = models_json_schema(
        [(each, "validation") for each in types],
        ref_template=_REF,
        schema_generator=EventSchemas,
    )
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Perennial events",
            "version": "1",
            "description": (
                "CloudEvents 1.0 in binary mode. Events carry no personal data, each customer's events "
                "stay in order, and schemas change only by addition."
            ),
        },
        "defaultContentType": "application/json",
        "channels": {topic: _channel(topic, types) for topic in TOPICS},
        "operations": {
            f"publish {topic}": {
                "action": "send",
                "channel": {"$ref": f"#/channels/{topic}"},
                "summary": f"What {_SOURCES[topic].rpartition('/')[2]} publishes",
            }
            for topic in TOPICS
        },
        "components": {
            "messages": {each.type: _message(each) for each in types},
            "messageTraits": {"cloudEvent": {"headers": _HEADERS}},
            "schemas": definitions["$defs"],
        },
    }


def _channel(topic: str, types: list[type[Event]]) -> dict[str, Any]:
    return {
        "address": topic,
        "messages": {
            each.fact: {"$ref": f"#/components/messages/{each.type}"}
            for each in types
            if each.topic == topic
        },
        "bindings": {
            "kafka": {"topic": topic, "partitions": PARTITIONS, "bindingVersion": BINDING_VERSION}
        },
    }


def _message(event: type[Event]) -> dict[str, Any]:
    schema = schema_of(event)
    data = example(schema)
    key = schema["properties"].get(event.key_field, _VISITOR)
    described = {"summary": schema["description"]} if "description" in schema else {}
    return {
        "name": event.type,
        "title": event.__name__,
        **described,
        "contentType": "application/json",
        "traits": [{"$ref": "#/components/messageTraits/cloudEvent"}],
        "payload": {"$ref": _REF.format(model=event.__name__)},
        "bindings": {
            "kafka": {
                "key": {**key, "description": f"`{event.key_field}`: keeps its events in order"},
                "bindingVersion": BINDING_VERSION,
            }
        },
        "examples": [{"headers": _example_headers(event.model_validate(data)), "payload": data}],
    }


def _example_headers(event: Event) -> dict[str, str]:
    return {
        "ce_specversion": "1.0",
        "ce_id": "019cae4a-2b00-7000-8000-000000000001",
        "ce_type": event.type,
        "ce_source": _SOURCES[event.topic],
        "ce_subject": event.subject,
        "ce_time": "2026-03-02T12:00:00Z",
        "content-type": "application/json",
    }


# A key that is no field of the data: the customer where known, otherwise the anonymous visitor.
_VISITOR: Schema = {"type": "string", "pattern": "^[A-Za-z0-9._:-]{1,64}$"}

_HEADERS: Schema = {
    "type": "object",
    "required": [
        "ce_specversion",
        "ce_id",
        "ce_type",
        "ce_source",
        "ce_subject",
        "ce_time",
        "content-type",
    ],
    "properties": {
        "ce_specversion": {"const": "1.0"},
        "ce_id": {
            "type": "string",
            "format": "uuid",
            "description": "The same again is the same event: a redelivery.",
        },
        "ce_type": {
            "type": "string",
            "pattern": r"^perennial\.[a-z]+\.[a-z_]+\.v[0-9]+$",
            "description": "An unknown major version is another event, which this schema does not describe.",
        },
        "ce_source": {
            "type": "string",
            "format": "uri-reference",
            "description": "Which service says it",
        },
        "ce_subject": {"type": "string", "description": "The aggregate's id"},
        "ce_time": {
            "type": "string",
            "format": "date-time",
            "description": "When it happened, in UTC; imports set it in the past.",
        },
        "ce_imported": {
            "const": "true",
            "description": "There only where this is history, replayed: it changes state, triggers nothing.",
        },
        "content-type": {"const": "application/json"},
    },
}
