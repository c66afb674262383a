"""Webhooks of the stand-in: statuses, inbound messages, signature, batches and repetitions."""

from __future__ import annotations

import base64
import hashlib
import json

import pytest
from aiohttp import web
from standin_support import NUMBER, SECRET, WABA, Client, running
from waba_node.rehearsal.inbound import FILES, TYPES


async def test_statuses_carry_the_callback_data(cloud: Client) -> None:
    _status, answer = await cloud.send(biz_opaque_callback_data="7:ä")
    wamid = answer["messages"][0]["id"]
    await cloud.receiver.wait(lambda: len(cloud.receiver.statuses) == 2)
    assert cloud.receiver.statuses == [(wamid, "sent"), (wamid, "delivered")]
    value = cloud.receiver.values[0]
    assert value["metadata"] == {"display_phone_number": "15559876543", "phone_number_id": NUMBER}
    assert value["statuses"][0]["biz_opaque_callback_data"] == "7:ä"
    assert value["statuses"][0]["recipient_id"] == "15551234567"
    assert "conversation" not in value["statuses"][0]
    assert value["contacts"][0]["wa_id"] == "15551234567"


async def test_webhook_is_signed_over_escaped_bytes(cloud: Client) -> None:
    await cloud.control("inbound", {"text": "Grüße/@ada 😀"})
    await cloud.receiver.wait(lambda: bool(cloud.receiver.raw))
    body = cloud.receiver.raw[0][1]
    assert rb"Gr\u00fc\u00dfe\/\u0040ada \ud83d\ude00" in body
    assert cloud.receiver.signed_by(SECRET)
    assert cloud.receiver.messages[0]["text"] == {"body": "Grüße/@ada 😀"}
    await cloud.control("credentials", {"app_secret": "new"})
    await cloud.control("inbound", {})
    await cloud.receiver.wait(lambda: len(cloud.receiver.raw) == 2)
    assert not cloud.receiver.signed_by(SECRET)


@pytest.mark.parametrize(
    ("switches", "expected"),
    [
        ({"statuses": ["read"]}, ["read"]),
        ({"statuses": ["sent", "delivered", "read"], "status_order": "reversed"}, ["read", "delivered", "sent"]),
        ({"statuses": ["sent"], "status_copies": 3}, ["sent", "sent", "sent"]),
        ({"outcomes": [{"to": "1555", "statuses": ["delivered", "failed"]}]}, ["delivered", "failed"]),
        ({"outcomes": [{"to": "49", "statuses": ["failed"]}]}, ["sent", "delivered"]),
        ({"statuses": []}, []),
    ],
)
async def test_course_of_statuses_can_be_chosen(cloud: Client, switches: dict, expected: list[str]) -> None:
    await cloud.control("behaviour", switches)
    await cloud.send()
    await cloud.control("inbound", {})
    await cloud.receiver.wait(lambda: bool(cloud.receiver.messages))
    assert [status for _wamid, status in cloud.receiver.statuses] == expected


async def test_failed_status_has_an_error_and_may_lack_the_callback_data(cloud: Client) -> None:
    await cloud.control("behaviour", {"outcomes": [{"to": "", "statuses": ["failed"], "code": 131047}]})
    await cloud.send(biz_opaque_callback_data="x")
    await cloud.control("behaviour", {"callback_data_in_failed": False})
    await cloud.send(biz_opaque_callback_data="x")
    await cloud.receiver.wait(lambda: len(cloud.receiver.statuses) == 2)
    first, second = (value["statuses"][0] for value in cloud.receiver.values)
    assert first["errors"][0]["code"] == 131047
    assert first["errors"][0]["error_data"]["details"]
    assert ("biz_opaque_callback_data" in first, "biz_opaque_callback_data" in second) == (True, False)
    assert "contacts" not in cloud.receiver.values[0]


async def test_foreign_statuses_stand_in_the_same_batch(cloud: Client) -> None:
    await cloud.control("behaviour", {"foreign_statuses": 1, "statuses": ["sent"]})
    _status, answer = await cloud.send()
    await cloud.receiver.wait(lambda: len(cloud.receiver.statuses) == 2)
    assert len(cloud.receiver.raw) == 1
    assert cloud.receiver.statuses[0][0] != cloud.receiver.statuses[1][0] == answer["messages"][0]["id"]


async def test_conversation_is_reported_as_before_v24(cloud: Client) -> None:
    await cloud.control("behaviour", {"conversation": True, "statuses": ["sent"]})
    await cloud.send()
    await cloud.receiver.wait(lambda: bool(cloud.receiver.statuses))
    assert set(cloud.receiver.values[0]["statuses"][0]["conversation"]) == {"id", "origin", "expiration_timestamp"}


