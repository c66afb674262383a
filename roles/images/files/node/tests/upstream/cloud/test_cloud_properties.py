"""Properties of the translation, over generated messages and webhooks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from accepted_messages import KINDS, accepted_messages, stored
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.webapp.message_support import CONTENTS, message
from waba_node.rehearsal.errors import GraphError
from waba_node.rehearsal.validation import read_message
from waba_node.upstream.cloud.translation.errors import TITLES, Untranslatable, Verdict, onprem_error, verdict
from waba_node.upstream.cloud.translation.messages import media_references, to_cloud
from waba_node.upstream.cloud.translation.webhooks import Update, identity, referenced_wamids, to_events, updates

FILE = {"id", "link"}
# The properties that Meta documents, written by hand: name -> the properties of the object or objects in it, None for a value, ANY for any JSON.
ANY: dict = {"*": None}
MEDIA = dict.fromkeys(FILE)
SENTENCE = {"text": None}
PRODUCTS = {"title": None, "product_items": {"product_retailer_id": None}}
PARAMETER: dict = {
    "type": None,
    "text": None,
    "parameter_name": None,
    "payload": None,
    "coupon_code": None,
    "currency": dict.fromkeys(("fallback_value", "code", "amount_1000")),
    "date_time": {"fallback_value": None},
    "image": MEDIA,
    "video": MEDIA,
    "document": {**MEDIA, "filename": None},
    "location": dict.fromkeys(("latitude", "longitude", "name", "address")),
    "product": dict.fromkeys(("product_retailer_id", "catalog_id")),
    "action": {
        "thumbnail_product_retailer_id": None,
        "sections": PRODUCTS,
        "flow_token": None,
        "flow_action_data": ANY,
    },
    "limited_time_offer": {"expiration_time_ms": None},
}
COMPONENT: dict = {"type": None, "sub_type": None, "index": None, "parameters": PARAMETER}
BODY: dict = {
    "messaging_product": None,
    "recipient_type": None,
    "to": None,
    "recipient": None,
    "type": None,
    "context": {"message_id": None},
    "biz_opaque_callback_data": None,
    "text": {"body": None, "preview_url": None},
    "image": {**MEDIA, "caption": None},
    "video": {**MEDIA, "caption": None},
    "audio": {**MEDIA, "voice": None},
    "document": {**MEDIA, "caption": None, "filename": None},
    "sticker": MEDIA,
    "location": dict.fromkeys(("latitude", "longitude", "name", "address")),
    "contacts": {
        "name": dict.fromkeys(
            ("formatted_name", "first_name", "last_name", "middle_name", "prefix", "suffix"),
        ),
        "birthday": None,
        "addresses": dict.fromkeys(("street", "city", "state", "zip", "country", "country_code", "type")),
        "emails": dict.fromkeys(("email", "type")),
        "org": dict.fromkeys(("company", "department", "title")),
        "phones": dict.fromkeys(("phone", "type", "wa_id")),
        "urls": dict.fromkeys(("url", "type")),
    },
    "template": {
        "name": None,
        "language": {"code": None},
        "components": {**COMPONENT, "cards": {"card_index": None, "components": COMPONENT}},
    },
    "interactive": {
        "type": None,
        "header": {"type": None, "text": None, "image": MEDIA, "video": MEDIA, "document": {**MEDIA, "filename": None}},
        "body": SENTENCE,
        "footer": SENTENCE,
        "action": {
            "button": None,
            "buttons": {"type": None, "reply": dict.fromkeys(("id", "title"))},
            "sections": {**PRODUCTS, "rows": dict.fromkeys(("id", "title", "description"))},
            "catalog_id": None,
            "product_retailer_id": None,
        },
    },
}


def violations(value: Any, known: dict | None, path: str = "") -> Iterator[str]:
    """Yield the parts of a body that the Cloud API refuses: unknown properties, and values that are empty or of the wrong kind."""
    if known is ANY:
        return
    if value in (None, "", [], {}):
        yield f"{path} is empty"
    elif isinstance(value, dict):
        if known is None:
            yield f"{path} is an object"
            return
        for name, entry in value.items():
            if name not in known:
                yield f"{path}.{name} is unknown"
            else:
                yield from violations(entry, known[name], f"{path}.{name}")
    elif isinstance(value, list):
        for entry in value:
            yield from violations(entry, known, f"{path}[]")
    elif known is not None:
        yield f"{path} is no object"


def texts(value: Any) -> Iterator[str]:
    for entry in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        if isinstance(entry, str):
            yield entry
        yield from texts(entry)


def buttons(template: dict) -> Iterator[list[dict]]:
    """Yield the buttons of a template and of each of its cards."""
    components = template.get("components", [])
    yield [component for component in components if component["type"] == "button"]
    for component in components:
        for card in component.get("cards", []):
            yield from buttons(card)


def assert_valid(payload: dict) -> bool:
    """Return whether a message has a counterpart. The Cloud API has no reason to refuse it."""
    files = media_references(payload)
    media = {file: {"id": "9", "mime_type": "audio/ogg; codecs=opus"} for file in files}
    before = json.dumps(payload)
    try:
        body = to_cloud(payload, callback_data="3:gBGGone", media=media, quoted="wamid.X")
    except Untranslatable as refusal:
        refused = refusal.errors
        body = {}
    if not body:
        assert all(error["code"] in TITLES and error["details"] for error in refused)
        return False
    assert json.dumps(payload) == before
    assert list(violations(body, BODY)) == []
    assert len({"to", "recipient"} & body.keys()) == 1
    assert [name for name in BODY if name in body and name in CONTENT_TYPES] == [body["type"]]
    assert json.dumps(body).count('"id": "9"') == len(files)
    if body["type"] == "interactive":
        action = body["interactive"]["action"]
        assert all(text and text == text.strip() for text in texts(action))
        replies = [button["reply"] for button in action.get("buttons", [])]
        assert len({reply["id"] for reply in replies}) == len(replies)
    if body["type"] == "template":
        for group in buttons(body["template"]):
            assert all(button["index"] in set("0123456789") for button in group)
            assert all(button["sub_type"] == button["sub_type"].lower() for button in group)
    assert refusal_of(body) in CHOSEN_BY_THE_CLIENT
    return True


def refusal_of(body: dict) -> int:
    """Return the code with which the stand-in refuses a body, 0 for an accepted one."""
    try:
        read_message(body)
    except GraphError as error:
        return error.code
    return 0


# Accepted; a card without components; a value of the wrong kind; a parameter with a line break.
CHOSEN_BY_THE_CLIENT = (0, 131008, 131009, 132018)
CONTENT_TYPES = (
    BODY.keys()
    - {"messaging_product", "recipient_type", "to", "recipient", "type", "context"}
    - {"biz_opaque_callback_data"}
)


@pytest.mark.parametrize("kind", KINDS)
def test_an_accepted_message_has_known_properties_only(kind: str) -> None:
    translated = [assert_valid(payload) for payload in accepted_messages(kind, 200)]
    assert translated.count(True) > 50


@pytest.mark.parametrize(("kind", "content"), CONTENTS)
def test_an_example_has_known_properties_only(kind: str, content: object) -> None:
    payload = stored(message(kind, content))
    assert assert_valid(payload)
    media = {file: {"id": "9"} for file in media_references(payload)}
    assert to_cloud(payload, callback_data="1:x", media=media, quoted=None)["to"] == "+4915112345678"


NAMES_OF_FIELDS = """
    object entry changes value field metadata phone_number_id messages statuses contacts errors id from from_user_id
    timestamp type text body image audio voice mime_type sha256 interactive button_reply nfm_reply system wa_id
    user_id profile name username context referral order product_items reaction message_id unsupported group_id
    status recipient_id recipient_type pricing conversation origin category billable biz_opaque_callback_data code
    error_data details title href recipient_identity_key_hash identity_key_hash
