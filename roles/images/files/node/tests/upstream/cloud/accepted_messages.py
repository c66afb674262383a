"""Generates random messages that the API accepts, from the types that validate them."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import inspect
from waba_node.webapp.errors import ApiError
from waba_node.webapp.message import MESSAGE_TYPES, Message, payload_of

LETTERS = "ab 1\n\té€\U0001f600"
SAMPLES = (  # texts for fields with a pattern
    *("+4915112345678", "15551234567", "US.13491208655302741918"),
    *("https://example.com/file", "http://user:pass@example.com:8080/a?b=c#d"),
    *("2000-02-29", *"0123456789"),
)
FORMS = ("button", "list", "product", "product_list")
KINDS = (*(kind for kind in MESSAGE_TYPES if kind != "interactive"), *(f"interactive {form}" for form in FORMS))
# The fields that an object of a type requires beside the field of that name.
REQUIRED = {
    ("Component", "button"): ("sub_type",),
    ("Component", "carousel"): ("cards",),
    ("Interactive", "button"): ("body",),
    ("Interactive", "list"): ("body",),
    ("Interactive", "product_list"): ("header", "body"),
}
# The fields of an action, and of a section in it, by the type of the interactive message.
ACTIONS = {
    "button": (("buttons",), ()),
    "list": (("button", "sections"), ("title", "rows")),
    "product": (("catalog_id", "product_retailer_id"), ()),
    "product_list": (("catalog_id", "sections"), ("title", "product_items")),
}
MESSAGE = inspect.type_info(Message)
# Texts whose form Meta defines and the model does not check.
FORMED = {("Template", "name"): "order_sent", ("Hsm", "element_name"): "order_sent", ("Language", "code"): "en_US"}
FILE = ("id", "link", "provider")
ACTION = {  # of a template's button: the model does not check it
    "flow_token": " t ",
    "thumbnail_product_retailer_id": "p ",
    "sections": [{"title": " A", "product_items": [{"product_retailer_id": " p1 ", "unknown": 1}], "unknown": 1}],
    "flow_action_data": {"a": [1, {"b": None}]},
    "unknown": {"a": [1]},
}


def accepted_messages(kind: str, count: int, seed: int = 0) -> Iterator[dict[str, Any]]:
    """Yield the stored payloads of messages of a kind: one of KINDS."""
    maker = Maker(random.Random(f"{kind} {seed}"))
    while count:
        payload = stored(maker.message(kind))
        if payload is not None:
            count -= 1
            yield payload


def stored(given: dict[str, Any]) -> dict[str, Any] | None:
    """Return the payload that the API stores, None for a message that it refuses."""
    try:
        return payload_of(msgspec.convert(given, Message))
    except (ApiError, msgspec.ValidationError):
        return None


class Maker:
    """Makes random values of the types of a message."""

    def __init__(self, choice: random.Random) -> None:
        self.choice = choice
        self.form = ""  # of the interactive message
        self.in_carousel = False

    def message(self, kind: str) -> dict[str, Any]:
        name, _space, form = kind.partition(" ")
        self.form, self.in_carousel = form, False
        fields = {field.name: field.type for field in MESSAGE.fields}
        optional = [field for field in fields if field not in (*MESSAGE_TYPES, "to", "type", "recipient_type")]
        given = {field: self.value(fields[field]) for field in optional if self.choice.random() < 0.5}
        return {"to": self.value(fields["to"]), "type": name, name: self.present(fields[name]), **given}

    def value(self, kind: inspect.Type) -> Any:
        """Return a value of a type."""
        if isinstance(kind, inspect.Metadata):
            return self.value(kind.type)
        if isinstance(kind, inspect.StructType):
            return self.object(kind)
        if isinstance(kind, inspect.UnionType):
            return self.value(self.choice.choice(kind.types))
        if isinstance(kind, inspect.ListType):
            shortest = kind.min_length or 0
            return [self.value(kind.item_type) for _item in range(self.choice.randint(shortest, max(shortest, 3)))]
        if isinstance(kind, inspect.StrType):
            samples = [sample for sample in SAMPLES if kind.pattern and re.search(kind.pattern, sample)]
            return self.choice.choice(samples) if samples else self.text(kind.min_length or 0, kind.max_length or 6)
        return self.scalar(kind)

    def scalar(self, kind: inspect.Type) -> Any:
        """Return a value of a type without parts."""
        if isinstance(kind, inspect.LiteralType):
            return self.choice.choice(kind.values)
        if isinstance(kind, inspect.IntType):
            return self.choice.choice([kind.ge, kind.le, self.choice.randint(kind.ge, kind.le)])
        if isinstance(kind, inspect.FloatType):
            return self.choice.choice([kind.ge, kind.le, 0.0, self.choice.uniform(kind.ge, kind.le)])
        if isinstance(kind, inspect.BoolType):
            return self.choice.random() < 0.5
        if isinstance(kind, inspect.NoneType):
            return None
        if isinstance(kind, inspect.DictType):
            return {name: ACTION[name] for name in ACTION if self.choice.random() < 0.5}
        raise TypeError(f"no values of {kind}")

    def text(self, shortest: int, longest: int) -> str:
        size = self.choice.randint(shortest, max(shortest, min(longest, 6)))
        return "".join(self.choice.choice(LETTERS) for _letter in range(size))

    def present(self, kind: inspect.Type) -> Any:
        """Return a value that is not None."""
        while (value := self.value(kind)) is None:
            pass
        return value

    def object(self, struct: inspect.StructType) -> dict[str, Any]:
        """Return an object of a struct. Where its type names one of its fields, that field is present."""
        fields, name = {field.name: field for field in struct.fields}, struct.cls.__name__
        if name in ("Action", "Section"):
            of_action, of_section = ACTIONS[self.form]
            return {
                field: self.present(fields[field].type) for field in (of_action if name == "Action" else of_section)
            }
        kind = None
        if "type" in fields and isinstance(fields["type"].type, inspect.LiteralType):
            kinds = [value for value in fields["type"].type.values if value != "carousel" or not self.in_carousel]
            kind = self.form if name == "Interactive" else self.choice.choice(kinds)
        if name == "Header" and self.form in ("list", "product_list"):
            kind = "text"
        required = {field.name for field in fields.values() if field.required} | {kind, *REQUIRED.get((name, kind), ())}
        self.in_carousel = self.in_carousel or kind == "carousel"
        result = {
            field: self.present(fields[field].type) if field in required else self.value(fields[field].type)
            for field in fields
            if field in required or (self.choice.random() < 0.5 and field not in (*FILE, "cards"))
        }
        self.in_carousel = self.in_carousel and kind != "carousel"
        result |= {field: text for (of, field), text in FORMED.items() if of == name}
        if kind is not None:
            result["type"] = kind
        if set(FILE) <= fields.keys() and kind is None:
            result |= self.file(fields)
        if self.form == "product" and name == "Interactive":
            result.pop("header", None)
        return result

    def file(self, fields: dict[str, inspect.Field]) -> dict[str, Any]:
        if self.choice.random() < 0.5:
            return {"id": self.text(1, 6)}
        provider = {"provider": self.present(fields["provider"].type)} if self.choice.random() < 0.5 else {}
        return {"link": self.present(fields["link"].type), **provider}
