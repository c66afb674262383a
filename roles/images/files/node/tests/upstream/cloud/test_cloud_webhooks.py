"""Webhooks of the Cloud API and their events. The expected values are written by hand."""

from __future__ import annotations

import json

import pytest
from waba_node.upstream.base import UpstreamEvent
from waba_node.upstream.cloud.translation import webhooks
from waba_node.upstream.cloud.translation.sources import SOURCES
from waba_node.upstream.cloud.translation.webhooks import (
    Update,
    correlation_id,
    hexadecimal,
    identity,
    parse_correlation_id,
    referenced_wamids,
    timestamp,
    to_events,
    updates,
)

NUMBER = "700000000000001"
METADATA = {"display_phone_number": "15559876543", "phone_number_id": NUMBER}
ADA = {"profile": {"name": "Ada"}, "wa_id": "15551234567", "user_id": "US.1234567890"}
EMPTY_BASE64 = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
EMPTY_HEX = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
SENT = {"wamid.OUT1": "gBGGone"}


def webhook(value: dict, field: str = "messages") -> dict:
    value = {"messaging_product": "whatsapp", "metadata": METADATA, **value}
    return {
        "object": "whatsapp_business_account",
        "entry": [{"id": "800000000000001", "changes": [{"value": value, "field": field}]}],
    }


def one_update(value: dict) -> Update:
    (update,), ignored = updates(webhook(value), NUMBER)
    assert ignored == []
    assert json.loads(json.dumps(update.content)) == update.content
    return update


def message_of(kind: str, content: object, **more: object) -> dict:
    return {"from": "15551234567", "id": "wamid.IN1", "timestamp": "1790000000", "type": kind, kind: content, **more}


def event_of(message: dict, *contacts: dict) -> UpstreamEvent:
    """Return the event of a message. contacts: ADA by default."""
    (event,) = to_events(one_update({"messages": [message], "contacts": list(contacts or (ADA,))}), SENT)
    return event


def onprem(message: dict) -> dict:
    """Return the on-premises message without the fields that all types share."""
    (result,) = event_of(message).payload["messages"]
    shared = {"from": "15551234567", "id": "wamid.IN1", "timestamp": "1790000000"}
    assert shared.items() <= result.items()
    return {name: value for name, value in result.items() if name not in shared}


def test_text() -> None:
    body = {
        "object": "whatsapp_business_account",
        "entry": [
            {
                "id": "800000000000001",
                "changes": [
                    {
                        "value": {
                            "messaging_product": "whatsapp",
                            "metadata": {"display_phone_number": "15559876543", "phone_number_id": "700000000000001"},
                            "contacts": [
                                {"profile": {"name": "Ada"}, "wa_id": "15551234567", "user_id": "US.1234567890"}
                            ],
                            "messages": [
                                {
                                    "from": "15551234567",
                                    "from_user_id": "US.1234567890",
                                    "id": "wamid.IN1",
                                    "timestamp": "1790000000",
                                    "type": "text",
                                    "text": {"body": "Hello"},
                                }
                            ],
                        },
                        "field": "messages",
                    }
                ],
            }
        ],
    }
    (update,), ignored = updates(body, "700000000000001")
    assert ignored == []
    assert (update.kind, update.key, update.user, update.wamid) == ("message", "wamid.IN1", "15551234567", "wamid.IN1")
    assert update.callback_data == ""
    assert to_events(update, {}) == [
        UpstreamEvent(
            "wamid.IN1",
            "inbound",
            1790000000,
            {
                "contacts": [{"profile": {"name": "Ada"}, "wa_id": "15551234567"}],
                "messages": [
                    {
                        "from": "15551234567",
                        "id": "wamid.IN1",
                        "timestamp": "1790000000",
                        "type": "text",
                        "text": {"body": "Hello"},
                    }
                ],
            },
        )
    ]


