"""The node's client and translation against the stand-in of the Cloud API, with which they share no code."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.rehearsal.standin_support import NUMBER, TOKEN, WABA, Client, running
from tests.webapp.message_support import CONTENTS, message
from waba_node.rehearsal.errors import GraphError
from waba_node.rehearsal.inbound import FILES, TYPES, picture
from waba_node.rehearsal.validation import Message, read_message
from waba_node.upstream.cloud.graph import CloudError, GraphClient, NoAnswer
from waba_node.upstream.cloud.translation import profile
from waba_node.upstream.cloud.translation.errors import Untranslatable
from waba_node.upstream.cloud.translation.messages import media_references, to_cloud
from waba_node.upstream.cloud.translation.webhooks import Update, to_events, updates
from waba_node.webapp.errors import ApiError
from waba_node.webapp.message.model import Message as ApiMessage
from waba_node.webapp.message.model import payload_of

# Types that on-premises clients do not know; their messages are dropped or reported as unknown.
DROPPED = {"request_welcome", "edit", "revoke", "group"}
UNKNOWN = {"unsupported", "unavailable", "call_permission_reply", "reaction"}


@pytest.fixture
async def cloud() -> AsyncIterator[Client]:
    async with running() as client:
        yield client


@pytest.fixture
async def graph(cloud: Client) -> AsyncIterator[GraphClient]:
    made = client_of(cloud)
    yield made
    await made.close()


def client_of(cloud: Client, **options: object) -> GraphClient:
    return GraphClient(
        base_url=cloud.address, version="v25.0", phone_number_id=NUMBER, waba_id=WABA, token=TOKEN, **options
    )


def translated(kind: str, content: object) -> dict:
    stored = message(kind, content)
    media = {file: {"link": "https://example.com/file"} for file in media_references(stored)}
    return to_cloud(stored, callback_data="7:id", media=media, quoted="wamid.QUOTED")


@pytest.mark.parametrize(("kind", "content"), CONTENTS)
def test_every_message_of_the_api_is_accepted_by_the_strict_service(kind: str, content: object) -> None:
    accepted = read_message(translated(kind, content))
    assert isinstance(accepted, Message)
    assert accepted.biz_opaque_callback_data == "7:id"


@st.composite
def variants(draw: st.DrawFn) -> dict:
    """A message of the API: an example with fields removed, added and replaced."""
    kind, content = draw(st.sampled_from(CONTENTS))

    def vary(value: object) -> object:
        if isinstance(value, dict):
            varied = {name: vary(item) for name, item in value.items() if draw(st.integers(0, 9)) != 0}
            if draw(st.integers(0, 3)) == 0:
                varied[draw(st.sampled_from(("x", "type", "text", "index", "id", "caption", "voice", "title")))] = draw(
                    st.sampled_from(("", " a ", 0, True, None, [], {"x": 1}))
                )
            return varied
        if isinstance(value, list):
            return [vary(item) for item in value[:3]]
        if isinstance(value, str) and draw(st.integers(0, 9)) == 0:
            return draw(st.sampled_from((f" {value}", f"{value}\n", f"{value}é😀", "x" * 100)))
        return value

    return {
        **message(kind, vary(content)),
        **draw(st.sampled_from(({}, {"preview_url": True}, {"ttl": 60}, {"x": {}}))),
    }


@given(variants())
def test_no_accepted_message_has_an_unknown_or_lacks_a_property_at_the_service(given_message: dict) -> None:
    """Values can be refused: the client chose them."""
    try:
        stored = payload_of(msgspec.convert(given_message, ApiMessage))
    except (msgspec.ValidationError, ApiError):
        assume(False)
    for payload in (stored, {**stored, "x": 1}):
        media, code = {file: {"id": "1"} for file in media_references(payload)}, None
        try:
            read_message(to_cloud(payload, callback_data="7:id", media=media, quoted=None))
        except GraphError as error:
            code = error.code
        except Untranslatable:
            code = None
        assert code in (None, 131009, 132018)


async def test_message_goes_out_and_its_statuses_come_back(cloud: Client, graph: GraphClient) -> None:
    answer = await graph.send(translated("text", {"body": "Grüße"}))
    wamid = answer["messages"][0]["id"]
    await cloud.receiver.wait(lambda: len(cloud.receiver.statuses) == 2)
    found = [update for body in bodies(cloud) for update in updates(body, NUMBER)[0]]
    assert [(update.kind, update.wamid, update.callback_data) for update in found] == [("status", wamid, "7:id")] * 2
    events = [event for update in found for event in to_events(update, {wamid: "id"})]
    assert [(event.message_id, event.kind) for event in events] == [("id", "sent"), ("id", "delivered")]


def bodies(cloud: Client) -> list[dict]:
    return [json.loads(body) for _signature, body in cloud.receiver.raw]


async def received(cloud: Client, **wanted: object) -> list[Update]:
    """Return the updates after a user has sent a message."""
    await cloud.control("inbound", wanted)
    await cloud.receiver.wait(lambda: bool(cloud.receiver.messages))
    return [update for body in bodies(cloud) for update in updates(body, NUMBER)[0]]


@pytest.mark.parametrize("kind", TYPES)
async def test_every_message_of_a_user_becomes_an_event_or_is_dropped(cloud: Client, kind: str) -> None:
    found = await received(cloud, type=kind, context="wamid.SENT", forwarded=True)
    events = [event for update in found for event in to_events(update, {"wamid.SENT": "id"})]
    if kind in DROPPED:
        assert not events
        return
    (event,) = events
    assert event.kind == "inbound"
    (inbound,) = event.payload["messages"]
    assert inbound["from"] == "15551234567"
    assert inbound["id"] == found[0].wamid
    if kind in UNKNOWN:
        assert inbound["type"] in ("unknown", "reaction")
    if kind in FILES:
        assert inbound["type"] == kind
        assert inbound[kind]["reference"]
        assert len(inbound[kind]["sha256"]) == 64


async def test_user_without_a_number_keeps_an_id(cloud: Client) -> None:
    found = await received(cloud, username="ada", user_id="US.42")
    (event,) = to_events(found[0], {})
    assert event.payload["messages"][0]["from"] == "US.42"
    assert event.payload["contacts"][0]["wa_id"] == "US.42"


@pytest.mark.parametrize("style", ["changes", "entries", "values"])
async def test_batches_of_every_shape_have_each_update_once(cloud: Client, style: str) -> None:
    await cloud.control("behaviour", {"batch_style": style, "batch": 1000, "foreign_statuses": 1})
    for _each in range(3):
        await cloud.send()
    found = await received(cloud, count=20, users=3)
    await cloud.receiver.wait(lambda: len(cloud.receiver.messages) == 20 and len(cloud.receiver.statuses) == 12)
    found = [update for body in bodies(cloud) for update in updates(body, NUMBER)[0]]
    keys = {(update.kind, update.key) for update in found}
    assert len(found) == len(keys) == 32


async def test_file_goes_up_and_a_received_one_comes_down(cloud: Client, graph: GraphClient) -> None:
    async def content() -> AsyncIterator[bytes]:
        yield picture()

    media_id = await graph.upload("", "image/png", content(), len(picture()))
    info = await graph.media_info(media_id)
    assert b"".join([chunk async for chunk in graph.download(info["url"])]) == picture()
    found = await received(cloud, type="image")
    (event,) = to_events(found[0], {})
    file = event.payload["messages"][0]["image"]
    info = await graph.media_info(file["reference"])
    downloaded = b"".join([chunk async for chunk in graph.download(info["url"])])
    assert hashlib.sha256(downloaded).hexdigest() == file["sha256"]
    await graph.mark_read(found[0].wamid)


async def test_number_is_registered_and_described(cloud: Client, graph: GraphClient) -> None:
    await cloud.control("account", {"registered": False, "verified": False})
    await graph.post(f"{NUMBER}/request_code", profile.code_request_body("sms"))
    await graph.post(f"{NUMBER}/verify_code", profile.verification_body("123-456"))
    await graph.post(f"{NUMBER}/register", profile.registration_body("123456"))
    await graph.post(NUMBER, profile.two_step_body("654321"))
    await graph.post(f"{NUMBER}/settings", {"user_identity_change": {"enable_identity_key_check": True}})
    assert (await graph.number_info("status"))["status"] == "CONNECTED"
    assert (await graph.debug_token())["scopes"]


async def test_profile_is_stored(cloud: Client, graph: GraphClient) -> None:
    path = f"{NUMBER}/whatsapp_business_profile"
    await graph.post(path, profile.profile_body({"address": "Street 1", "vertical": "Retail", "websites": []}))
    await graph.post(path, profile.about_body("Open"))
    session = await graph.post(
        "600000000000001/uploads", params={"file_length": str(len(picture())), "file_type": "image/png"}
    )
    handle = await graph.upload_to_session(session["id"], picture())
    await graph.post(path, profile.photo_body(handle["h"]))
    answer = await graph.get(path, {"fields": profile.PROFILE_FIELDS})
    assert profile.profile_of(answer["data"][0])["address"] == "Street 1"


@pytest.mark.parametrize("kind", ["lose_answer", "cut_answer", "cut_request"])
async def test_lost_answer_is_uncertain(cloud: Client, graph: GraphClient, kind: str) -> None:
    await graph.number_info("status")  # the connection is open
    await cloud.control("faults", {"kind": kind})
    with pytest.raises(NoAnswer):
        await graph.send(translated("text", {"body": "x"}))


async def test_late_answer_is_uncertain(cloud: Client) -> None:
    graph = client_of(cloud, timeout=0.3)
    await cloud.control("faults", {"kind": "delay_answer"})
    with pytest.raises(NoAnswer):
        await graph.send(translated("text", {"body": "x"}))
    await graph.close()


async def test_dead_token_is_an_error(cloud: Client, graph: GraphClient) -> None:
    await cloud.control("behaviour", {"dead_tokens": True})
    with pytest.raises(CloudError, match="HTTP 401, code 190"):
        await graph.number_info("status")
