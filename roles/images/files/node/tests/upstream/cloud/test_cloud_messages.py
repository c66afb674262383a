"""On-premises messages and their bodies in the Cloud API. The expected values are written by hand."""

from __future__ import annotations

import pytest
from waba_node.upstream.cloud.translation import messages
from waba_node.upstream.cloud.translation.errors import Untranslatable
from waba_node.upstream.cloud.translation.messages import (
    MediaReference,
    is_voice,
    media_references,
    quoted_message,
    recipient,
    to_cloud,
)
from waba_node.upstream.cloud.translation.shapes import Rule
from waba_node.upstream.cloud.translation.sources import SOURCES

TO = "15551234567"
LINK = "https://example.com/file"
CORRELATION = "3:gBGGabc"


def stored(kind: str, content: object, **envelope: object) -> dict:
    return {"to": TO, "type": kind, "recipient_type": "individual", kind: content, **envelope}


def translate(payload: dict, *, quoted: str | None = None, mime_type: str = "") -> dict:
    files = media_references(payload)
    media = {file: {"id": f"90{number}", "mime_type": mime_type} for number, file in enumerate(files)}
    return to_cloud(payload, callback_data=CORRELATION, media=media, quoted=quoted)


def content_of(kind: str, content: object, **more: object) -> object:
    body = translate(stored(kind, content), **more)
    return body[body["type"]]


def refusal_of(kind: str, content: object) -> dict:
    with pytest.raises(Untranslatable) as refused:
        translate(stored(kind, content))
    (error,) = refused.value.errors
    return error


def test_text() -> None:
    payload = stored("text", {"body": "Your parcel is here"}, ttl=60, biz_opaque_callback_data="the client's", x=1)
    assert translate(payload) == {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": "+15551234567",
        "type": "text",
        "text": {"body": "Your parcel is here", "preview_url": False},
        "biz_opaque_callback_data": "3:gBGGabc",
    }


def test_preview_url_moves_into_the_text() -> None:
    body = translate(stored("text", {"body": "https://example.com", "preview_url": "unknown"}, preview_url=True))
    assert body["text"] == {"body": "https://example.com", "preview_url": True}
    assert "preview_url" not in body


def test_a_reply_quotes_the_id_in_the_cloud_api() -> None:
    payload = stored("text", {"body": "Yes"}, context={"message_id": "gBGGquoted"})
    assert quoted_message(payload) == "gBGGquoted"
    assert translate(payload, quoted="wamid.X")["context"] == {"message_id": "wamid.X"}


def test_a_reply_to_an_unknown_message_is_no_reply() -> None:
    payload = stored("text", {"body": "Yes"}, context={"message_id": "gBGGquoted"})
    assert "context" not in translate(payload)


def test_a_message_without_context_quotes_nothing() -> None:
    assert quoted_message(stored("text", {"body": "Yes"})) is None
    assert quoted_message(stored("text", {"body": "Yes"}, context=None)) is None


@pytest.mark.parametrize(
    ("to", "expected"),
    [
        ("15551234567", {"to": "+15551234567"}),
        ("+1 (555) 123-45 67", {"to": "+15551234567"}),
        ("5491123456789", {"to": "+5491123456789"}),
        ("5215512345678", {"to": "+5215512345678"}),
        ("US.13491208655302741918", {"recipient": "US.13491208655302741918"}),
        ("US.ENT.11815799212886844830", {"recipient": "US.ENT.11815799212886844830"}),
        (f"DE.{'a1' * 64}", {"recipient": f"DE.{'a1' * 64}"}),
    ],
)
def test_recipient(to: str, expected: dict) -> None:
    assert recipient(to) == expected


@pytest.mark.parametrize("to", ["", "+", "abc", "US.", "us.abc"])
def test_an_invalid_recipient_is_refused(to: str) -> None:
    with pytest.raises(Untranslatable) as refused:
        recipient(to)
    assert refused.value.errors[0]["code"] == 1009


def test_a_user_without_a_phone_number_is_named_by_recipient() -> None:
    body = translate({**stored("text", {"body": "Hi"}), "to": "US.1234567890"})
    assert body["recipient"] == "US.1234567890"
    assert "to" not in body


FILE_TYPES = ("image", "video", "audio", "document", "sticker")