def test_a_user_without_a_phone_number_is_named_by_the_user_id() -> None:
    message = {
        "from_user_id": "US.1234567890",
        "id": "wamid.IN2",
        "timestamp": "1790000001",
        "type": "text",
        "text": {"body": "Hi"},
    }
    update = one_update(
        {
            "contacts": [{"profile": {"name": "Ada", "username": "@ada"}, "user_id": "US.1234567890"}],
            "messages": [message],
        }
    )
    assert update.user == "US.1234567890"
    (event,) = to_events(update, {})
    assert event.payload == {
        "contacts": [{"profile": {"name": "Ada"}, "wa_id": "US.1234567890"}],
        "messages": [
            {
                "from": "US.1234567890",
                "id": "wamid.IN2",
                "timestamp": "1790000001",
                "type": "text",
                "text": {"body": "Hi"},
            }
        ],
    }


@pytest.mark.parametrize(
    ("sender", "contact", "user"),
    [
        ({"from": "15551234567"}, ADA, "15551234567"),
        ({"from": "US.1234567890"}, {"user_id": "US.1234567890"}, "US.1234567890"),
        ({"from_user_id": "US.1234567890"}, ADA, "15551234567"),
        ({}, {"user_id": "US.1234567890"}, "US.1234567890"),
        ({"from": "+1 555 123-4567"}, ADA, "15551234567"),
        ({"from": f"US.ENT.{'a' * 128}"}, {}, f"US.ENT.{'a' * 128}"),
        ({"from": 15551234567}, {}, "15551234567"),
    ],
)
def test_the_user_of_a_message(sender: dict, contact: dict, user: str) -> None:
    message = {"id": "wamid.IN1", "type": "text", "text": {"body": "Hi"}, **sender}
    update = one_update({"contacts": [contact], "messages": [message]})
    assert update.user == user
    assert to_events(update, {})[0].payload["messages"][0]["from"] == user


def test_each_message_of_a_batch_has_its_own_contact() -> None:
    bob = {"profile": {"name": "Bob"}, "wa_id": "15557654321", "user_id": "US.2"}
    messages = [
        message_of("text", {"body": "1"}) | {"id": "wamid.1", "from": "15557654321"},
        message_of("text", {"body": "2"}) | {"id": "wamid.2"},
        message_of("text", {"body": "3"}) | {"id": "wamid.3", "from": "15550000000"},
    ]
    found, _ignored = updates(webhook({"contacts": [ADA, bob], "messages": messages}), NUMBER)
    assert [to_events(update, {})[0].payload.get("contacts") for update in found] == [
        [{"profile": {"name": "Bob"}, "wa_id": "15557654321"}],
        [{"profile": {"name": "Ada"}, "wa_id": "15551234567"}],
        None,
    ]


@pytest.mark.parametrize(
    ("contact", "expected"),
    [
        ({"wa_id": "15551234567"}, {"wa_id": "15551234567"}),
        (
            {"profile": {"username": "@ada"}, "wa_id": "15551234567"},
            {"profile": {"name": "@ada"}, "wa_id": "15551234567"},
        ),
        (
            {"profile": {"name": "Ada"}, "identity_key_hash": "DF2lS5v2W6x=", "parent_user_id": "US.ENT.1"},
            {"profile": {"name": "Ada"}, "wa_id": "15551234567"},
        ),
    ],
)
def test_contact(contact: dict, expected: dict) -> None:
    assert event_of(message_of("text", {"body": "Hi"}), contact).payload["contacts"] == [expected]


