"""The adapter for a messaging service on the network, with a stand-in service over real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import aiohttp
import pytest
from aiohttp import web
from standin import FILE, Standin
from waba_node.upstream.base import StaleEpoch, UpstreamError, WrongCode
from waba_node.upstream.websocket import WebSocketService, WebSocketSession

TEXT = {"to": "49151", "type": "text", "text": {"body": "hello"}}


@pytest.fixture
async def standin() -> AsyncIterator[Standin]:
    made = Standin()
    made.registered = True
    runner = web.AppRunner(made.application(), shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.port = runner.addresses[0][1]
    yield made
    await runner.cleanup()


@pytest.fixture
def service(standin: Standin) -> WebSocketService:
    return WebSocketService(f"ws://127.0.0.1:{standin.port}")


async def first(session: WebSocketSession, count: int) -> list[tuple[str, str]]:
    """Return (id, kind) of the next events."""
    found = []
    async with asyncio.timeout(5):
        async for event in session.events():
            found.append((event.message_id, event.kind))
            if len(found) == count:
                break
    return found


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.01)


async def test_a_sent_message_arrives_and_is_confirmed(standin: Standin, service: WebSocketService) -> None:
    session = await service.connect(0, 1)
    await session.send("m1", TEXT)
    assert await first(session, 2) == [("m1", "sent"), ("m1", "delivered")]
    assert standin.received == {"m1": 1}
    await session.disconnect()
    await until(lambda: not standin.live)
    assert standin.banned is None


async def test_an_older_epoch_is_refused(standin: Standin, service: WebSocketService) -> None:
    await (await service.connect(0, 3)).disconnect()
    with pytest.raises(StaleEpoch, match="newer epoch than 2 for shard 0"):
        await service.connect(0, 2)
    await (await service.connect(1, 1)).disconnect()  # epochs of another shard are independent


async def test_a_second_live_connection_gets_the_account_banned(standin: Standin, service: WebSocketService) -> None:
    first_one = await service.connect(0, 1)
    with pytest.raises(UpstreamError, match="403"):
        await service.connect(0, 2)
    assert standin.banned == "shard 0: epoch 2 connects while epoch 1 is connected"
    with pytest.raises(UpstreamError, match="connection"):
        await first(first_one, 1)
    with pytest.raises(UpstreamError, match="403"):  # permanently
        await service.connect(1, 1)
    await first_one.disconnect()


async def test_a_dead_connection_is_replaced(standin: Standin, service: WebSocketService) -> None:
    frozen = await service.connect(0, 1)
    frozen.reader.cancel()  # no pong is sent, as by a stopped process
    successor = await service.connect(0, 2)
    await successor.send("m1", TEXT)
    assert await first(successor, 1) == [("m1", "sent")]
    assert standin.banned is None
    with pytest.raises(UpstreamError):
        await frozen.send("m2", TEXT)
    await frozen.disconnect()
    await successor.disconnect()


async def test_nothing_is_sent_after_disconnecting(standin: Standin, service: WebSocketService) -> None:
    session = await service.connect(0, 1)
    await session.disconnect()
    await session.disconnect()
    with pytest.raises(UpstreamError, match="the connection is closed"):
        await session.send("m1", TEXT)
    assert [event async for event in session.events()] == []
    assert standin.received == {}


async def test_a_connection_that_the_service_drops_ends_its_events(standin: Standin, service: WebSocketService) -> None:
    session = await service.connect(0, 1)
    async with aiohttp.ClientSession() as test:
        await test.post(f"http://127.0.0.1:{standin.port}/drop")
    with pytest.raises(UpstreamError):
        await first(session, 1)
    await session.disconnect()
    again = await service.connect(0, 1)  # the same owner may connect again
    await again.send("m1", TEXT)
    assert await first(again, 1) == [("m1", "sent")]
    await again.disconnect()


async def test_the_stand_in_withholds_confirmations_and_counts_repetitions(
    standin: Standin, service: WebSocketService
) -> None:
    session = await service.connect(0, 1)
    behave = f"http://127.0.0.1:{standin.port}/behave"
    async with aiohttp.ClientSession() as test:
        await test.post(behave, json={"hold": True})
        for _twice in range(2):
            await session.send("m1", TEXT)
        await until(lambda: standin.received["m1"] == 2)
        assert session.queue.empty()
        await test.post(behave, json={"hold": False})
        assert await first(session, 2) == [("m1", "sent"), ("m1", "delivered")]
        async with test.get(f"http://127.0.0.1:{standin.port}/state") as state:
            state_of_service = await state.json()
    assert (state_of_service["received"], state_of_service["duplicates"], state_of_service["banned"]) == (1, 1, None)
    await session.disconnect()


async def test_concurrent_questions_get_their_own_answers(standin: Standin, service: WebSocketService) -> None:
    session = await service.connect(0, 1)
    contacts, identity = await asyncio.gather(session.check_contacts(["49151"]), session.identity("15551"))
    assert contacts == {"49151": "49151"}
    assert identity == "identity of 15551"
    await session.mark_read("m1")
    await session.disconnect()
    with pytest.raises(UpstreamError):
        await session.identity("15551")


async def test_a_malformed_frame_ends_the_connection(service: WebSocketService, standin: Standin) -> None:
    session = await service.connect(0, 1)
    await standin.live[0].socket.send_str('{"event": 5}')
    with pytest.raises(UpstreamError, match="violates the protocol"):
        await first(session, 1)
    await session.disconnect()


async def test_an_unreachable_service_is_an_upstream_error() -> None:
    service = WebSocketService("ws://127.0.0.1:9")
    for attempt in (service.connect(0, 1), service.register("1", "5551234", "sms", None), service.verify("1")):
        with pytest.raises(UpstreamError, match=r"^ws://127\.0\.0\.1:9: "):
            await attempt


async def test_a_number_is_registered_with_its_code(standin: Standin, service: WebSocketService) -> None:
    standin.registered = False
    with pytest.raises(UpstreamError, match="401"):
        await service.connect(0, 1)
    await service.register("1", "5551234", "sms", None)
    with pytest.raises(WrongCode, match="wrong code"):
        await service.verify("654321")
    await service.verify("123-456")


async def test_a_file_is_downloaded_completely_or_an_error_is_raised(
    standin: Standin, service: WebSocketService
) -> None:
    session = await service.connect(0, 1)
    assert b"".join([chunk async for chunk in session.download("a file/?&")]) == FILE
    with pytest.raises(UpstreamError, match="no such file"):
        [chunk async for chunk in session.download("another")]
    await session.disconnect()
    with pytest.raises(UpstreamError, match="closed"):
        [chunk async for chunk in session.download("a file/?&")]
    await (await service.connect(0, 1)).disconnect()
