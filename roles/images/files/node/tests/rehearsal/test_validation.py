"""Messages that the stand-in accepts, and the code with which it refuses each other one."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from standin_support import Client

BUTTON = {
    "type": "button",
    "sub_type": "quick_reply",
    "index": "0",
    "parameters": [{"type": "payload", "payload": "p"}],
}
TEMPLATE = {
    "name": "parcel",
    "language": {"code": "en_US"},
    "components": [
        {"type": "header", "parameters": [{"type": "image", "image": {"link": "https://example.com/a.jpg"}}]},
        {
            "type": "body",
            "parameters": [
                {"type": "text", "text": "Ada"},
                {"type": "currency", "currency": {"fallback_value": "$1", "code": "USD", "amount_1000": 1000}},
                {"type": "date_time", "date_time": {"fallback_value": "today"}},
            ],
        },
        BUTTON,
    ],
}
BUTTONS = {
    "type": "button",
    "header": {"type": "text", "text": "Parcel"},
    "body": {"text": "When?"},
    "footer": {"text": "Shop"},
    "action": {"buttons": [{"type": "reply", "reply": {"id": "yes", "title": "Yes"}}]},
}
LIST = {
    "type": "list",
    "body": {"text": "When?"},
    "action": {"button": "Times", "sections": [{"title": "Today", "rows": [{"id": "t1", "title": "9 to 12"}]}]},
}
PRODUCTS = {
    "type": "product_list",
    "header": {"type": "text", "text": "Offers"},
    "body": {"text": "All"},
    "action": {"catalog_id": "1", "sections": [{"title": "A", "product_items": [{"product_retailer_id": "p"}]}]},
}
CONTACT = {"name": {"formatted_name": "Bob B", "first_name": "Bob"}, "phones": [{"phone": "+1555", "type": "CELL"}]}
ACCEPTED: list[tuple[str, Any]] = [
    ("text", {"body": "x" * 4096, "preview_url": True}),
    ("image", {"link": "https://example.com/a.jpg", "caption": "c" * 1024}),
    ("video", {"link": "https://example.com/a.mp4"}),
    ("audio", {"link": "https://example.com/a.ogg", "voice": True}),
    ("document", {"link": "https://example.com/a.pdf", "filename": "a.pdf", "caption": "c"}),
    ("sticker", {"link": "https://example.com/a.webp"}),
    ("location", {"latitude": 52.5, "longitude": "13.4", "name": "Office", "address": "Street"}),
    ("contacts", [CONTACT]),
    ("reaction", {"message_id": "wamid.X", "emoji": ""}),
    ("template", TEMPLATE),
    (
        "template",
        {
            "name": "offers",
            "language": {"code": "en"},
            "components": [
                {
                    "type": "limited_time_offer",
                    "parameters": [{"type": "limited_time_offer", "limited_time_offer": {"expiration_time_ms": 1}}],
                },
                {"type": "carousel", "cards": [{"card_index": 0, "components": [BUTTON]}]},
            ],
        },
    ),
    ("template", {"name": "plain", "language": {"code": "de", "policy": "deterministic"}}),
    ("interactive", BUTTONS),
    ("interactive", LIST),
    ("interactive", {"type": "product", "action": {"catalog_id": "1", "product_retailer_id": "p"}}),
    ("interactive", PRODUCTS),
    ("interactive", {"type": "cta_url", "body": {"text": "x"}, "action": {"name": "cta_url", "parameters": {}}}),
]


@pytest.mark.parametrize(("kind", "content"), ACCEPTED)
async def test_message_is_accepted(cloud: Client, kind: str, content: Any) -> None:
    status, answer = await cloud.send(type=kind, **{kind: content})
    assert status == 200, answer
    assert answer["contacts"] == [{"input": "+15551234567", "wa_id": "15551234567"}]
    assert answer["messages"][0]["id"].startswith("wamid.")
    assert answer["messages"][0].get("message_status") == ("accepted" if kind == "template" else None)


def changed(content: Any, path: str, value: Any) -> Any:
    """Return a copy of a content with one value replaced, or removed when the value is None."""
    made = copy.deepcopy(content)
    *parents, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    target = made
    for step in parents:
        target = target[step]
    if value is None:
        del target[last]
    else:
        target[last] = value
    return made


def rows(count: int) -> list[dict[str, str]]:
    return [{"id": f"r{number}", "title": "Row"} for number in range(count)]


REFUSED: list[tuple[str, Any, int]] = [
    ("text", {"body": "x", "preview": True}, 100),
    ("text", {"body": ""}, 131009),
    ("text", {"body": "x" * 4097}, 131009),
    ("text", {}, 131008),
    ("image", {"link": "https://example.com/a", "id": "1"}, 131009),
    ("image", {"caption": "c"}, 131009),
    ("image", {"id": "424242"}, 100),
    ("image", {"link": "https://example.com/a", "provider": {"name": "p"}}, 100),
    ("image", {"link": "ftp://example.com/a"}, 131009),
    ("audio", {"link": "https://example.com/a", "caption": "c"}, 100),
    ("sticker", {"link": "https://example.com/a", "filename": "a"}, 100),
    ("location", {"latitude": "north", "longitude": 1}, 131009),
    ("contacts", [{"name": {"formatted_name": "Bob"}}], 131009),
    ("contacts", [{**CONTACT, "birthday": "1.2.1990"}], 131009),
    ("contacts", [], 131009),
    ("template", {**TEMPLATE, "namespace": "n"}, 100),
    ("template", {**TEMPLATE, "language": {"code": "en_US", "policy": "fallback"}}, 131009),
    ("template", changed(TEMPLATE, "components.2.index", None), 131008),
    ("template", changed(TEMPLATE, "components.2.index", "10"), 131009),
    ("template", changed(TEMPLATE, "components.2.sub_type", "url"), 131009),
    ("template", changed(TEMPLATE, "components.1.parameters.0.text", "a\nb"), 132018),
    ("template", changed(TEMPLATE, "components.1.parameters.0.text", "a\tb"), 132018),
    ("template", changed(TEMPLATE, "components.1.parameters.0.text", "a     b"), 132018),
    ("template", changed(TEMPLATE, "components.1.parameters.0.text", " "), 132018),
    ("template", changed(TEMPLATE, "components.1.parameters.2.date_time.day_of_week", 1), 100),
    ("interactive", changed(BUTTONS, "action.buttons.0.reply.title", " Yes"), 131009),
    ("interactive", changed(BUTTONS, "action.buttons.0.reply.title", "x" * 21), 131009),
    ("interactive", changed(BUTTONS, "action.buttons", BUTTONS["action"]["buttons"] * 2), 131009),
    ("interactive", changed(BUTTONS, "header.text", "x" * 61), 131009),
    ("interactive", changed(LIST, "action.button", "Times "), 131009),
    ("interactive", changed(LIST, "action.sections.0.rows", rows(11)), 131009),
    ("interactive", changed(LIST, "action.sections", [{"rows": rows(1)}, {"rows": rows(2)}]), 131009),
    ("interactive", {**LIST, "header": {"type": "image", "image": {"link": "https://example.com/a"}}}, 131009),
    ("interactive", changed(PRODUCTS, "header", None), 131008),
    ("hsm", {"namespace": "n"}, 100),
    ("poll", {}, 100),
]


@pytest.mark.parametrize(("kind", "content", "code"), REFUSED)
async def test_message_is_refused(cloud: Client, kind: str, content: Any, code: int) -> None:
    assert await cloud.code(type=kind, **{kind: content}) == code
    assert (await cloud.control("state"))["messages"]["accepted"] == 0


@pytest.mark.parametrize(
    ("envelope", "code"),
    [
        ({"ttl": 60}, 100),
        ({"preview_url": True}, 100),
        ({"messaging_product": "other"}, 131009),
        ({"recipient_type": "group"}, 131009),
        ({"biz_opaque_callback_data": "x" * 513}, 131009),
        ({"biz_opaque_callback_data": "x" * 512}, 0),
        ({"context": {"message_id": "wamid.X"}}, 0),
        ({"context": {"message_id": ""}}, 131009),
        ({"to": "no number"}, 131009),
        ({"to": "+1 (555) 123-4567"}, 0),
        ({"to": "+15559876543"}, 100),
        ({"recipient": "US.1234", "to": "+15551234567"}, 0),
        ({"type": "image", "image": {"link": "https://example.com/a"}, "text": {"body": "x"}}, 100),
        ({"type": "text", "image": {"link": "https://example.com/a"}}, 131008),
    ],
)
async def test_envelope_is_checked(cloud: Client, envelope: dict[str, Any], code: int) -> None:
    assert await cloud.code(**envelope) == code


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff"])
async def test_body_that_is_no_json_object_is_refused(cloud: Client, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    status, answer = await cloud.call("POST", "700000000000001/messages", data=body, headers=headers)
    assert status == 400
    assert answer["error"]["code"] in (100, 131008)


async def test_recipient_without_plus_gets_the_country_code_of_the_business(cloud: Client) -> None:
    await cloud.control("behaviour", {"country_code": "49"})
    _status, answer = await cloud.send(to="15551234567")
    assert answer["contacts"] == [{"input": "15551234567", "wa_id": "4915551234567"}]
    assert (await cloud.control("messages"))["messages"][0]["to"] == "4915551234567"


async def test_whatsapp_id_can_begin_otherwise_than_the_recipient(cloud: Client) -> None:
    await cloud.control("behaviour", {"prefixes": {"521": "52"}})
    _status, answer = await cloud.send(to="+5215512345678")
    assert answer["contacts"] == [{"input": "+5215512345678", "wa_id": "525512345678"}]


async def test_user_id_as_recipient_has_no_number_in_the_answer(cloud: Client) -> None:
    body = {
        "messaging_product": "whatsapp",
        "recipient": "US.13491208655302741918",
        "type": "text",
        "text": {"body": "x"},
    }
    _status, answer = await cloud.call("POST", "700000000000001/messages", body)
    assert answer["contacts"] == [{"input": body["recipient"], "user_id": body["recipient"]}]


async def test_user_id_in_to_is_accepted_and_goes_nowhere(cloud: Client) -> None:
    assert await cloud.code(to="US.13491208655302741918") == 0
    state = await cloud.control("state")
    assert (state["messages"]["accepted"], state["messages"]["lost"], state["webhooks"]["updates"]) == (1, 1, 0)


async def test_templates_are_checked_if_they_are_known(cloud: Client) -> None:
    await cloud.control("behaviour", {"templates": {"parcel/en_US": 3}})
    assert await cloud.code(type="template", template=TEMPLATE) == 0
    assert await cloud.code(type="template", template={**TEMPLATE, "language": {"code": "de"}}) == 132001
    assert await cloud.code(type="template", template={**TEMPLATE, "components": []}) == 132000