FILE = {"id": "900000000000002", "mime_type": "image/jpeg", "sha256": EMPTY_BASE64, "url": "https://lookaside.example"}
RECEIVED = {"reference": "900000000000002", "mime_type": "image/jpeg", "sha256": EMPTY_HEX}
OPUS = {**FILE, "mime_type": "audio/ogg; codecs=opus"}
RECEIVED_OPUS = {**RECEIVED, "mime_type": "audio/ogg; codecs=opus"}
REPLY = {"context": {"from": "15559876543", "id": "wamid.OUT1"}}
REPLY_TO_SENT = {"context": {"from": "15559876543", "id": "gBGGone"}}
CARD = {
    "name": {"formatted_name": "Ann Other", "first_name": "Ann"},
    "phones": [{"phone": "+1 555", "wa_id": "1555", "type": "HOME"}],
    "org": {"company": "Shop"},
}


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (message_of("text", {"body": "Hi", "unknown": 1}, unknown=2), {"type": "text", "text": {"body": "Hi"}}),
        (
            message_of("image", {**FILE, "caption": "A picture"}),
            {"type": "image", "image": {**RECEIVED, "caption": "A picture"}},
        ),
        (message_of("video", {**FILE, "caption": "A"}), {"type": "video", "video": {**RECEIVED, "caption": "A"}}),
        (message_of("audio", {**OPUS, "voice": True}), {"type": "voice", "voice": RECEIVED_OPUS}),
        (message_of("audio", {**OPUS, "voice": False}), {"type": "audio", "audio": RECEIVED_OPUS}),
        (message_of("audio", OPUS), {"type": "audio", "audio": RECEIVED_OPUS}),
        (
            message_of("document", {**FILE, "filename": "a.pdf", "caption": "Bill"}),
            {"type": "document", "document": {**RECEIVED, "filename": "a.pdf", "caption": "Bill"}},
        ),
        (message_of("sticker", {**FILE, "animated": True}), {"type": "sticker", "sticker": RECEIVED}),
        (
            message_of("location", {"latitude": 0, "longitude": 13.4, "name": "N", "address": "A", "url": "https://x"}),
            {
                "type": "location",
                "location": {"latitude": 0, "longitude": 13.4, "name": "N", "address": "A", "url": "https://x"},
            },
        ),
        (
            message_of("contacts", [{**CARD, "vcard": "BEGIN:VCARD", "origin": "other"}]),
            {"type": "contacts", "contacts": [CARD]},
        ),
        (
            message_of("button", {"payload": "later", "text": "Later"}, **REPLY),
            {"type": "button", "button": {"payload": "later", "text": "Later"}, **REPLY_TO_SENT},
        ),
        (
            message_of("interactive", {"type": "button_reply", "button_reply": {"id": "yes", "title": "Yes"}}, **REPLY),
            {
                "type": "interactive",
                "interactive": {"type": "button_reply", "button_reply": {"id": "yes", "title": "Yes"}},
                **REPLY_TO_SENT,
            },
        ),
        (
            message_of(
                "interactive",
                {"type": "list_reply", "list_reply": {"id": "t1", "title": "9 to 12", "description": "a.m."}},
            ),
            {
                "type": "interactive",
                "interactive": {
                    "type": "list_reply",
                    "list_reply": {"id": "t1", "title": "9 to 12", "description": "a.m."},
                },
            },
        ),
        (
            message_of(
                "interactive",
                {
                    "type": "nfm_reply",
                    "nfm_reply": {"name": "flow", "body": "Sent", "response_json": '{"flow_token":"t"}'},
                },
            ),
            {
                "type": "interactive",
                "interactive": {
                    "type": "nfm_reply",
                    "nfm_reply": {"name": "flow", "body": "Sent", "response_json": '{"flow_token":"t"}'},
                },
            },
        ),
        (
            message_of(
                "order",
                {
                    "catalog_id": "c",
                    "text": "Please",
                    "product_items": [
                        {"product_retailer_id": "p", "quantity": 2, "item_price": 0, "currency": "EUR", "x": 1}
                    ],
                },
            ),
            {
                "type": "order",
                "order": {
                    "catalog_id": "c",
                    "text": "Please",
                    "product_items": [{"product_retailer_id": "p", "quantity": 2, "item_price": 0, "currency": "EUR"}],
                },
            },
        ),
        (
            message_of("reaction", {"message_id": "wamid.OUT1", "emoji": "👍"}),
            {"type": "reaction", "reaction": {"message_id": "gBGGone", "emoji": "👍"}},
        ),
        (
            message_of("reaction", {"message_id": "wamid.IN0"}),
            {"type": "reaction", "reaction": {"message_id": "wamid.IN0"}},
        ),
        (
            message_of(
                "system",
                {
                    "body": "User Ada changed from 15551234567 to 15557654321",
                    "wa_id": "15557654321",
                    "type": "user_changed_number",
                },
            ),
            {
                "type": "system",
                "system": {
                    "type": "user_changed_number",
                    "body": "User Ada changed from 15551234567 to 15557654321",
                    "new_wa_id": "15557654321",
                },
            },
        ),
        (
            message_of("system", {"body": "b", "new_wa_id": "15557654321", "type": "customer_changed_number"}),
            {"type": "system", "system": {"type": "user_changed_number", "body": "b", "new_wa_id": "15557654321"}},
        ),
        (
            message_of("system", {"body": "b", "user_id": "US.2", "type": "user_changed_user_id"}),
            {"type": "system", "system": {"type": "user_changed_number", "body": "b", "new_wa_id": "US.2"}},
        ),
        (
            message_of("system", {"user_id": "US.2", "wa_id": "15557654321", "type": "user_changed_user_id"}),
            {"type": "system", "system": {"type": "user_changed_number", "new_wa_id": "15557654321"}},
        ),
        (
            message_of("system", {"body": "b", "identity": "h", "customer": "1", "type": "customer_identity_changed"}),
            {"type": "system", "system": {"type": "user_identity_changed", "body": "b", "identity": "h"}},
        ),
        (
            message_of("system", {"body": "b", "type": "user_identity_changed"}),
            {"type": "system", "system": {"type": "user_identity_changed", "body": "b"}},
        ),
        (
            message_of(
                "unsupported",
                {"type": "poll_creation"},
                errors=[
                    {
                        "code": 131051,
                        "title": "Message type unknown",
                        "message": "Message type unknown",
                        "error_data": {"details": "Message type is currently not supported."},
                    }
                ],
            ),
            {
                "type": "unknown",
                "errors": [
                    {
                        "code": 501,
                        "title": "Unknown message type",
                        "details": "Message type is currently not supported. (Cloud API error 131051), type poll_creation",
                    }
                ],
            },
        ),
        (
            message_of("unknown", None, errors=[{"code": 131060, "title": "This message is unavailable"}]),
            {
                "type": "unknown",
                "errors": [
                    {
                        "code": 501,
                        "title": "Unknown message type",
                        "details": "This message is unavailable (Cloud API error 131060)",
                    }
                ],
            },
        ),
    ],
)
def test_message(message: dict, expected: dict) -> None:
    assert onprem(message) == expected