@pytest.mark.parametrize(
    ("kind", "given", "expected"),
    [
        ("image", {"id": "file-1", "caption": "A picture"}, {"id": "900", "caption": "A picture"}),
        ("image", {"id": "file-1", "caption": ""}, {"id": "900"}),
        ("video", {"id": "file-1", "caption": "A film"}, {"id": "900", "caption": "A film"}),
        ("audio", {"id": "file-1"}, {"id": "900"}),
        (
            "document",
            {"id": "file-1", "caption": "Bill", "filename": "bill.pdf"},
            {"id": "900", "caption": "Bill", "filename": "bill.pdf"},
        ),
        ("sticker", {"id": "file-1"}, {"id": "900"}),
        *((kind, {"link": LINK, "provider": {"name": "store"}}, {"id": "900"}) for kind in FILE_TYPES),
        ("document", {"link": LINK, "filename": "bill.pdf"}, {"id": "900", "filename": "bill.pdf"}),
    ],
)
def test_file(kind: str, given: dict, expected: dict) -> None:
    assert content_of(kind, given) == expected


def test_a_link_can_be_passed_on() -> None:
    payload = stored("image", {"link": LINK, "caption": "A picture"})
    media = {MediaReference("image", None, LINK, None, None): {"link": f"{LINK}?x"}}
    body = to_cloud(payload, callback_data=CORRELATION, media=media, quoted=None)
    assert body["image"] == {"link": f"{LINK}?x", "caption": "A picture"}


@pytest.mark.parametrize("media", [{}, {"mime_type": "image/png"}])
def test_a_file_without_a_reference_in_the_cloud_api_is_refused(media: dict) -> None:
    reference = MediaReference("image", "file-1", None, None, None)
    with pytest.raises(Untranslatable) as refused:
        to_cloud(stored("image", {"id": "file-1"}), callback_data=CORRELATION, media={reference: media}, quoted=None)
    assert refused.value.errors[0]["code"] == 1006


@pytest.mark.parametrize(
    ("mime_type", "expected"),
    [
        ("audio/ogg; codecs=opus", True),
        ("audio/ogg", True),
        ('Audio/OGG;codecs="opus"', True),
        ("audio/ogg; codecs=vorbis", False),
        ("audio/mpeg", False),
        ("audio/opus", False),
        ("", False),
    ],
)
def test_ogg_remains_a_voice_message(mime_type: str, expected: bool) -> None:
    assert is_voice(mime_type) is expected
    given = content_of("audio", {"id": "file-1"}, mime_type=mime_type)
    assert given == ({"id": "900", "voice": True} if expected else {"id": "900"})


def test_a_document_in_ogg_is_no_voice_message() -> None:
    assert content_of("document", {"id": "file-1"}, mime_type="audio/ogg") == {"id": "900"}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"latitude": -90, "longitude": 180.0}, {"latitude": -90, "longitude": 180.0}),
        ({"latitude": 0.0, "longitude": 0.0, "name": ""}, {"latitude": 0.0, "longitude": 0.0}),
        (
            {"latitude": 52.5, "longitude": 13.4, "name": "Berlin", "address": "Germany", "url": LINK},
            {"latitude": 52.5, "longitude": 13.4, "name": "Berlin", "address": "Germany"},
        ),
    ],
)
def test_location(given: dict, expected: dict) -> None:
    assert content_of("location", given) == expected


def test_contacts() -> None:
    card = {
        "name": {
            "formatted_name": "Dr. Ann B. Other Jr.",
            "first_name": "Ann",
            "last_name": "Other",
            "middle_name": "B.",
            "prefix": "Dr.",
            "suffix": "Jr.",
        },
        "birthday": "2000-02-29",
        "addresses": [
            {
                "street": "Main Street 1",
                "city": "Berlin",
                "state": "BE",
                "zip": "10115",
                "country": "Germany",
                "country_code": "de",
                "type": "HOME",
            }
        ],
        "emails": [{"email": "ann@example.com", "type": "WORK"}],
        "org": {"company": "Shop", "department": "Sales", "title": "Head"},
        "phones": [{"phone": "+49 151 12345678", "wa_id": "4915112345678", "type": "WORK"}],
        "urls": [{"url": "https://example.com", "type": "WORK"}],
    }
    assert content_of("contacts", [card, {**card, "ims": [{"user_id": "ann"}]}]) == [card, card]


