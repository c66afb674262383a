"""Every type of message: accepted contents are passed on unchanged, invalid ones are refused with the right code."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from message_support import (
    BUTTONS,
    CARD,
    CONTENTS,
    LINK,
    LIST,
    PRODUCT,
    PRODUCT_LIST,
    REPLY_BUTTONS,
    SECTIONS,
    TEMPLATE,
    interactive,
    message,
)
from waba_node.webapp.body import convert, parse_json
from waba_node.webapp.errors import ERRORS, ApiError
from waba_node.webapp.message import LARGEST_MESSAGE, MESSAGE_TYPES, Message, check_media_limits, media_of, payload_of


def payload(body: dict) -> dict:
    return payload_of(convert(parse_json(json.dumps(body).encode(), dict), Message))


def refusal(body: dict) -> int:
    with pytest.raises(ApiError) as refused:
        payload(body)
    assert refused.value.status == 400
    return refused.value.code


@pytest.mark.parametrize(("kind", "content"), CONTENTS)
def test_accepted_message_is_passed_on_unchanged(kind: str, content: object) -> None:
    extras = {"context": {"message_id": "ABGGx"}, "ttl": 60, "biz_opaque_callback_data": "order 7"}
    assert payload(message(kind, content, **extras)) == {
        **message(kind, content, **extras),
        "to": "4915112345678",
        "recipient_type": "individual",
    }


@pytest.mark.parametrize(
    "notation", ["4915112345678", "+4915112345678", "+49 151 12345678", "(49) 151-1234.5678", "+49 (151) 123-456-78"]
)
def test_recipient_is_accepted_in_any_usual_notation(notation: str) -> None:
    assert payload({**message("text", {"body": "Hello"}), "to": notation})["to"] == "4915112345678"


def test_examples_cover_every_type() -> None:
    assert {kind for kind, _content in CONTENTS} == set(MESSAGE_TYPES)


@pytest.mark.parametrize(
    ("kind", "content", "code"),
    [
        ("image", {}, 1008),
        ("image", {"id": "x", "link": LINK}, 1009),
        ("image", {"id": "x", "provider": {"name": "p"}}, 1010),
        ("image", {"link": LINK, "provider": {}}, 1008),
        ("image", {"link": "ftp://example.com/x"}, 1009),
        ("image", {"link": "https://"}, 1009),
        ("image", {"link": "https://example.com/a b"}, 1009),
        ("image", {"link": "https://example.com/\n"}, 1009),
        ("image", {"link": LINK + "x" * 2048}, 1001),
        ("image", {"link": LINK, "caption": "c" * 1025}, 1001),
        ("document", {"link": LINK, "filename": "f" * 241}, 1001),
        ("audio", "file", 1009),
        ("template", {**TEMPLATE, "name": ""}, 1009),
        ("template", {"name": "x", "language": {"code": "en"}}, 1008),
        ("template", {**TEMPLATE, "language": {"code": "en", "policy": "guess"}}, 1009),
        ("template", {**TEMPLATE, "components": [{"type": "side"}]}, 1009),
        ("template", {**TEMPLATE, "components": [{"type": "button", "index": 0}]}, 1008),
        ("template", {**TEMPLATE, "components": [{"type": "carousel"}]}, 1008),
        ("template", {**TEMPLATE, "components": [{"type": "button", "sub_type": "call", "index": 0}]}, 1009),
        ("template", {**TEMPLATE, "components": [{"type": "body", "parameters": [{"type": "text"}]}]}, 1008),
        ("template", {**TEMPLATE, "components": [{"type": "body", "parameters": [{"type": "type"}]}]}, 1009),
        ("hsm", {"namespace": "x", "language": {"code": "en"}}, 1008),
        ("interactive", {"type": "list"}, 1008),
        ("interactive", {**LIST, "body": None}, 1008),
        ("interactive", {**LIST, "body": {"text": "x" * 1025}}, 1001),
        ("interactive", {**LIST, "header": {"type": "image", "image": {"link": LINK}}}, 1009),
        ("interactive", {**LIST, "header": {"type": "text", "text": "x" * 61}}, 1001),
        ("interactive", {**LIST, "header": {"type": "text"}}, 1008),
        ("interactive", {**LIST, "type": "menu"}, 1009),
        ("interactive", interactive("list", {"button": "b", "sections": []}), 1009),
        ("interactive", interactive("list", {"button": "b" * 21, "sections": SECTIONS}), 1001),
        ("interactive", interactive("list", {"sections": SECTIONS}), 1008),
        ("interactive", interactive("list", {"button": "b", "sections": [*SECTIONS, SECTIONS[0]]}), 1001),
        ("interactive", interactive("list", {"button": "b", "sections": [SECTIONS[0]] * 2}), 1009),
        (
            "interactive",
            interactive("list", {"button": "b", "sections": [{**SECTIONS[0], "title": ""}, SECTIONS[1]]}),
            1008,
        ),
        ("interactive", interactive("list", {"button": "b", "sections": [{"title": "x"}]}), 1008),
        ("interactive", interactive("list", {"button": "b", "sections": SECTIONS, "buttons": BUTTONS}), 1010),
        (
            "interactive",
            interactive(
                "list",
                {
                    "button": "b",
                    "sections": [
                        {"title": "x", "rows": [{"id": f"{s}-{i}", "title": "t"} for i in range(6)]} for s in range(2)
                    ],
                },
            ),
            1001,
        ),
        ("interactive", interactive("button", {"buttons": [*BUTTONS, BUTTONS[0]]}), 1001),
        ("interactive", interactive("button", {"buttons": [BUTTONS[0]] * 2}), 1009),
        (
            "interactive",
            interactive("button", {"buttons": [{"type": "call", "reply": {"id": "x", "title": "x"}}]}),
            1009,
        ),
        (
            "interactive",
            interactive("button", {"buttons": [{"type": "reply", "reply": {"id": "x", "title": "x" * 21}}]}),
            1001,
        ),
        ("interactive", {**REPLY_BUTTONS, "footer": {"text": "x" * 61}}, 1001),
        ("interactive", {**PRODUCT, "header": {"type": "text", "text": "x"}}, 1010),
        ("interactive", {"type": "product", "action": {"catalog_id": "x"}}, 1008),
        ("interactive", {**PRODUCT_LIST, "header": None}, 1008),
        ("location", {"latitude": 91, "longitude": 0}, 1009),
        ("location", {"latitude": 10**400, "longitude": 0}, 1009),
        ("location", {"latitude": "52 N", "longitude": 0}, 1009),
        ("location", {"latitude": 52}, 1008),
        ("contacts", [], 1009),
        ("contacts", [CARD] * 51, 1001),
        ("contacts", [{}], 1008),
        ("contacts", CARD, 1009),
        ("contacts", [{**CARD, "birthday": "1.1.2000"}], 1009),
    ],
)
def test_invalid_content_is_refused(kind: str, content: object, code: int) -> None:
    assert refusal(message(kind, content)) == code


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"ttl": 0}, 1009),
        ({"ttl": 30 * 24 * 3600 + 1}, 1009),
        ({"ttl": "60 s"}, 1009),
        ({"context": {}}, 1008),
        ({"context": {"message_id": ""}}, 1009),
        ({"biz_opaque_callback_data": "x" * 513}, 1001),
        ({"recipient_type": "group"}, 1002),
        ({"recipient_type": "everybody"}, 1002),
        ({"type": "image"}, 1008),
        ({"image": {"link": LINK}}, 1010),
    ],
)
def test_invalid_common_field_is_refused(more: dict, code: int) -> None:
    assert refusal({**message("text", {"body": "x"}), **more}) == code


def test_too_large_message_is_refused() -> None:
    card = {"name": {"formatted_name": "\U0001f600" * 256}, "urls": [{"url": "u" * 2048}] * 20}
    assert len(json.dumps([card] * 50)) > LARGEST_MESSAGE
    assert refusal(message("contacts", [card] * 50)) == 1001


def test_media_are_found_in_every_part_of_a_message() -> None:
    header = {"type": "header", "parameters": [{"type": "image", "image": {"id": "one"}}]}
    for kind, content, expected in [
        ("image", {"id": "one"}, [("image", "one")]),
        ("sticker", {"link": LINK}, [("sticker", None)]),
        ("text", {"body": "x"}, []),
        ("template", {**TEMPLATE, "components": [header]}, [("image", "one")]),
        (
            "interactive",
            {**REPLY_BUTTONS, "header": {"type": "document", "document": {"id": "one"}}},
            [("document", "one")],
        ),
    ]:
        found = media_of(convert(message(kind, content), Message))
        assert [(name, part.id) for name, part in found] == expected


@pytest.mark.parametrize(
    ("kind", "content_type", "size", "fits"),
    [
        ("image", "image/png", 5 << 20, True),
        ("image", "image/png", (5 << 20) + 1, False),
        ("image", "image/gif", 1, False),
        ("document", "image/gif", 100 << 20, True),
        ("sticker", "image/webp", 101 << 10, False),
        ("audio", "audio/ogg", 1, True),
        ("video", "video/mp4", 17 << 20, False),
    ],
)
def test_media_limits_depend_on_the_kind(kind: str, content_type: str, size: int, fits: bool) -> None:
    if fits:
        check_media_limits(kind, content_type, size)
    else:
        with pytest.raises(ApiError):
            check_media_limits(kind, content_type, size)


leaves = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20)
)


def mutated(value: object) -> st.SearchStrategy:
    """Return a strategy for a valid value with arbitrary mistakes anywhere in it."""
    if isinstance(value, dict):
        changed = st.fixed_dictionaries({}, optional={name: mutated(inner) for name, inner in value.items()})
    elif isinstance(value, list):
        changed = st.lists(st.one_of(*map(mutated, value[:3])), max_size=4) if value else st.just([])
    else:
        changed = st.just(value)
    return st.one_of(st.just(value), changed, leaves)


@settings(max_examples=400)
@given(st.sampled_from(CONTENTS).flatmap(lambda pair: mutated(message(*pair, context={"message_id": "x"}, ttl=5))))
def test_mutated_message_is_accepted_or_refused(body: object) -> None:
    if isinstance(body, dict) and (accepted := payload_or_none(body)) is not None:
        json.dumps(accepted)
        assert accepted["to"] == re.sub(r"\D", "", body["to"])


def payload_or_none(body: dict) -> dict | None:
    try:
        return payload(body)
    except ApiError:
        return None


def test_every_refusal_of_a_content_is_status_400() -> None:
    assert {ERRORS[code][1] for code in (1001, 1002, 1008, 1009, 1010)} == {400}


@pytest.mark.parametrize("user", ["US.13491208655302741918", "DE.ENT.abc123", "BR." + "x" * 128])
def test_user_without_a_phone_number_is_a_recipient_where_the_upstream_has_such_users(user: str) -> None:
    body = convert({**message("text", {"body": "Hello"}), "to": user}, Message)
    assert payload_of(body, user_ids=True)["to"] == user
    with pytest.raises(ApiError) as refused:
        payload_of(body)
    assert refused.value.code == 1009


@pytest.mark.parametrize("user", ["US.", "us.123", "US.1-2", "USA.123", "US.123\n", "BR." + "x" * 129, "US.ENT.", "."])
def test_malformed_user_id_is_refused(user: str) -> None:
    with pytest.raises(ApiError):
        payload_of(convert({**message("text", {"body": "Hello"}), "to": user}, Message), user_ids=True)