def test_every_type_has_a_test() -> None:
    tested = [message for message, _expected in test_message.pytestmark[0].args[1]]
    translated = {kind for kind, rule in webhooks.INBOUND.items() if rule.onprem}
    assert translated == {message["type"] for message in tested}
    assert webhooks.REPLIES.keys() == {m["interactive"]["type"] for m in tested if m["type"] == "interactive"}
    assert webhooks.SYSTEM.keys() == {m["system"]["type"] for m in tested if m["type"] == "system"}


@pytest.mark.parametrize(
    "message",
    [
        message_of("call_permission_request", {}),
        message_of("interactive", {"type": "call_permission_reply", "call_permission_reply": {"response": "accept"}}),
        message_of("system", {"type": "user_changed_colour"}),
        message_of("system", {"type": "user_changed_number"}),
        message_of("text", None),
        message_of("", None),
    ],
)
def test_a_message_without_a_counterpart_is_unknown(message: dict) -> None:
    result = onprem(message)
    assert result["type"] == "unknown"
    assert [error["code"] for error in result["errors"]] == [501]
    assert message["type"] in result["errors"][0]["details"]


def test_a_file_that_is_too_large_is_reported_with_its_error() -> None:
    error = {"code": 131052, "title": "Media download error", "error_data": {"details": "Too large"}}
    message = {**message_of("video", None), "errors": [error]}
    assert onprem(message) == {
        "type": "unknown",
        "errors": [{"code": 400, "title": "Media download error", "details": "Too large (Cloud API error 131052)"}],
    }