def test_a_contact_without_a_name_part_repeats_its_formatted_name() -> None:
    assert content_of(
        "contacts", [{"name": {"formatted_name": "Ann Other"}, "emails": [], "org": {}, "phones": [{}]}]
    ) == [{"name": {"formatted_name": "Ann Other", "first_name": "Ann Other"}}]


HEADER = {"type": "header", "parameters": [{"type": "image", "image": {"id": "file-1"}}]}
NAMED = {"namespace": "shop", "name": "parcel", "language": {"policy": "deterministic", "code": "en_US"}}


def template(*components: dict) -> object:
    return content_of("template", {**NAMED, "components": list(components)})


def components(*given: dict) -> list:
    return template(*given)["components"]


def parameters(*given: dict) -> list:
    (component,) = components({"type": "body", "parameters": list(given)})
    return component["parameters"]


def test_a_template_has_neither_namespace_nor_policy() -> None:
    assert template() == {"name": "parcel", "language": {"code": "en_US"}}


def test_template() -> None:
    payload = stored(
        "template",
        {
            **NAMED,
            "components": [
                {"type": "header", "parameters": [{"type": "image", "image": {"id": "file-1", "caption": "x"}}]},
                {"type": "body", "parameters": [{"type": "text", "text": "Ada"}]},
                {
                    "type": "button",
                    "sub_type": "quick_reply",
                    "parameters": [{"type": "payload", "payload": "later"}],
                },
            ],
        },
    )
    assert translate(payload) == {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": "+15551234567",
        "type": "template",
        "template": {
            "name": "parcel",
            "language": {"code": "en_US"},
            "components": [
                {"type": "header", "parameters": [{"type": "image", "image": {"id": "900"}}]},
                {"type": "body", "parameters": [{"type": "text", "text": "Ada"}]},
                {
                    "type": "button",
                    "sub_type": "quick_reply",
                    "index": "0",
                    "parameters": [{"type": "payload", "payload": "later"}],
                },
            ],
        },
        "biz_opaque_callback_data": "3:gBGGabc",
    }


CURRENCY = {"fallback_value": "€1", "code": "EUR", "amount_1000": 0}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"type": "text", "text": "Ada"}, {"type": "text", "text": "Ada"}),
        (
            {"type": "text", "text": "Ada", "parameter_name": "customer"},
            {"type": "text", "text": "Ada", "parameter_name": "customer"},
        ),
        ({"type": "text", "text": " two\nlines\t"}, {"type": "text", "text": " two\nlines\t"}),
        ({"type": "currency", "currency": CURRENCY}, {"type": "currency", "currency": CURRENCY}),
        (
            {"type": "date_time", "date_time": {"fallback_value": "May 1", "month": 5, "calendar": "GREGORIAN"}},
            {"type": "date_time", "date_time": {"fallback_value": "May 1"}},
        ),
        ({"type": "image", "image": {"id": "file-1"}}, {"type": "image", "image": {"id": "900"}}),
        ({"type": "video", "video": {"link": LINK}}, {"type": "video", "video": {"id": "900"}}),
        (
            {"type": "document", "document": {"id": "file-1", "filename": "bill.pdf", "caption": "x"}},
            {"type": "document", "document": {"id": "900", "filename": "bill.pdf"}},
        ),
        (
            {"type": "location", "location": {"latitude": 1.0, "longitude": 2.0, "name": "Shop", "address": "Road"}},
            {"type": "location", "location": {"latitude": 1.0, "longitude": 2.0, "name": "Shop", "address": "Road"}},
        ),
        (
            {"type": "product", "product": {"product_retailer_id": "p1", "catalog_id": "c1"}},
            {"type": "product", "product": {"product_retailer_id": "p1", "catalog_id": "c1"}},
        ),
        ({"type": "payload", "payload": " yes "}, {"type": "payload", "payload": "yes"}),
        ({"type": "coupon_code", "coupon_code": " SAVE25"}, {"type": "coupon_code", "coupon_code": "SAVE25"}),
        (
            {"type": "action", "action": {"thumbnail_product_retailer_id": " p1 ", "x": 1}},
            {"type": "action", "action": {"thumbnail_product_retailer_id": "p1"}},
        ),
        (
            {
                "type": "action",
                "action": {
                    "thumbnail_product_retailer_id": "p1",
                    "sections": [{"title": " New ", "product_items": [{"product_retailer_id": "p1 "}]}],
                },
            },
            {
                "type": "action",
                "action": {
                    "thumbnail_product_retailer_id": "p1",
                    "sections": [{"title": "New", "product_items": [{"product_retailer_id": "p1"}]}],
                },
            },
        ),
        (
            {"type": "action", "action": {"flow_token": "t", "flow_action_data": {"any": {"thing": [1, None]}}}},
            {"type": "action", "action": {"flow_token": "t", "flow_action_data": {"any": {"thing": [1, None]}}}},
        ),
        (
            {"type": "limited_time_offer", "limited_time_offer": {"expiration_time_ms": 1790000000000}},
            {"type": "limited_time_offer", "limited_time_offer": {"expiration_time_ms": 1790000000000}},
        ),
        ({"type": "text", "text": "Ada", "payload": "x", "currency": CURRENCY}, {"type": "text", "text": "Ada"}),
        (
            {"type": "payload", "payload": "yes", "parameter_name": "x"},
            {"type": "payload", "payload": "yes"},
        ),
    ],
)
def test_template_parameter(given: dict, expected: dict) -> None:
    assert parameters(given) == [expected]