async def test_unwanted_identity_fails_the_message(cloud: Client) -> None:
    await cloud.call("POST", f"{NUMBER}/settings", {"user_identity_change": {"enable_identity_key_check": True}})
    await cloud.control("inbound", {})
    await cloud.receiver.wait(lambda: bool(cloud.receiver.messages))
    known = cloud.receiver.values[0]["contacts"][0]["identity_key_hash"]
    await cloud.send(recipient_identity_key_hash=known)
    await cloud.control("identity", {"user": "15551234567"})
    await cloud.send(recipient_identity_key_hash=known)
    await cloud.receiver.wait(lambda: len(cloud.receiver.statuses) == 3)
    assert [status for _wamid, status in cloud.receiver.statuses] == ["sent", "delivered", "failed"]
    assert cloud.receiver.values[-1]["statuses"][0]["errors"][0]["code"] == 137000


# -- delivery ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("style", "entries", "changes"), [("changes", 1, 1000), ("entries", 1000, 1), ("values", 1, 1)]
)
async def test_batch_has_up_to_1000_updates(cloud: Client, style: str, entries: int, changes: int) -> None:
    await cloud.control("behaviour", {"batch": 1000, "batch_style": style, "hold_webhooks": True})
    ids = (await cloud.control("inbound", {"count": 1500, "users": 10}))["ids"]
    await cloud.control("behaviour", {"hold_webhooks": False})
    await cloud.receiver.wait(lambda: len(cloud.receiver.raw) == 2)
    first = max((json.loads(body) for _signature, body in cloud.receiver.raw), key=lambda body: len(str(body)))
    assert (len(first["entry"]), len(first["entry"][0]["changes"])) == (entries, changes)
    assert first["object"] == "whatsapp_business_account"
    assert first["entry"][0]["id"] == WABA
    assert sorted(message["id"] for message in cloud.receiver.messages) == sorted(ids)


@pytest.mark.parametrize("refusal", [500, 403, 201, 302])
async def test_webhook_is_repeated_until_the_answer_is_200(cloud: Client, refusal: int) -> None:
    await cloud.control("behaviour", {"retry_after": 0.02})
    cloud.receiver.answers = [refusal, refusal, 200]
    await cloud.control("inbound", {})
    await cloud.receiver.wait(lambda: len(cloud.receiver.raw) == 3)
    assert len({body for _signature, body in cloud.receiver.raw}) == 1
    webhooks = (await cloud.control("state"))["webhooks"]
    assert (webhooks["failed"], webhooks["last_failure"]) == (2, f"HTTP {refusal}")


async def test_repetitions_end_when_told(cloud: Client) -> None:
    cloud.receiver.answers = [500]
    await cloud.control("inbound", {})
    await cloud.receiver.wait(lambda: bool(cloud.receiver.raw))
    async with cloud.session.delete(f"{cloud.address}/control/webhooks"):
        webhooks = (await cloud.control("state"))["webhooks"]
    assert (webhooks["pending"], webhooks["retrying"]) == (0, 0)


async def test_copies_of_webhooks_and_messages_can_be_sent(cloud: Client) -> None:
    await cloud.control("behaviour", {"webhook_copies": 2})
    await cloud.control("inbound", {"copies": 2})
    await cloud.receiver.wait(lambda: len(cloud.receiver.messages) == 4)
    assert len({message["id"] for message in cloud.receiver.messages}) == 1


async def test_account_without_subscription_receives_nothing() -> None:
    async with running(subscribed=False) as cloud:
        await cloud.control("callback", {"url": cloud.receiver.url, "verify_token": "v"})
        await cloud.send()
        assert (await cloud.control("state"))["webhooks"]["dropped"] == 2
        assert (await cloud.call("GET", f"{WABA}/subscribed_apps"))[1] == {"data": []}
        assert (await cloud.call("POST", f"{WABA}/subscribed_apps", {}))[1] == {"success": True}
        assert (await cloud.call("GET", f"{WABA}/subscribed_apps"))[1]["data"]
        await cloud.send()
        await cloud.receiver.wait(lambda: len(cloud.receiver.statuses) == 2)


async def test_override_of_the_number_is_verified_and_takes_precedence(cloud: Client) -> None:
    tokens: list[str] = []

    def challenge(request: web.Request) -> web.Response:
        tokens.append(request.query["hub.verify_token"])
        assert request.query["hub.mode"] == "subscribe"
        return web.Response(text=request.query["hub.challenge"])

    cloud.receiver.challenge = challenge
    override = {"override_callback_uri": f"{cloud.receiver.url}/number", "verify_token": "v2"}
    assert (await cloud.call("POST", NUMBER, {"webhook_configuration": override}))[1] == {"success": True}
    await cloud.call(
        "POST", f"{WABA}/subscribed_apps", {**override, "override_callback_uri": f"{cloud.receiver.url}/w"}
    )
    assert tokens == ["v2", "v2"]
    _status, info = await cloud.call("GET", f"{NUMBER}?fields=webhook_configuration")
    assert info["webhook_configuration"] == {
        "phone_number": f"{cloud.receiver.url}/number",
        "whatsapp_business_account": f"{cloud.receiver.url}/w",
        "application": cloud.receiver.url,
    }
    assert (await cloud.control("state"))["webhooks"]["url"].endswith("/number")
    await cloud.call("POST", NUMBER, {"webhook_configuration": {"override_callback_uri": ""}})
    await cloud.call("POST", f"{WABA}/subscribed_apps")
    assert (await cloud.control("state"))["webhooks"]["url"] == cloud.receiver.url