def test_a_file_whose_id_or_type_is_too_long_is_reported_without_them() -> None:
    given = {"id": "9" * 1025, "mime_type": "image/" + "x" * 250, "caption": "A"}
    assert onprem(message_of("image", given)) == {
        "type": "image",
        "image": {"status": "undownloaded", "mime_type": "application/octet-stream", "caption": "A"},
    }


def test_a_file_without_an_id_is_reported_as_not_downloaded() -> None:
    assert onprem(message_of("image", {"caption": "A"})) == {
        "type": "image",
        "image": {"status": "undownloaded", "mime_type": "application/octet-stream", "caption": "A"},
    }


@pytest.mark.parametrize("kind", ["request_welcome", "edit", "revoke"])
def test_a_message_that_the_clients_cannot_know_is_dropped(kind: str) -> None:
    assert updates(webhook({"messages": [message_of(kind, {})]}), NUMBER) == ([], [])


def test_every_dropped_type_has_a_test() -> None:
    tested = set(test_a_message_that_the_clients_cannot_know_is_dropped.pytestmark[0].args[1])
    assert tested == {kind for kind, rule in webhooks.INBOUND.items() if not rule.onprem}


@pytest.mark.parametrize(
    ("context", "expected"),
    [
        ({"from": "15559876543", "id": "wamid.OUT1"}, {"from": "15559876543", "id": "gBGGone"}),
        ({"from": "15551234567", "id": "wamid.IN0"}, {"from": "15551234567", "id": "wamid.IN0"}),
        ({"forwarded": True, "unknown": 1}, {"forwarded": True}),
        ({"frequently_forwarded": True}, {"frequently_forwarded": True}),
        (
            {"referred_product": {"catalog_id": "c", "product_retailer_id": "p", "x": 1}},
            {"referred_product": {"catalog_id": "c", "product_retailer_id": "p"}},
        ),
    ],
)
def test_context(context: dict, expected: dict) -> None:
    assert onprem(message_of("text", {"body": "Hi"}, context=context))["context"] == expected


def test_referral() -> None:
    referral = {
        "source_url": "https://fb.me/x",
        "source_id": "1",
        "source_type": "ad",
        "headline": "Sale",
        "body": "Now",
        "media_type": "image",
        "image_url": "https://example.com/image",
        "ctwa_clid": "x",
        "welcome_message": {"text": "Hi"},
    }
    assert onprem(message_of("text", {"body": "Hi"}, referral=referral))["referral"] == {
        "source_url": "https://fb.me/x",
        "source_id": "1",
        "source_type": "ad",
        "headline": "Sale",
        "body": "Now",
    }


def status_of(kind: str = "sent", **more: object) -> dict:
    return {
        "id": "wamid.OUT1",
        "status": kind,
        "timestamp": "1790000004",
        "recipient_id": "15551234567",
        "recipient_user_id": "US.1234567890",
        "biz_opaque_callback_data": "3:gBGGone",
        **more,
    }


def status_events(status: dict, message_ids: dict | None = None) -> list[UpstreamEvent]:
    return to_events(one_update({"statuses": [status]}), message_ids or {})


def test_status() -> None:
    pricing = {"billable": True, "pricing_model": "PMP", "type": "regular", "category": "utility"}
    update = one_update({"contacts": [ADA], "statuses": [status_of(pricing=pricing)]})
    assert (update.kind, update.key, update.user) == ("status", "wamid.OUT1/sent", "15551234567")
    assert (update.wamid, update.callback_data) == ("wamid.OUT1", "3:gBGGone")
    assert to_events(update, {}) == [
        UpstreamEvent(
            "gBGGone",
            "sent",
            1790000004,
            {"pricing": {"billable": True, "pricing_model": "CBP", "category": "utility"}},
        )
    ]


@pytest.mark.parametrize("kind", ["sent", "delivered", "read"])
def test_progress(kind: str) -> None:
    assert status_events(status_of(kind)) == [UpstreamEvent("gBGGone", kind, 1790000004, {})]