PARAMETERS = test_template_parameter.pytestmark[0].args[1]


def test_every_parameter_type_has_a_test() -> None:
    assert {given["type"] for given, _expected in PARAMETERS} == messages.PARAMETERS.keys()


@pytest.mark.parametrize(("given", "expected"), PARAMETERS[2:])
def test_a_parameter_has_the_field_of_its_own_type_only(given: dict, expected: dict) -> None:
    others = {
        name: value for other, _expected in PARAMETERS for name, value in other.items() if name != "parameter_name"
    }
    assert parameters({**others, **given}) == [expected]


@pytest.mark.parametrize(
    "given",
    [
        {"type": "order_status", "order_status": {}},
        {"type": "action", "action": {"unknown": 1}},
        {"type": "payload", "payload": "  "},
    ],
)
def test_a_parameter_without_a_counterpart_is_refused(given: dict) -> None:
    button = {"type": "button", "sub_type": "quick_reply", "parameters": [given]}
    assert refusal_of("template", {**NAMED, "components": [button]})["code"] == 1009


def button(sub_type: str, *given: dict, **more: object) -> dict:
    return {"type": "button", "sub_type": sub_type, "parameters": list(given), **more}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (
            button("quick_reply", {"type": "payload", "payload": "x"}),
            {
                "type": "button",
                "sub_type": "quick_reply",
                "index": "0",
                "parameters": [{"type": "payload", "payload": "x"}],
            },
        ),
        (
            button("URL", {"type": "text", "text": "x"}, index=3),
            {"type": "button", "sub_type": "url", "index": "3", "parameters": [{"type": "text", "text": "x"}]},
        ),
        (
            button("COPY_CODE", {"type": "coupon_code", "coupon_code": "S"}, index="1"),
            {
                "type": "button",
                "sub_type": "copy_code",
                "index": "1",
                "parameters": [{"type": "coupon_code", "coupon_code": "S"}],
            },
        ),
        (
            button("catalog", {"type": "action", "action": {"thumbnail_product_retailer_id": "p"}}),
            {
                "type": "button",
                "sub_type": "catalog",
                "index": "0",
                "parameters": [{"type": "action", "action": {"thumbnail_product_retailer_id": "p"}}],
            },
        ),
        (
            button("mpm", {"type": "action", "action": {"thumbnail_product_retailer_id": "p"}}, index=0),
            {
                "type": "button",
                "sub_type": "mpm",
                "index": "0",
                "parameters": [{"type": "action", "action": {"thumbnail_product_retailer_id": "p"}}],
            },
        ),
        (
            button("flow", {"type": "action", "action": {"flow_token": "t"}}),
            {
                "type": "button",
                "sub_type": "flow",
                "index": "0",
                "parameters": [{"type": "action", "action": {"flow_token": "t"}}],
            },
        ),
    ],
)
def test_template_button(given: dict, expected: dict) -> None:
    assert components(given) == [expected]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([None, None], ["0", "1"]),
        ([1, None], ["1", "0"]),
        ([None, "0", None], ["1", "0", "2"]),
        (["5", 0], ["5", "0"]),
        ([None] * 10, [str(number) for number in range(10)]),
    ],
)
def test_a_button_without_an_index_gets_the_lowest_free_position(given: list, expected: list) -> None:
    payload = {"type": "payload", "payload": "x"}
    buttons = [button("quick_reply", payload, **({} if index is None else {"index": index})) for index in given]
    assert [component["index"] for component in components({"type": "body"}, *buttons)] == expected