"""
WORDS = """
    whatsapp_business_account messages 700 text image audio interactive button_reply system user_changed_number sent
    delivered read failed deleted reaction unsupported wamid.OUT1 15551234567 US.1 3:gBGGone 1790000000
"""
NAMES = st.sampled_from(NAMES_OF_FIELDS.split())
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.sampled_from(WORDS.split()),
    st.text(max_size=4),
)
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=6), max_leaves=20
)


def objects(**parts: st.SearchStrategy) -> st.SearchStrategy[dict]:
    """Return objects that are likely to have these parts, each sometimes replaced by any JSON."""
    return st.fixed_dictionaries({}, optional={name: st.one_of(part, part, part, JSON) for name, part in parts.items()})


RECEIVED = (
    "text",
    "image",
    "audio",
    "document",
    "interactive",
    "system",
    "order",
    "reaction",
    "contacts",
    "unsupported",
    "x",
)
MESSAGE = st.sampled_from(RECEIVED).flatmap(
    lambda kind: objects(
        id=st.just("wamid.IN1"),
        type=st.just(kind),
        timestamp=st.just("1790000000"),
        context=JSON,
        errors=JSON,
        referral=JSON,
        **{"from": st.just("15551234567"), kind: st.dictionaries(NAMES, JSON, max_size=4)},
    )
)
STATUS = objects(
    id=st.just("wamid.OUT1"),
    status=st.sampled_from(["sent", "delivered", "read", "failed", "played", "deleted"]),
    recipient_id=st.just("15551234567"),
    biz_opaque_callback_data=st.just("3:gBGGone"),
    errors=JSON,
    pricing=st.dictionaries(NAMES, JSON, max_size=4),
    conversation=st.dictionaries(NAMES, JSON, max_size=4),
)
VALUE = objects(
    messages=st.lists(MESSAGE, max_size=2),
    statuses=st.lists(STATUS, max_size=2),
    contacts=JSON,
    errors=st.lists(JSON, max_size=2),
).map(lambda value: {**value, "metadata": {"phone_number_id": "700"}})
WEBHOOK = st.lists(VALUE, max_size=2).map(
    lambda values: {
        "object": "whatsapp_business_account",
        "entry": [{"changes": [{"field": "messages", "value": value} for value in values]}],
    }
)


def assert_translated(body: object) -> list[Update]:
    """Split and translate a webhook. Updates and events can be stored as JSON, and name their message."""
    found, ignored = updates(body, "700")
    assert all(isinstance(line, str) for line in ignored)
    for update in found:
        stored = Update(**json.loads(json.dumps(vars(update), allow_nan=False)))
        assert stored == update
        assert all(isinstance(wamid, str) for wamid in referenced_wamids(stored))
        assert identity(stored) is None or len(identity(stored)) == 2
        for event in to_events(stored, {"wamid.OUT1": "gBGGone"}):
            assert event.kind in ("sent", "delivered", "read", "failed", "inbound")
            assert event.message_id
            json.dumps(event.payload, allow_nan=False, ensure_ascii=False).encode()
            for received in event.payload.get("messages", ()):
                assert received["from"]
                assert received["id"] == event.message_id
                content = received.get(received["type"])
                assert content or received["type"] == "unknown"
                assert received["type"] != "unknown" or received["errors"]
                if isinstance(content, dict) and "reference" in content:
                    assert content["mime_type"]
    return found


@given(st.one_of(JSON, WEBHOOK))
@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow])
def test_a_webhook_of_any_json_is_translated(body: object) -> None:
    assert_translated(body)


@given(
    st.sampled_from(["message", "status", "deletion", "error", "other"]),
    st.dictionaries(st.sampled_from(["message", "status", "deletion", "error", "contact"]), JSON),
)
def test_an_update_of_any_content_is_translated(kind: str, content: dict) -> None:
    update = Update(kind, "k", "15551234567", "wamid.OUT1", "3:gBGGone", content)
    referenced_wamids(update)
    identity(update)
    to_events(update, {})


def test_deeply_nested_json_is_translated() -> None:
    body: Any = []
    for _level in range(900):
        body = {"entry": [body]}
    assert_translated({"object": "whatsapp_business_account", **body})
    assert_translated(webhook_of({"context": body}))


def webhook_of(more: dict) -> dict:
    message = {"id": "wamid.IN1", "from": "1", "type": "text", "text": {"body": "x"}, **more}
    value = {"metadata": {"phone_number_id": "700"}, "messages": [message]}
    return {"object": "whatsapp_business_account", "entry": [{"changes": [{"field": "messages", "value": value}]}]}


@given(st.integers(0, 600), st.one_of(st.none(), st.dictionaries(NAMES, JSON, max_size=5)))
def test_any_answer_has_a_verdict_and_an_error(http_status: int, error: dict | None) -> None:
    assert isinstance(verdict(http_status, error), Verdict)
    reported = onprem_error(error or {})
    assert reported["title"] == TITLES[reported["code"]]
