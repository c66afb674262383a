"""What reaches a node over a real socket, from its cluster and from strangers."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import socket
import time
from collections.abc import AsyncIterator

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
    """A node that listens, and what it did."""

    def __init__(self, address: NodeAddress) -> None:
        self.address, self.taken = address, []

    async def promoted(self, payload: dict) -> dict:
        self.taken.append(payload)
        return {"thanks": payload}


@pytest.fixture
async def called(free_ports) -> AsyncIterator[Called]:
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
    """Make sure that a request is refused and has done nothing; return the reason given."""
    before = list(called.taken)
    status, answer, headers = await post(called, method, body, signature)
    assert (status, answer["error"]["code"]) == (401, 1005)
    assert SIGNATURE not in headers
    assert called.taken == before
    return answer["error"]["details"]


async def test_a_node_of_the_cluster_is_heard(called: Called, client: RpcClient) -> None:
    answer = await client.call(called.address, PortName.CONTROL, "promoted", {"shard": 1}, 5)
    assert answer == {"thanks": {"shard": 1}}


@pytest.mark.parametrize("method", ["promoted", "status", "no.such.method"])
async def test_a_stranger_is_not_heard_and_learns_nothing(called: Called, method: str) -> None:
    for signature in (None, "", "x" * 100):
        assert await denied(called, method, b"{}", signature) == "the call is not signed"


async def test_a_call_overheard_cannot_be_used_again(called: Called) -> None:
    body = b'{"shard":1}'
    signature = trusted(CALLER).sign(CALLED, "promoted", body)
    assert (await post(called, "promoted", body, signature))[0] == 200
    assert await denied(called, "promoted", body, signature) == "the call is a replay"


async def test_a_call_overheard_is_no_use_for_anything_else(called: Called) -> None:
    signature = trusted(CALLER).sign(CALLED, "promoted", b'{"shard":1}')
    for method, body in [("promoted", b'{"shard":2}'), ("status", b'{"shard":1}'), ("promoted", b"")]:
        assert "not signed with the secret" in await denied(called, method, body, signature)


async def test_a_call_to_one_node_is_no_use_at_another(called: Called) -> None:
    signature = trusted(CALLER).sign("127.0.0.1:another", "promoted", b"{}")
    assert "meant for another node" in await denied(called, "promoted", b"{}", signature)


async def test_a_call_of_yesterday_is_refused(called: Called) -> None:
    signature = trusted(CALLER, ahead=-86400).sign(CALLED, "promoted", b"{}")
    assert "86400 s behind the database's" in await denied(called, "promoted", b"{}", signature)


async def test_a_body_without_end_is_cut_off(called: Called) -> None:
    body = b" " * (LARGEST_BODY + 1)
    status, _answer, _headers = await post(called, "promoted", body, trusted(CALLER).sign(CALLED, "promoted", body))
    assert status == 413
    assert called.taken == []


async def test_an_unsigned_body_is_not_waited_for(called: Called) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", called.address.ports[PortName.CONTROL])
    writer.write(b"POST /promoted HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n")
    async with asyncio.timeout(5):
        assert b" 401 " in await reader.readline()
    writer.close()


async def test_a_caller_with_another_secret_is_told_by_name(called: Called, caplog: pytest.LogCaptureFixture) -> None:
    client = RpcClient(trusted(CALLER, secret="another"))
    for _twice in range(2):
        with pytest.raises(
            RpcError, match=f"{CALLED} refuses the calls of this node: the call is not signed with"
        ) as error:
            await client.call(called.address, PortName.CONTROL, "promoted", {}, 5)
        assert error.value.code == 1014  # no fault of whoever called the API
    assert [record.levelname for record in caplog.records] == ["WARNING"]  # said once
    await client.close()


async def test_who_answers_in_a_nodes_place_is_not_believed(client: RpcClient, free_ports) -> None:
    async def lie(request: web.Request) -> web.Response:
        return web.json_response({"holds": True}, headers={SIGNATURE: request.headers[SIGNATURE].rpartition("-")[2]})

    application = web.Application()
    application.router.add_post("/{method}", lie)
    runner, (port,) = web.AppRunner(application), free_ports(1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    stranger = NodeAddress("127.0.0.1:master2", "master", "127.0.0.1", (port, port, port, port))
    with pytest.raises(RpcError, match="the answer is not signed with the secret of this cluster"):
        await client.call(stranger, PortName.CONTROL, "prove", {}, 5)
    await runner.cleanup()


async def test_a_handlers_refusal_arrives_as_it_is(called: Called, client: RpcClient) -> None:
    with pytest.raises(RpcError, match="1006 Resource not found: no method other on this port"):
        await client.call(called.address, PortName.CONTROL, "other", {}, 5)


async def test_a_node_that_is_away_is_no_answer(called: Called, client: RpcClient, free_ports) -> None:
    away = dataclasses.replace(called.address, ports=free_ports(4))
    with pytest.raises(RpcError, match="does not answer"):
        await client.call(away, PortName.CONTROL, "promoted", {}, 5)


async def test_an_address_that_nobody_has_any_more_does_not_take_the_whole_time(
    called: Called, client: RpcClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rpc_client, "CONNECT_TIMEOUT", 0.1)
    with contextlib.ExitStack() as sockets:
        silent = sockets.enter_context(socket.socket())
        silent.bind(("127.0.0.1", 0))
        silent.listen(0)
        for _one in range(3):  # when its queue is full, Linux answers no further connection
            waiting = sockets.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(silent.getsockname())
        gone = dataclasses.replace(called.address, ports=(silent.getsockname()[1],) * 4)
        async with asyncio.timeout(10):
            with pytest.raises(RpcError, match="does not answer"):
                await client.call(gone, PortName.CONTROL, "promoted", {}, 60)


async def test_a_name_whose_address_another_node_has_taken_over_is_looked_up_again(
    client: RpcClient, free_ports, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rpc_client, "DNS_CACHE", 0.01)
    loop, found = asyncio.get_running_loop(), "127.0.0.1"
    look_up = loop.getaddrinfo

    def looked_up(name: str, *rest, **options):
        return look_up(found if name == "coreapp1" else name, *rest, **options)

    monkeypatch.setattr(loop, "getaddrinfo", looked_up)
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