def test_a_button_without_parameters_is_left_out_and_keeps_its_position() -> None:
    suffix = {"type": "text", "text": "x"}
    assert components(button("quick_reply"), button("url", suffix)) == [
        {"type": "button", "sub_type": "url", "index": "1", "parameters": [suffix]}
    ]
    assert template(button("quick_reply")) == {"name": "parcel", "language": {"code": "en_US"}}


def test_a_carousel_has_no_parameters() -> None:
    card = {"card_index": 0, "components": [HEADER]}
    stray = {"type": "image", "image": {"id": "stray"}}
    assert components({"type": "carousel", "cards": [card], "parameters": [stray]}) == [
        {
            "type": "carousel",
            "cards": [
                {
                    "card_index": 0,
                    "components": [{"type": "header", "parameters": [{"type": "image", "image": {"id": "900"}}]}],
                }
            ],
        }
    ]


def test_the_eleventh_button_is_refused() -> None:
    assert refusal_of("template", {**NAMED, "components": [button("quick_reply")] * 11})["code"] == 1009


@pytest.mark.parametrize("kind", ["header", "body", "footer", "limited_time_offer"])
def test_a_component_without_parameters_is_left_out(kind: str) -> None:
    assert template({"type": kind, "parameters": [], "index": 0, "sub_type": "url"}) == {
        "name": "parcel",
        "language": {"code": "en_US"},
    }


def test_only_a_button_has_a_sub_type_and_an_index() -> None:
    text = {"type": "text", "text": "x"}
    assert components({"type": "body", "parameters": [text], "index": 0, "sub_type": "url"}) == [
        {"type": "body", "parameters": [text]}
    ]


def test_a_footer_with_parameters_is_refused() -> None:
    footer = {"type": "footer", "parameters": [{"type": "text", "text": "x"}]}
    assert refusal_of("template", {**NAMED, "components": [footer]})["code"] == 1010


def test_carousel() -> None:
    image = {"type": "header", "parameters": [{"type": "image", "image": {"id": "file-1"}}]}
    other = {"type": "header", "parameters": [{"type": "image", "image": {"link": LINK}}]}
    reply = button("quick_reply", {"type": "payload", "payload": "x"})
    cards = [{"card_index": 0, "components": [image, reply, reply]}, {"card_index": 1, "components": [other, reply]}]
    first, second = ({**reply, "index": "0"}, {**reply, "index": "1"})
    assert components({"type": "carousel", "cards": cards}) == [
        {
            "type": "carousel",
            "cards": [
                {
                    "card_index": 0,
                    "components": [
                        {"type": "header", "parameters": [{"type": "image", "image": {"id": "900"}}]},
                        first,
                        second,
                    ],
                },
                {
                    "card_index": 1,
                    "components": [
                        {"type": "header", "parameters": [{"type": "image", "image": {"id": "901"}}]},
                        first,
                    ],
                },
            ],
        }
    ]


def test_limited_time_offer() -> None:
    offer = {"type": "limited_time_offer", "limited_time_offer": {"expiration_time_ms": 1790000000000}}
    component = {"type": "limited_time_offer", "parameters": [offer]}
    assert components(component) == [component]


def test_hsm_becomes_a_template() -> None:
    payload = stored(
        "hsm",
        {
            "namespace": "shop",
            "element_name": "hello",
            "language": {"policy": "fallback", "code": "de"},
            "localizable_params": [
                {"default": "Ada"},
                {"default": "10 €", "currency": {"currency_code": "EUR", "amount_1000": 10000}},
                {"default": "May 1", "date_time": {"component": {"month": 5, "day_of_month": 1}}},
                {"default": "May 2", "date_time": {"unix_epoch": {"timestamp": 1485470276}}},
            ],
        },
    )
    assert translate(payload) == {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": "+15551234567",
        "type": "template",
        "template": {
            "name": "hello",
            "language": {"code": "de"},
            "components": [
                {
                    "type": "body",
                    "parameters": [
                        {"type": "text", "text": "Ada"},
                        {
                            "type": "currency",
                            "currency": {"fallback_value": "10 €", "code": "EUR", "amount_1000": 10000},
                        },
                        {"type": "date_time", "date_time": {"fallback_value": "May 1"}},
                        {"type": "date_time", "date_time": {"fallback_value": "May 2"}},
                    ],
                }
            ],
        },
        "biz_opaque_callback_data": "3:gBGGabc",
    }