def test_failed() -> None:
    error = {
        "code": 131026,
        "title": "Message undeliverable",
        "message": "Message undeliverable",
        "error_data": {"details": "Unable to deliver"},
        "href": "https://example.com/",
    }
    assert status_events(status_of("failed", errors=[error])) == [
        UpstreamEvent(
            "gBGGone",
            "failed",
            1790000004,
            {
                "errors": [
                    {
                        "code": 1026,
                        "title": "Receiver incapable",
                        "details": "Unable to deliver (Cloud API error 131026)",
                        "href": "https://example.com/",
                    }
                ]
            },
        )
    ]


@pytest.mark.parametrize("errors", [None, [], "x", [1]])
def test_a_failure_without_errors_has_a_generic_one(errors: object) -> None:
    (event,) = status_events(status_of("failed", errors=errors))
    assert event.payload == {"errors": [{"code": 500, "title": "Generic error"}]}


def test_played_has_no_counterpart() -> None:
    assert updates(webhook({"statuses": [status_of("played")]}), NUMBER) == ([], [])


def test_an_unknown_status_is_logged() -> None:
    found, ignored = updates(webhook({"statuses": [status_of("melted"), status_of("read")]}), NUMBER)
    assert [update.key for update in found] == ["wamid.OUT1/read"]
    assert ignored == ["a status 'melted' is ignored: 'wamid.OUT1'"]


def test_deleted_is_a_webhook() -> None:
    status = {"id": "wamid.IN9", "recipient_id": "15551234567", "status": "deleted", "timestamp": "1790000008"}
    update = one_update({"statuses": [{**status, "type": "message"}]})
    assert (update.kind, update.user, update.wamid) == ("deletion", "15551234567", "wamid.IN9")
    assert referenced_wamids(update) == {"wamid.IN9"}
    assert to_events(update, {}) == [UpstreamEvent("wamid.IN9", "inbound", 1790000008, {"statuses": [status]})]


def test_every_status_has_a_test() -> None:
    assert webhooks.STATUSES.keys() == {"sent", "delivered", "read", "failed", "played", "deleted"}


@pytest.mark.parametrize(
    ("callback_data", "message_ids", "expected"),
    [
        ("3:gBGGone", {}, ["gBGGone"]),
        ("3:gBGGone", {"wamid.OUT1": "gBGGone"}, ["gBGGone"]),
        ("", {"wamid.OUT1": "gBGGone"}, ["gBGGone"]),
        ("of another application", {"wamid.OUT1": "gBGGone"}, ["gBGGone"]),
        ("of another application", {}, []),
        ("", {}, []),
        ("", {"wamid.OUT2": "gBGGtwo"}, []),
    ],
)
def test_the_message_of_a_status(callback_data: str, message_ids: dict, expected: list) -> None:
    events = status_events(status_of(biz_opaque_callback_data=callback_data), message_ids)
    assert [event.message_id for event in events] == expected


def test_a_status_without_callback_data_and_phone_number() -> None:
    status = {"id": "wamid.OUT1", "status": "read", "timestamp": "1790000005", "recipient_user_id": "US.1"}
    update = one_update({"statuses": [status]})
    assert (update.user, update.callback_data) == ("US.1", "")
    assert to_events(update, SENT) == [UpstreamEvent("gBGGone", "read", 1790000005, {})]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (
            {"billable": False, "pricing_model": "CBP", "category": "authentication-international"},
            {"billable": False, "pricing_model": "CBP", "category": "authentication"},
        ),
        (
            {"pricing_model": "PMP", "category": "marketing_lite", "type": "regular"},
            {"pricing_model": "CBP", "category": "marketing", "billable": True},
        ),
        (
            {"pricing_model": "NBP", "category": "business_initiated", "type": "free_entry_point"},
            {"pricing_model": "NBP", "category": "business_initiated", "billable": False},
        ),
        ({"pricing_model": "NEW", "category": "new"}, {"pricing_model": "NEW", "category": "new"}),
    ],
)
def test_pricing(given: dict, expected: dict) -> None:
    (event,) = status_events(status_of(pricing=given))
    assert event.payload == {"pricing": expected}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (
            {
                "id": "c1",
                "expiration_timestamp": 1790086400,
                "origin": {"type": "authentication_international", "x": 1},
            },
            {"id": "c1", "expiration_timestamp": "1790086400", "origin": {"type": "authentication"}},
        ),
        (
            {"id": "c1", "origin": {"type": "referral_conversion"}},
            {"id": "c1", "origin": {"type": "referral_conversion"}},
        ),
        ({"id": "c1", "origin": "x"}, {"id": "c1"}),
    ],
)
def test_conversation(given: dict, expected: dict) -> None:
    (event,) = status_events(status_of(conversation=given))
    assert event.payload == {"conversation": expected}


