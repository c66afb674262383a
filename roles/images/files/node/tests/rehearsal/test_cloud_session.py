"""The session of the Cloud API upstream against the stand-in: what each answer means for a message."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Collection, Mapping
from dataclasses import replace
from typing import Any

import pytest
from standin_support import NUMBER, SECRET, TOKEN, WABA, Client
from waba_node.config import CloudConfig
from waba_node.upstream.base import (
    HandedOver,
    NotSent,
    OpenedFile,
    Refused,
    Scope,
    Uncertain,
    Unusable,
    UpstreamError,
)
from waba_node.upstream.cloud.service import CloudService
from waba_node.upstream.cloud.session import CloudSession

TEXT = {"to": "15551234567", "type": "text", "text": {"body": "Hello"}}
PICTURE = {"to": "15551234567", "type": "image", "image": {"id": "f1"}}
PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)


class MemoryLibrary:
    """The data of the cluster that the session uses, in memory."""

    def __init__(self) -> None:
        self.uploads: dict[str, tuple[str, str]] = {}
        self.files: dict[str, tuple[str, bytes]] = {}
        self.upstream_ids: dict[str, str] = {}
        self.counted: list[tuple[str, dict[str, str]]] = []

    async def find_upstream_id(self, message_id: str) -> str | None:
        return self.upstream_ids.get(message_id)

    async def find_upload(self, source: str, seconds: int) -> tuple[str, str] | None:
        return self.uploads.get(source)

    async def record_upload(self, source: str, upstream_id: str, mime_type: str) -> None:
        self.uploads[source] = upstream_id, mime_type

    async def forget_upload(self, source: str, upstream_id: str) -> None:
        if self.uploads.get(source, ("",))[0] == upstream_id:
            del self.uploads[source]

    @contextlib.asynccontextmanager
    async def open_file(self, media_id: str) -> AsyncIterator[OpenedFile | None]:
        async def content(data: bytes) -> AsyncIterator[bytes]:
            yield data

        mime_type, data = self.files.get(media_id, ("", b""))
        yield OpenedFile(mime_type, len(data), content(data)) if data else None

    async def find_provider(self, name: str) -> Mapping[str, Any] | None:
        return None

    async def find_identity(self, wa_id: str) -> str | None:
        return None

    async def find_wa_ids(self, numbers: Collection[str]) -> Mapping[str, str | None]:
        return {number: "5215551" for number in numbers if number == "525551"}

    async def find_addresses(self) -> Collection[str]:
        return []

    def count(self, name: str, **labels: str) -> None:
        self.counted.append((name, labels))


@pytest.fixture
def library() -> MemoryLibrary:
    return MemoryLibrary()


@pytest.fixture
def service(cloud: Client, library: MemoryLibrary) -> CloudService:
    return CloudService(CloudConfig(NUMBER, WABA, TOKEN, (SECRET,), "verify", base_url=cloud.address), library)


@pytest.fixture
async def session(service: CloudService) -> AsyncIterator[CloudSession]:
    made = await service.connect(0, 1)
    yield made
    await made.disconnect()


async def test_a_message_is_handed_over_with_its_correlation_id(cloud: Client, session: CloudSession) -> None:
    outcome = await session.send("gBGGone", TEXT)
    assert isinstance(outcome, HandedOver)
    assert outcome.upstream_id.startswith("wamid.")
    assert outcome.wa_id == "15551234567"
    await cloud.receiver.wait(lambda: len(cloud.receiver.statuses) == 2)
    (status, *_rest) = [one for value in cloud.receiver.values for one in value["statuses"]]
    bucket, _colon, message_id = status["biz_opaque_callback_data"].partition(":")
    assert (message_id, 0 <= int(bucket) < 32) == ("gBGGone", True)


@pytest.mark.parametrize(
    ("fault", "expected", "scope"),
    [
        ({"kind": "lose_answer"}, Uncertain, None),
        ({"kind": "cut_answer"}, Uncertain, None),
        ({"kind": "cut_request"}, Uncertain, None),
        ({"kind": "error", "code": 131000}, Uncertain, None),
        ({"kind": "error", "http_status": 502, "html": True}, Uncertain, None),
        ({"kind": "error", "code": 131047}, Refused, None),
        ({"kind": "error", "code": 131056}, NotSent, Scope.RECIPIENT),
        ({"kind": "error", "code": 130429}, NotSent, Scope.NUMBER),
        ({"kind": "error", "http_status": 429}, NotSent, Scope.NUMBER),
        ({"kind": "error", "code": 190}, Unusable, None),
    ],
)
async def test_every_failure_has_its_outcome(
    cloud: Client, session: CloudSession, fault: dict, expected: type[UpstreamError], scope: Scope | None
) -> None:
    await cloud.control("faults", fault)
    with pytest.raises(expected) as failed:
        await session.send("m1", TEXT)
    assert getattr(failed.value, "scope", None) == scope


async def test_a_service_that_cannot_be_reached_slows_the_number(cloud: Client, session: CloudSession) -> None:
    session.client.base = session.client.base.with_port(9)
    with pytest.raises(NotSent) as failed:
        await session.send("m1", TEXT)
    assert failed.value.scope is Scope.NUMBER


async def test_a_dead_token_ends_the_session_and_refuses_the_next(
    cloud: Client, session: CloudSession, service: CloudService
) -> None:
    events = asyncio.ensure_future(session.events().__anext__())
    await cloud.control("behaviour", {"dead_tokens": True})
    with pytest.raises(Unusable):
        await session.send("m1", TEXT)
    with pytest.raises(UpstreamError, match=r"the number cannot be used: .*190"):
        await events
    with pytest.raises(NotSent):
        await session.send("m2", TEXT)
    with pytest.raises(Unusable, match="190") as refused:
        await service.connect(0, 2)
    assert TOKEN not in str(refused.value)


async def test_the_rate_follows_the_throughput_level_of_the_number(
    cloud: Client, session: CloudSession, service: CloudService
) -> None:
    assert (service.rate_level, service.policy.rate) == ("STANDARD", 80)
    await cloud.control("account", {"throughput": "HIGH"})
    await session.probe()
    assert (service.rate_level, service.policy.rate) == ("HIGH", 1000)


async def test_a_configured_rate_wins_over_the_throughput_level(cloud: Client, library: MemoryLibrary) -> None:
    config = CloudConfig(NUMBER, WABA, TOKEN, (SECRET,), "verify", base_url=cloud.address, rate=40)
    service = CloudService(config, library)
    await (await service.connect(0, 1)).disconnect()
    assert (service.rate_level, service.policy.rate) == ("STANDARD", 40)


async def test_a_restriction_of_the_number_is_reported_while_it_lasts(
    cloud: Client, session: CloudSession, service: CloudService
) -> None:
    await cloud.control("account", {"can_send_message": "BLOCKED"})
    await session.probe()
    assert service.restriction == (
        f"Meta blocks messages of the number: PHONE_NUMBER {NUMBER}: There is an error with the payment method"
    )
    assert isinstance(await session.send("m1", TEXT), HandedOver), "it stays connected"
    await cloud.control("account", {"can_send_message": "AVAILABLE"})
    await session.probe()
    assert service.restriction == ""


async def test_a_new_token_replaces_the_former_one(cloud: Client, session: CloudSession, service: CloudService) -> None:
    await cloud.control("credentials", {"tokens": [TOKEN, "the-new-one"]})
    assert isinstance(await session.send("m1", TEXT), HandedOver)
    await cloud.control("credentials", {"tokens": ["the-new-one"]})
    with pytest.raises(Unusable):
        await session.send("m2", TEXT)
    renewed = CloudService(replace(service.config, token="the-new-one"), service.library)
    made = await renewed.connect(0, 2)
    assert isinstance(await made.send("m2", TEXT), HandedOver)
    await made.disconnect()


async def test_a_file_is_uploaded_once(cloud: Client, session: CloudSession, library: MemoryLibrary) -> None:
    library.files["f1"] = "image/png", PNG
    await asyncio.gather(*(session.send(f"m{number}", PICTURE) for number in range(5)))
    assert list(library.uploads) == ["media:f1"]
    assert library.counted.count(("media_uploads", {})) == 1


async def test_a_file_that_meta_has_deleted_is_uploaded_again_once(
    cloud: Client, session: CloudSession, library: MemoryLibrary
) -> None:
    library.files["f1"] = "image/png", PNG
    await session.send("m1", PICTURE)
    (stale, _type) = library.uploads["media:f1"]
    cloud.standin.media.delete(stale)
    for outcome in await asyncio.gather(*(session.send(f"m{number}", PICTURE) for number in range(2, 5))):
        assert isinstance(outcome, HandedOver)
    assert library.uploads["media:f1"][0] != stale
    assert (await cloud.control("state"))["media"]["uploaded"] == 2
    assert (await cloud.control("state"))["messages"]["accepted"] == 4


async def test_a_file_that_meta_refuses_after_a_new_upload_fails_the_message_alone(
    cloud: Client, session: CloudSession, library: MemoryLibrary
) -> None:
    library.files["f1"] = "image/png", PNG
    library.uploads["media:f1"] = "900000000000999", "image/png"
    await cloud.control("faults", {"kind": "error", "code": 100, "times": 2})
    with pytest.raises(Refused) as refused:
        await session.send("m1", PICTURE)
    assert refused.value.errors[0]["code"] == 1009
    assert (await cloud.control("state"))["media"]["uploaded"] == 1
    assert isinstance(await session.send("m2", PICTURE), HandedOver), "the session stays usable"


async def test_an_invalid_parameter_of_a_message_without_an_earlier_upload_is_final(
    cloud: Client, session: CloudSession
) -> None:
    await cloud.control("faults", {"kind": "error", "code": 100})
    with pytest.raises(Refused):
        await session.send("m1", TEXT)
    assert (await cloud.control("state"))["messages"]["accepted"] == 0


async def test_a_received_file_is_downloaded_by_its_id(cloud: Client, session: CloudSession) -> None:
    await cloud.control("inbound", {"type": "image", "from": "15551234567"})
    await cloud.receiver.wait(lambda: bool(cloud.receiver.messages))
    media_id = cloud.receiver.messages[0]["image"]["id"]
    content = b"".join([chunk async for chunk in session.download(media_id)])
    assert content
    with pytest.raises(UpstreamError, match="the download of the file failed"):
        [chunk async for chunk in session.download("900000000000999")]


async def test_a_message_whose_file_is_gone_is_refused(session: CloudSession) -> None:
    with pytest.raises(Refused) as refused:
        await session.send("m1", PICTURE)
    assert refused.value.errors[0]["code"] == 1006


async def test_a_link_into_the_own_network_is_refused(session: CloudSession) -> None:
    link = {"to": "15551234567", "type": "image", "image": {"link": "http://127.0.0.1:1/x.png"}}
    with pytest.raises(Refused) as refused:
        await session.send("m1", link)
    assert refused.value.errors[0]["code"] == 400
    assert "WABA_CLOUD_LINK_HOSTS" in refused.value.errors[0]["details"]


async def test_a_link_that_cannot_be_fetched_is_tried_a_few_times(session: CloudSession) -> None:
    session.links.allowed_hosts = frozenset({"127.0.0.1"})
    link = {"to": "15551234567", "type": "image", "image": {"link": "http://127.0.0.1:9/x.png"}}
    for expected in (NotSent, NotSent, Refused):
        with pytest.raises(expected):
            await session.send("m1", link)


async def test_a_reply_quotes_the_id_at_meta(
    session: CloudSession, library: MemoryLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    library.upstream_ids["gBGGone"] = "wamid.ONE"
    bodies = []
    monkeypatch.setattr(session.client, "send", lambda body: answer(bodies, body))
    for quoted in ("gBGGone", "wamid.IN", "gBGGunknown"):
        await session.send("m1", {**TEXT, "context": {"message_id": quoted}})
    assert [body.get("context") for body in bodies] == [{"message_id": "wamid.ONE"}, {"message_id": "wamid.IN"}, None]


async def answer(bodies: list[Any], body: Any) -> dict[str, Any]:
    bodies.append(body)
    return {"messages": [{"id": "wamid.X"}]}


@pytest.mark.parametrize("given", [{}, {"messages": []}, {"messages": [{}]}, {"messages": [{"id": "x" * 4097}]}])
async def test_a_success_without_a_usable_id_is_uncertain(
    session: CloudSession, monkeypatch: pytest.MonkeyPatch, given: dict
) -> None:
    async def send(_body: object) -> dict:
        return given

    monkeypatch.setattr(session.client, "send", send)
    with pytest.raises(Uncertain):
        await session.send("m1", TEXT)


async def test_a_failing_preparation_sends_nothing(
    session: CloudSession, library: MemoryLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_arguments: object) -> None:
        raise OSError("the database is away")

    monkeypatch.setattr(library, "find_upstream_id", fail)
    with pytest.raises(NotSent, match="the message cannot be prepared: OSError"):
        await session.send("m1", {**TEXT, "context": {"message_id": "gBGGone"}})


async def test_contacts_are_valid_with_the_id_that_an_answer_has_taught(session: CloudSession) -> None:
    assert await session.check_contacts(["49151", "525551"]) == {"49151": "49151", "525551": "5215551"}


def test_a_stored_update_is_rebuilt(service: CloudService) -> None:
    stored = {"kind": "status", "key": "w/sent", "user": "1", "wamid": "w", "callback_data": "7:m1"}
    update = service.parse_update(json.dumps({**stored, "content": {"status": {"id": "w", "status": "sent"}}}))
    assert (update.status_of, update.message) == ("w", (7, "m1"))
    assert [event.message_id for event in update.events({})] == ["m1"]
    with pytest.raises(ValueError, match="not an update"):
        service.parse_update(json.dumps({"kind": "status"}))