def test_an_hsm_without_parameters_has_no_components() -> None:
    given = {"namespace": "shop", "element_name": "hello", "language": {"code": "de"}}
    assert content_of("hsm", given) == {"name": "hello", "language": {"code": "de"}}


def reply_button(name: str, title: str) -> dict:
    return {"type": "reply", "reply": {"id": name, "title": title}}


def test_reply_buttons() -> None:
    given = {
        "type": "button",
        "header": {"type": "text", "text": " Shop ", "image": {"id": "stray"}},
        "body": {"text": " Choose "},
        "footer": {"text": "Thanks"},
        "action": {
            "buttons": [reply_button(" yes", "Yes "), reply_button("no", "No")],
            "catalog_id": "stray",
        },
        "unknown": 1,
    }
    assert content_of("interactive", given) == {
        "type": "button",
        "header": {"type": "text", "text": " Shop "},
        "body": {"text": " Choose "},
        "footer": {"text": "Thanks"},
        "action": {"buttons": [reply_button("yes", "Yes"), reply_button("no", "No")]},
    }


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"type": "text", "text": "Shop"}, {"type": "text", "text": "Shop"}),
        ({"type": "image", "image": {"id": "file-1", "caption": "x"}}, {"type": "image", "image": {"id": "900"}}),
        ({"type": "video", "video": {"link": LINK}}, {"type": "video", "video": {"id": "900"}}),
        (
            {"type": "document", "document": {"link": LINK, "provider": {"name": "store"}, "filename": "a.pdf"}},
            {"type": "document", "document": {"id": "900", "filename": "a.pdf"}},
        ),
    ],
)
def test_header(given: dict, expected: dict) -> None:
    action = {"buttons": [reply_button("yes", "Yes")]}
    others = {"text": "stray", **{kind: {"id": "stray"} for kind in ("image", "video", "document")}}
    interactive = {"type": "button", "header": {**others, **given}, "body": {"text": "Choose"}, "action": action}
    assert content_of("interactive", interactive)["header"] == expected


def test_list() -> None:
    given = {
        "type": "list",
        "body": {"text": "When?"},
        "action": {
            "button": " Times ",
            "sections": [
                {
                    "title": " Today ",
                    "rows": [{"id": " t1 ", "title": " 9 to 12 ", "description": " a.m. "}],
                    "product_items": [{"product_retailer_id": "stray"}],
                },
                {"title": "Tomorrow", "rows": [{"id": "t2", "title": "9 to 12", "description": "  "}]},
            ],
        },
    }
    assert content_of("interactive", given) == {
        "type": "list",
        "body": {"text": "When?"},
        "action": {
            "button": "Times",
            "sections": [
                {"title": "Today", "rows": [{"id": "t1", "title": "9 to 12", "description": "a.m."}]},
                {"title": "Tomorrow", "rows": [{"id": "t2", "title": "9 to 12"}]},
            ],
        },
    }


def test_product() -> None:
    given = {
        "type": "product",
        "header": {"type": "text", "text": "stray"},
        "body": {"text": "New"},
        "footer": {"text": "Thanks"},
        "action": {"catalog_id": " c ", "product_retailer_id": "p "},
    }
    assert content_of("interactive", given) == {
        "type": "product",
        "body": {"text": "New"},
        "footer": {"text": "Thanks"},
        "action": {"catalog_id": "c", "product_retailer_id": "p"},
    }


def test_product_list() -> None:
    given = {
        "type": "product_list",
        "header": {"type": "text", "text": "New"},
        "body": {"text": "Choose"},
        "action": {
            "catalog_id": "c",
            "sections": [
                {"title": "A ", "product_items": [{"product_retailer_id": "p1"}, {"product_retailer_id": " p2"}]}
            ],
        },
    }
    assert content_of("interactive", given) == {
        "type": "product_list",
        "header": {"type": "text", "text": "New"},
        "body": {"text": "Choose"},
        "action": {
            "catalog_id": "c",
            "sections": [
                {"title": "A", "product_items": [{"product_retailer_id": "p1"}, {"product_retailer_id": "p2"}]}
            ],
        },
    }