def test_value_errors_become_top_level_errors() -> None:
    error = {
        "code": 130429,
        "title": "Rate limit hit",
        "message": "Rate limit hit",
        "error_data": {"details": "Too many requests"},
        "href": "/docs/x",
    }
    update = one_update({"errors": [error]})
    assert (update.kind, update.user, update.wamid) == ("error", "", "")
    assert update == one_update({"errors": [dict(reversed(error.items()))]})
    (event,) = to_events(update, {})
    assert (event.kind, event.payload) == (
        "inbound",
        {"errors": [{"code": 429, "title": "Rate limit hit", "details": "Too many requests (Cloud API error 130429)"}]},
    )
    assert len(event.message_id) <= 128


def test_one_webhook_can_carry_many_updates() -> None:
    body = webhook(
        {
            "contacts": [ADA],
            "messages": [message_of("text", {"body": "1"}), message_of("text", {"body": "2"}) | {"id": "wamid.IN2"}],
            "statuses": [status_of("read"), status_of("delivered"), status_of("sent", id="wamid.FOREIGN")],
            "errors": [{"code": 1}],
        }
    )
    body["entry"] = [body["entry"][0], *webhook({"statuses": [status_of("failed", id="wamid.OUT3")]})["entry"]]
    found, ignored = updates(body, NUMBER)
    assert [update.key for update in found if update.kind != "error"] == [
        "wamid.IN1",
        "wamid.IN2",
        "wamid.OUT1/read",
        "wamid.OUT1/delivered",
        "wamid.FOREIGN/sent",
        "wamid.OUT3/failed",
    ]
    assert [update.kind for update in found].count("error") == 1
    assert ignored == []


def test_another_number_is_ignored() -> None:
    body = webhook({"metadata": {"phone_number_id": "999"}, "messages": [message_of("text", {"body": "x"})]})
    assert updates(body, NUMBER) == ([], ["a change of the phone number '999' is ignored"])


@pytest.mark.parametrize("field", ["account_update", "message_echoes", "calls", ""])
def test_other_fields_are_ignored(field: str) -> None:
    body = webhook({"messages": [message_of("text", {"body": "x"})]}, field)
    assert updates(body, NUMBER) == ([], [f"a change of the field {field!r} is ignored"])


@pytest.mark.parametrize("body", [{}, {"object": "page", "entry": []}, [], None, "x", {"object": 1}])
def test_another_object_is_ignored(body: object) -> None:
    found, ignored = updates(body, NUMBER)
    assert found == []
    assert len(ignored) == 1


def test_groups_are_ignored() -> None:
    message = message_of("text", {"body": "x"}, group_id="g")
    status = status_of(recipient_type="group", recipient_id="g")
    found, ignored = updates(webhook({"messages": [message], "statuses": [status]}), NUMBER)
    assert found == []
    assert ignored == [
        "a message in a group is ignored: wamid.IN1",
        "a status of a message to a group is ignored: wamid.OUT1",
    ]