@pytest.mark.parametrize("answer", [web.Response(status=403), web.Response(text="other"), web.Response(status=500)])
async def test_address_that_fails_the_challenge_is_refused(cloud: Client, answer: web.Response) -> None:
    cloud.receiver.challenge = lambda _request: answer
    override = {"override_callback_uri": cloud.receiver.url, "verify_token": "v"}
    status, refusal = await cloud.call("POST", NUMBER, {"webhook_configuration": override})
    assert (status, refusal["error"]["code"]) == (400, 2200)


async def test_http_address_is_refused_unless_any_is_accepted(cloud: Client) -> None:
    cloud.standin.webhooks.trust = True
    override = {"override_callback_uri": cloud.receiver.url, "verify_token": "v"}
    status, refusal = await cloud.call("POST", NUMBER, {"webhook_configuration": override})
    assert (status, refusal["error"]["code"]) == (400, 100)


# -- messages of users ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", TYPES)
async def test_user_sends_every_type(cloud: Client, kind: str) -> None:
    ids = (await cloud.control("inbound", {"type": kind, "context": "wamid.X", "referral": True}))["ids"]
    await cloud.receiver.wait(lambda: bool(cloud.receiver.messages))
    message = cloud.receiver.messages[0]
    assert [message["id"]] == ids
    assert message["from"] == "15551234567"
    assert message["from_user_id"] == "US.1555123456700"
    assert message["type"] in message or message["type"] == "request_welcome"
    assert ("contacts" in cloud.receiver.values[0]) is (message["type"] != "system")


async def test_user_without_a_number_has_only_an_id(cloud: Client) -> None:
    await cloud.control("inbound", {"username": "ada", "user_id": "US.42"})
    await cloud.control("behaviour", {"users_without_number": ["1555"]})
    await cloud.control("inbound", {})
    await cloud.receiver.wait(lambda: len(cloud.receiver.messages) == 2)
    first, second = cloud.receiver.values
    assert "from" not in first["messages"][0]
    assert first["messages"][0]["from_user_id"] == "US.42"
    assert first["contacts"] == [{"profile": {"name": "Ada", "username": "@ada"}, "user_id": "US.42"}]
    assert "from" not in second["messages"][0]


@pytest.mark.parametrize("kind", FILES)
async def test_file_of_a_user_has_a_base64_digest_and_can_be_downloaded(cloud: Client, kind: str) -> None:
    await cloud.call("GET", NUMBER)
    await cloud.control("inbound", {"type": kind})
    await cloud.receiver.wait(lambda: bool(cloud.receiver.messages))
    message = cloud.receiver.messages[0]
    file = message[message["type"]]
    assert message["type"] == ("audio" if kind == "voice" else kind)
    assert file.get("voice") is {"voice": True, "audio": False}.get(kind)
    headers = {"Authorization": "Bearer token-of-the-test"}
    async with cloud.session.get(file["url"], headers=headers) as response:
        content = await response.read()
    assert base64.b64encode(hashlib.sha256(content).digest()).decode() == file["sha256"]


async def test_message_of_a_user_can_be_marked_as_read(cloud: Client) -> None:
    ids = (await cloud.control("inbound", {}))["ids"]
    mark = {"messaging_product": "whatsapp", "status": "read", "message_id": ids[0]}
    assert await cloud.call("POST", f"{NUMBER}/messages", mark) == (200, {"success": True})
    assert (await cloud.control("state"))["read"] == {ids[0]: 1}
    status, answer = await cloud.call("POST", f"{NUMBER}/messages", {**mark, "message_id": "wamid.OTHER"})
    assert (status, answer["error"]["code"]) == (400, 100)


async def test_any_other_webhook_can_be_sent(cloud: Client) -> None:
    await cloud.control("webhook", {"field": "account_update", "value": {"event": "DISABLED_UPDATE"}})
    await cloud.receiver.wait(lambda: bool(cloud.receiver.raw))
    assert json.loads(cloud.receiver.raw[0][1])["entry"][0]["changes"] == [
        {"value": {"event": "DISABLED_UPDATE"}, "field": "account_update"}
    ]


async def test_status_of_a_message_can_be_sent_later(cloud: Client) -> None:
    _status, answer = await cloud.send()
    wamid = answer["messages"][0]["id"]
    await cloud.control("status", {"wamid": wamid, "status": "read"})
    await cloud.receiver.wait(lambda: (wamid, "read") in cloud.receiver.statuses)