def buttons(*pairs: tuple[str, str]) -> dict:
    action = {"buttons": [reply_button(*pair) for pair in pairs]}
    return {"type": "button", "body": {"text": "Choose"}, "action": action}


def rows(*pairs: tuple[str, str], button: str = "Open", title: str | None = None) -> dict:
    sections = [{"title": title or f"Section {name}", "rows": [{"id": name, "title": text}]} for name, text in pairs]
    return {"type": "list", "body": {"text": "Choose"}, "action": {"button": button, "sections": sections}}


@pytest.mark.parametrize(
    "given",
    [
        buttons((" ", "Yes")),
        buttons(("yes", " ")),
        buttons(("yes", "Yes"), ("yes ", "No")),
        buttons(("yes", "Yes"), ("no", " Yes")),
        rows(("a", " ")),
        rows((" ", "A")),
        rows(("a", "A"), button=" "),
        rows(("a", "A"), (" a", "B")),
        rows(("a", "A"), ("b", "B"), title=" "),
        {"type": "product", "action": {"catalog_id": " ", "product_retailer_id": "p"}},
    ],
)
def test_texts_that_are_valid_only_because_of_blanks_are_refused(given: dict) -> None:
    assert refusal_of("interactive", given)["code"] == 1009


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (stored("reaction", {"message_id": "x", "emoji": "x"}), 501),
        (stored("interactive", {"type": "flow", "action": {}}), 501),
        (stored("interactive", {}), 501),
        (stored("interactive", None), 501),
        ({**stored("text", {"body": "x"}), "recipient_type": "group"}, 1002),
        (stored("text", {}), 1008),
        (stored("text", None), 1008),
        (stored("contacts", []), 1008),
    ],
)
def test_a_message_without_a_counterpart_is_refused(payload: dict, code: int) -> None:
    with pytest.raises(Untranslatable) as refused:
        to_cloud(payload, callback_data=CORRELATION, media={}, quoted=None)
    (error,) = refused.value.errors
    assert error["code"] == code
    assert error["details"]
    assert media_references(payload) == []


def test_media_references_are_in_document_order() -> None:
    header = {"type": "header", "parameters": [{"type": "document", "document": {"id": "a", "filename": "a.pdf"}}]}
    card = {"type": "header", "parameters": [{"type": "video", "video": {"link": LINK}}]}
    carousel = {"type": "carousel", "cards": [{"card_index": 0, "components": [card]}]}
    assert media_references(stored("template", {**NAMED, "components": [header, carousel]})) == [
        MediaReference("document", "a", None, None, "a.pdf"),
        MediaReference("video", None, LINK, None, None),
    ]


def test_a_file_that_the_type_does_not_name_is_no_reference() -> None:
    text = {"type": "text", "text": "x", "image": {"id": "stray"}}
    body = {"type": "body", "parameters": [text], "cards": [{"card_index": 0, "components": [HEADER]}]}
    assert media_references(stored("template", {**NAMED, "components": [body]})) == []
    assert components(body) == [{"type": "body", "parameters": [{"type": "text", "text": "x"}]}]


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (stored("text", {"body": "x"}), []),
        (stored("sticker", {"id": "s"}), [MediaReference("sticker", "s", None, None, None)]),
        (
            stored("image", {"link": LINK, "provider": {"name": "store"}, "caption": "x"}),
            [MediaReference("image", None, LINK, "store", None)],
        ),
        (
            stored("interactive", {**buttons(("y", "Y")), "header": {"type": "image", "image": {"id": "i"}}}),
            [MediaReference("image", "i", None, None, None)],
        ),
    ],
)
def test_media_references(payload: dict, expected: list) -> None:
    assert media_references(payload) == expected


def test_every_row_names_known_sources_and_shapes() -> None:
    rules = [*messages.ENVELOPE.values(), *messages.MESSAGES.values(), *messages.SHAPES.values()]
    assert {source for rule in rules for source in rule.source.split()} <= SOURCES.keys()
    fields = [field for shape in messages.SHAPES.values() for field in shape.fields]
    fields += [rule.field for rule in messages.MESSAGES.values()]
    assert {field.shape for field in fields if field.shape} <= messages.SHAPES.keys()
    assert all(field.shape for field in fields if field.rule is Rule.FILE)