def test_a_message_without_a_sender_is_ignored() -> None:
    message = {"id": "wamid.IN1", "type": "text", "text": {"body": "secret"}}
    _found, ignored = updates(webhook({"messages": [message]}), NUMBER)
    assert ignored == ["a message of type 'text' without an id or a sender is ignored: 'wamid.IN1'"]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("1790000000", 1790000000),
        (1790000000, 1790000000),
        ("1790000000123", 1790000000),
        (1790000000123, 1790000000),
        ("0", 0),
        ("-5", 0),
        ("9" * 5000, 0),
        ("now", 0),
        ("٣", 0),
        (None, 0),
        (True, 0),
        (1.5, 0),
        ([], 0),
    ],
)
def test_timestamp(given: object, expected: int) -> None:
    assert timestamp(given) == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (EMPTY_BASE64, EMPTY_HEX),
        (EMPTY_BASE64.replace("+", "-").replace("/", "_"), EMPTY_HEX),
        (EMPTY_HEX, EMPTY_HEX),
        (EMPTY_HEX.upper(), EMPTY_HEX),
        ("YWJj", None),
        ("é", None),
        ("", None),
        (None, None),
        (5, None),
    ],
)
def test_digest(given: object, expected: str | None) -> None:
    assert hexadecimal(given) == expected


def test_correlation_id() -> None:
    assert correlation_id(31, "gBGGone") == "31:gBGGone"
    assert parse_correlation_id("31:gBGGone") == (31, "gBGGone")
    foreign = ("", "31:", ":x", "x:y", "gBGGone", "7:two words", "7:" + "x" * 65, "1234:x")
    assert [parse_correlation_id(text) for text in foreign] == [None] * len(foreign)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"statuses": [status_of()]}, {"wamid.OUT1"}),
        ({"messages": [message_of("text", {"body": "x"}, **REPLY)]}, {"wamid.OUT1"}),
        ({"messages": [message_of("reaction", {"message_id": "wamid.OUT2", "emoji": "x"})]}, {"wamid.OUT2"}),
        ({"messages": [message_of("text", {"body": "x"}, context={"forwarded": True})]}, set()),
        ({"errors": [{"code": 1}]}, set()),
    ],
)
def test_referenced_wamids(value: dict, expected: set) -> None:
    assert referenced_wamids(one_update(value)) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (
            {
                "messages": [message_of("text", {"body": "x"})],
                "contacts": [{**ADA, "identity_key_hash": "DF2lS5v2W6x="}],
            },
            ("15551234567", "DF2lS5v2W6x="),
        ),
        ({"statuses": [status_of(recipient_identity_key_hash="h")]}, ("15551234567", "h")),
        ({"statuses": [status_of()]}, None),
        ({"errors": [{"code": 1}]}, None),
    ],
)
def test_identity(value: dict, expected: tuple | None) -> None:
    assert identity(one_update(value)) == expected


def test_texts_that_no_database_accepts_are_cleaned() -> None:
    message = json.loads(
        '{"from": "15551234567", "id": "wamid.IN1", "type": "location", "location": {"latitude": NaN, "longitude": 1e999,'
        ' "name": "half \\ud83d", "address": "\\ud83d\\ude00"}, "timestamp": 1' + "0" * 400 + "}"
    )
    event = event_of(message)
    (result,) = event.payload["messages"]
    assert result["location"] == {"name": "half \ufffd", "address": "😀"}
    assert result["timestamp"] == "0"
    assert json.dumps(event.payload, ensure_ascii=False, allow_nan=False).encode()


def test_every_row_names_known_sources_and_shapes() -> None:
    rules = [*webhooks.INBOUND.values(), webhooks.ANY_OTHER, *webhooks.STATUSES.values(), *webhooks.SHAPES.values()]
    sources = {source for rule in rules for source in rule.source.split()}
    sources |= {source for _kind, _note, of_row in webhooks.SYSTEM.values() for source in of_row.split()}
    assert sources <= SOURCES.keys()
    fields = [field for shape in webhooks.SHAPES.values() for field in shape.fields]
    fields += [*webhooks.REPLIES.values(), *(rule.field for rule in webhooks.INBOUND.values() if rule.field)]
    assert {field.shape for field in fields if field.shape} <= webhooks.SHAPES.keys()
