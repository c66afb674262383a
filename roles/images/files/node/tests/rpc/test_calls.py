"""Calls over real sockets, from nodes of the cluster and from strangers."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from waba_node.address import NodeAddress, PortName
from waba_node.rpc import ClusterTime, RpcClient, RpcError, RpcServer, Trust
from waba_node.rpc import client as rpc_client
from waba_node.rpc.protocol import LARGEST_BODY, SIGNATURE

CALLER, CALLED = "127.0.0.1:master", "127.0.0.1:coreapp"


def trusted(node_id: str, secret: str = "secret", ahead: float = 0.0) -> Trust:
    made = ClusterTime(time.time)
    made.synchronize(0, 0, ahead)
    return Trust(node_id, secret, made)


class Called:
    """A node that listens, and the calls that it answered."""

    def __init__(self, address: NodeAddress) -> None:
        self.address, self.answered = address, []

    async def promoted(self, payload: dict) -> dict:
        self.answered.append(payload)
        return {"thanks": payload}


@pytest.fixture
async def called(free_ports: Callable[[int], tuple[int, ...]]) -> AsyncIterator[Called]:
    ports = free_ports(4)
    made = Called(NodeAddress(CALLED, "coreapp", "127.0.0.1", ports))
    server = RpcServer(ports, trusted(CALLED))
    for method in ("promoted", "status"):
        server.add(PortName.CONTROL, method, made.promoted)
    await server.start()
    yield made
    await server.stop()


@pytest.fixture
async def client() -> AsyncIterator[RpcClient]:
    made = RpcClient(trusted(CALLER))
    yield made
    await made.close()


async def post(called: Called, method: str, body: bytes, signature: str | None) -> tuple[int, dict, dict]:
    """Return (status, answer, headers) of a bare request."""
    headers = {} if signature is None else {SIGNATURE: signature}
    url = f"http://{called.address.at(PortName.CONTROL)}/{method}"
    async with aiohttp.ClientSession() as session, session.post(url, data=body, headers=headers) as response:
        text = await response.text()
        return response.status, json.loads(text) if text.startswith("{") else {}, response.headers


async def denied(called: Called, method: str, body: bytes, signature: str | None) -> str:
    """Assert that a request is refused and has no effect; return the reason."""
    before = list(called.answered)
    status, answer, headers = await post(called, method, body, signature)
    assert (status, answer["error"]["code"]) == (401, 1005)
    assert SIGNATURE not in headers
    assert called.answered == before
    return answer["error"]["details"]


async def test_a_call_of_the_cluster_is_answered(called: Called, client: RpcClient) -> None:
    answer = await client.call(called.address, PortName.CONTROL, "promoted", {"shard": 1}, 5)
    assert answer == {"thanks": {"shard": 1}}


@pytest.mark.parametrize("method", ["promoted", "status", "no.such.method"])
async def test_an_unsigned_call_is_refused_without_details(called: Called, method: str) -> None:
    for signature in (None, "", "x" * 100):
        assert await denied(called, method, b"{}", signature) == "the call is not signed"


async def test_a_replayed_call_is_refused(called: Called) -> None:
    body = b'{"shard":1}'
    signature = trusted(CALLER).sign(CALLED, "promoted", body)
    assert (await post(called, "promoted", body, signature))[0] == 200
    assert await denied(called, "promoted", body, signature) == "the call is a replay"


async def test_a_signature_is_valid_for_its_method_and_body_only(called: Called) -> None:
    signature = trusted(CALLER).sign(CALLED, "promoted", b'{"shard":1}')
    for method, body in [("promoted", b'{"shard":2}'), ("status", b'{"shard":1}'), ("promoted", b"")]:
        assert "not signed with the secret" in await denied(called, method, body, signature)


async def test_a_call_to_another_node_is_refused(called: Called) -> None:
    signature = trusted(CALLER).sign("127.0.0.1:another", "promoted", b"{}")
    assert "meant for another node" in await denied(called, "promoted", b"{}", signature)


async def test_a_stale_call_is_refused(called: Called) -> None:
    signature = trusted(CALLER, ahead=-86400).sign(CALLED, "promoted", b"{}")
    assert "86400 s behind the database's" in await denied(called, "promoted", b"{}", signature)


async def test_a_body_that_is_too_large_is_refused(called: Called) -> None:
    body = b" " * (LARGEST_BODY + 1)
    status, _answer, _headers = await post(called, "promoted", body, trusted(CALLER).sign(CALLED, "promoted", body))
    assert status == 413
    assert called.answered == []


async def test_the_body_of_an_unsigned_call_is_not_read(called: Called) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", called.address.ports[PortName.CONTROL])
    writer.write(b"POST /promoted HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n")
    async with asyncio.timeout(5):
        assert b" 401 " in await reader.readline()
    writer.close()


async def test_a_caller_with_another_secret_logs_the_refusing_node_once(
    called: Called, caplog: pytest.LogCaptureFixture
) -> None:
    client = RpcClient(trusted(CALLER, secret="another"))
    for _twice in range(2):
        with pytest.raises(
            RpcError, match=f"{CALLED} refuses the calls of this node: the call is not signed with"
        ) as error:
            await client.call(called.address, PortName.CONTROL, "promoted", {}, 5)
        assert error.value.code == 1014  # not the fault of the API's client
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    await client.close()


async def test_an_answer_of_a_stranger_is_not_trusted(
    client: RpcClient, free_ports: Callable[[int], tuple[int, ...]]
) -> None:
    async def forge(request: web.Request) -> web.Response:
        return web.json_response({"granted": True}, headers={SIGNATURE: request.headers[SIGNATURE].rpartition("-")[2]})

    application = web.Application()
    application.router.add_post("/{method}", forge)
    runner, (port,) = web.AppRunner(application), free_ports(1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    stranger = NodeAddress("127.0.0.1:master2", "master", "127.0.0.1", (port, port, port, port))
    with pytest.raises(RpcError, match="the answer is not signed with the secret of this cluster"):
        await client.call(stranger, PortName.CONTROL, "ownership.renew", {}, 5)
    await runner.cleanup()


async def test_a_handlers_refusal_reaches_the_caller(called: Called, client: RpcClient) -> None:
    with pytest.raises(RpcError, match="1006 Resource not found: no method other on this port"):
        await client.call(called.address, PortName.CONTROL, "other", {}, 5)


async def test_a_call_to_a_stopped_node_fails(
    called: Called, client: RpcClient, free_ports: Callable[[int], tuple[int, ...]]
) -> None:
    away = dataclasses.replace(called.address, ports=free_ports(4))
    with pytest.raises(RpcError, match="does not answer"):
        await client.call(away, PortName.CONTROL, "promoted", {}, 5)


async def test_a_call_to_an_address_without_a_host_fails_before_its_timeout(
    called: Called, client: RpcClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rpc_client, "CONNECT_TIMEOUT", 0.1)
    with contextlib.ExitStack() as sockets:
        silent = sockets.enter_context(socket.socket())
        silent.bind(("127.0.0.1", 0))
        silent.listen(0)
        for _one in range(3):  # Linux answers no further connection when the queue is full
            waiting = sockets.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(silent.getsockname())
        gone = dataclasses.replace(called.address, ports=(silent.getsockname()[1],) * 4)
        async with asyncio.timeout(10):
            with pytest.raises(RpcError, match=r"does not answer: no answer in time$"):
                await client.call(gone, PortName.CONTROL, "promoted", {}, 60)


async def test_a_name_is_resolved_again_after_another_node_took_over_its_address(
    client: RpcClient, free_ports: Callable[[int], tuple[int, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rpc_client, "DNS_CACHE", 0.01)
    loop, found = asyncio.get_running_loop(), "127.0.0.1"
    resolve = loop.getaddrinfo

    def resolved(name: str, *rest: Any, **options: Any) -> Awaitable[Any]:
        return resolve(found if name == "coreapp1" else name, *rest, **options)

    monkeypatch.setattr(loop, "getaddrinfo", resolved)
    ports = free_ports(4)
    other, moved = (
        RpcServer(ports, trusted(node), host=host)
        for node, host in (("127.0.0.1:other", "127.0.0.1"), (CALLED, "127.0.0.2"))
    )
    moved.add(PortName.CONTROL, "promoted", Called(NodeAddress(CALLED, "coreapp", "coreapp1", ports)).promoted)
    await other.start()
    await moved.start()
    address = NodeAddress(CALLED, "coreapp", "coreapp1", ports)
    with pytest.raises(RpcError, match="was meant for another node"):
        await client.call(address, PortName.CONTROL, "promoted", {}, 5)
    found = "127.0.0.2"
    await asyncio.sleep(0.05)
    assert await client.call(address, PortName.CONTROL, "promoted", {}, 5) == {"thanks": {}}
    await other.stop()
    await moved.stop()
