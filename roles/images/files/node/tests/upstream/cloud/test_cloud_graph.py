"""The Graph API client against real servers: which failures certainly had no effect, and where the token goes."""

from __future__ import annotations

import asyncio
import json
import socket
import time
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from waba_node.upstream.cloud.graph import CloudError, GraphClient, NoAnswer, NotWritten
from yarl import URL

TOKEN = "EAAGsecret0123456789"
ACCEPTED = b'{"messaging_product":"whatsapp","messages":[{"id":"wamid.X"}]}'
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Peer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def client(base_url: str, **options: object) -> GraphClient:
    return GraphClient(base_url=base_url, version="v25.0", phone_number_id="700", waba_id="800", token=TOKEN, **options)


@asynccontextmanager
async def serving(handler: Handler, **options: object) -> AsyncIterator[GraphClient]:
    """A client of an HTTP server on 127.0.0.1 that answers every request with `handler`."""
    runner = web.ServerRunner(web.Server(handler, access_log=None))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made = client(f"http://127.0.0.1:{runner.addresses[0][1]}", **options)
    try:
        yield made
    finally:
        await made.close()
        await runner.cleanup()


@asynccontextmanager
async def peer(handler: Peer, scheme: str = "http", **options: object) -> AsyncIterator[GraphClient]:
    """A client of a server that treats the bytes of a connection itself."""
    server = await asyncio.start_server(handler, "127.0.0.1", 0)
    made = client(f"{scheme}://127.0.0.1:{server.sockets[0].getsockname()[1]}", **options)
    try:
        yield made
    finally:
        await made.close()
        server.close()


async def read_request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    fields = dict(line.split(b": ", 1) for line in head.split(b"\r\n")[1:-2])
    return head + await reader.readexactly(int(fields.get(b"Content-Length", b"0")))


def answer(body: bytes, promised: int | None = None) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (len(body) if promised is None else promised) + body


async def test_send_posts_the_body_with_token_and_user_agent() -> None:
    seen: list[tuple[str, str, dict, dict]] = []

    async def handler(request: web.Request) -> web.Response:
        seen.append((request.method, request.path, dict(request.headers), await request.json()))
        return web.Response(body=ACCEPTED, content_type="application/json")

    async with serving(handler) as graph:
        assert await graph.send({"text": {"body": "Grüße"}}) == json.loads(ACCEPTED)
        await graph.mark_read("wamid.IN")
    method, path, headers, body = seen[0]
    assert (method, path, body) == ("POST", "/v25.0/700/messages", {"text": {"body": "Grüße"}})
    assert headers["Authorization"] == f"Bearer {TOKEN}"
    assert headers["Content-Type"] == "application/json"
    assert headers["User-Agent"].startswith("waba-cluster/")
    assert seen[1][3] == {"messaging_product": "whatsapp", "status": "read", "message_id": "wamid.IN"}


async def test_error_of_the_api_is_raised_with_code_and_trace() -> None:
    error = {"code": 131056, "message": "(#131056) pair limit", "error_data": {"details": "Slow"}, "fbtrace_id": "Ax1"}

    async def handler(_request: web.Request) -> web.Response:
        return web.json_response({"error": error}, status=400, headers={"Retry-After": "4"})

    async with serving(handler) as graph:
        with pytest.raises(CloudError) as caught:
            await graph.send({})
    assert caught.value.http_status == 400
    assert caught.value.error == error
    assert caught.value.trace_id == "Ax1"
    assert caught.value.retry_after == 4
    assert str(caught.value) == "HTTP 400, code 131056: (#131056) pair limit: Slow (trace Ax1)"


async def test_usage_header_gives_the_pause_of_a_throttled_account() -> None:
    usage = {"800": [{"type": "whatsapp", "call_count": 100, "estimated_time_to_regain_access": 3}]}

    async def handler(_request: web.Request) -> web.Response:
        headers = {"X-Business-Use-Case-Usage": json.dumps(usage)}
        return web.json_response({"error": {"code": 80007}}, status=400, headers=headers)

    async with serving(handler) as graph:
        with pytest.raises(CloudError) as caught:
            await graph.get("800")
    assert caught.value.retry_after == 180


@pytest.mark.parametrize(
    "headers",
    [
        {"Retry-After": "9" * 400},
        {"X-Business-Use-Case-Usage": '{"800": [{"estimated_time_to_regain_access": 1e300}]}'},
    ],
)
async def test_answer_holds_calls_back_for_an_hour_at_most(headers: dict[str, str]) -> None:
    async def handler(_request: web.Request) -> web.Response:
        return web.json_response({"error": {"code": 130429}}, status=429, headers=headers)

    async with serving(handler) as graph:
        with pytest.raises(CloudError) as caught:
            await graph.send({})
    assert caught.value.retry_after == 3600


@pytest.mark.parametrize("status", [302, 404, 502])
async def test_answer_of_a_proxy_without_an_error_object_is_an_error_without_code(status: int) -> None:
    async def handler(_request: web.Request) -> web.Response:
        return web.Response(status=status, text="<html>", headers={"Location": "/elsewhere"})

    async with serving(handler) as graph:
        with pytest.raises(CloudError) as caught:
            await graph.send({})
    assert (caught.value.http_status, caught.value.error) == (status, None)


async def test_error_in_a_successful_answer_is_an_error() -> None:
    async def handler(_request: web.Request) -> web.Response:
        return web.json_response({"error": {"code": 1, "message": "unknown"}})

    async with serving(handler) as graph:
        with pytest.raises(CloudError, match="HTTP 200, code 1: unknown"):
            await graph.send({})


@pytest.mark.parametrize("body", [b"", b"OK", b"[]", b'{"messages":[', b"\xff{}"])
async def test_success_without_a_json_object_is_no_answer(body: bytes) -> None:
    async def handler(_request: web.Request) -> web.Response:
        return web.Response(body=body)

    async with serving(handler) as graph:
        with pytest.raises(NoAnswer):
            await graph.send({})


# -- certainly nothing was written ---------------------------------------------------------------------------------------


async def test_refused_connection_wrote_nothing() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        graph = client(f"http://127.0.0.1:{free.getsockname()[1]}")
        with pytest.raises(NotWritten, match=r"no connection to 127\.0\.0\.1:\d+: "):
            await graph.send({})
        await graph.close()


async def test_unknown_host_wrote_nothing() -> None:
    graph = client("http://graph.invalid")
    with pytest.raises(NotWritten, match=r"graph\.invalid"):
        await graph.send({})
    await graph.close()


async def test_failed_tls_handshake_wrote_nothing() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with peer(talk, "https") as graph:
        with pytest.raises(NotWritten):
            await graph.send({})


async def test_handshake_without_an_end_wrote_nothing() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with peer(talk, "https", timeout=0.3) as graph:
        with pytest.raises(NotWritten):
            await graph.send({})


async def test_refused_tunnel_wrote_nothing() -> None:
    async def handler(_request: web.Request) -> web.Response:
        return web.Response(status=403)

    async with serving(handler) as proxy:
        graph = client("https://graph.facebook.com", proxy=str(proxy.base))
        with pytest.raises(NotWritten, match="the proxy answers HTTP 403"):
            await graph.send({})
        await graph.close()


async def test_closed_client_wrote_nothing() -> None:
    async with serving(web.Application()._handle) as graph:
        with pytest.raises(CloudError):
            await graph.send({})
        await graph.close()
        with pytest.raises(NotWritten):
            await graph.send({})


@pytest.mark.parametrize("blocked", [True, False])
async def test_connection_closed_by_the_server_while_unused_is_replaced(blocked: bool) -> None:
    """The event loop learns of the end only after a block of the process."""
    connections: list[asyncio.StreamWriter] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(writer)
        await read_request(reader)
        writer.write(answer(ACCEPTED))
        await writer.drain()

    async with peer(talk) as graph:
        await asyncio.gather(*(graph.send({}) for _message in range(3)))
        assert len(connections) == 3
        for writer in connections:
            with writer.get_extra_info("socket").dup() as real:
                real.shutdown(socket.SHUT_WR)
        if blocked:
            time.sleep(0.05)  # the loop must not run
        else:
            await asyncio.sleep(0.05)
        await graph.send({})
        assert len(connections) == 4


# -- perhaps written -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sent", [b"", b"HTTP/1.1 2", answer(ACCEPTED, 999), b"SSH-2.0-OpenSSH\r\n"])
async def test_connection_that_ends_without_a_complete_answer_is_no_answer(sent: bytes) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(sent)
        writer.close()

    async with peer(talk) as graph:
        with pytest.raises(NoAnswer):
            await graph.send({})


async def test_connection_that_ends_at_once_is_one_of_both() -> None:
    """Nothing was written if the client learns of the end first."""

    async def talk(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    async with peer(talk) as graph:
        results = await asyncio.gather(*(graph.send({}) for _message in range(100)), return_exceptions=True)
    assert {type(result) for result in results} <= {NoAnswer, NotWritten}


async def test_reset_after_a_part_of_the_request_is_no_answer() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(20)
        writer.transport.abort()

    async with peer(talk) as graph:
        with pytest.raises(NoAnswer):
            await graph.send({"text": "x" * 5_000_000})


@pytest.mark.parametrize("sent", [b"", answer(ACCEPTED, 999)])
async def test_late_answer_is_no_answer(sent: bytes) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(sent)
        await reader.read()
        writer.close()

    async with peer(talk, timeout=0.2) as graph:
        with pytest.raises(NoAnswer):
            await graph.send({})


async def test_closing_the_client_ends_a_call_without_an_answer() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        asyncio.get_running_loop().call_soon(asyncio.ensure_future, graph.close())
        await reader.read()
        writer.close()

    async with peer(talk) as graph:
        with pytest.raises(NoAnswer):
            await graph.send({})


async def test_client_posts_250_messages_at_the_same_time() -> None:
    waiting, all_there = 0, asyncio.Event()

    async def handler(_request: web.Request) -> web.Response:
        nonlocal waiting
        waiting += 1
        if waiting == 250:
            all_there.set()
        await all_there.wait()
        return web.Response(body=ACCEPTED)

    async with serving(handler) as graph:
        await asyncio.gather(*(graph.send({}) for _message in range(250)))


# -- the token -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "receives"),
    [
        ("https://graph.facebook.com/v25.0/1", True),
        ("https://lookaside.fbsbx.com/whatsapp_business/attachments/?mid=1", True),
        ("https://scontent.xx.fbcdn.net/v/1", True),
        ("http://lookaside.fbsbx.com/", False),
        ("https://fbsbx.com.evil.example/", False),
        ("https://evilfbsbx.com/", False),
        ("https://gateway.example/", True),
        ("http://gateway.example/", False),
        ("https://www.gateway.example/", False),
        ("https://user@evil.example/?host=graph.facebook.com", False),
    ],
)
async def test_token_goes_to_the_base_url_and_to_hosts_of_meta_only(url: str, receives: bool) -> None:
    graph = client("https://gateway.example/")
    assert ("Authorization" in graph._headers(URL(url))) is receives


async def test_download_follows_redirects_and_drops_the_token_elsewhere() -> None:
    seen: list[tuple[str, str | None]] = []

    async def handler(request: web.Request) -> web.Response:
        seen.append((request.path, request.headers.get("Authorization")))
        if request.path == "/start":
            raise web.HTTPFound("/second")
        if request.path == "/second":
            raise web.HTTPFound(f"http://localhost:{request.url.port}/end")
        return web.Response(body=b"bytes of the file")

    async with serving(handler) as graph:
        content = b"".join([chunk async for chunk in graph.download(f"{graph.base}/start")])
    assert content == b"bytes of the file"
    assert seen == [("/start", f"Bearer {TOKEN}"), ("/second", f"Bearer {TOKEN}"), ("/end", None)]


@pytest.mark.parametrize("location", ["/", "ftp://127.0.0.1/", "file:///etc/passwd"])
async def test_download_does_not_follow_redirects_for_ever_or_to_other_schemes(location: str) -> None:
    async def handler(_request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": location})

    async with serving(handler) as graph:
        with pytest.raises(NoAnswer, match="redirected"):
            [chunk async for chunk in graph.download(str(graph.base))]


async def test_expired_url_is_an_error_of_the_api() -> None:
    async def handler(_request: web.Request) -> web.Response:
        return web.Response(status=404)

    async with serving(handler) as graph:
        with pytest.raises(CloudError, match="HTTP 404"):
            [chunk async for chunk in graph.download(str(graph.base))]


async def test_incomplete_download_is_no_answer() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(answer(b"part", 100))
        writer.close()

    async with peer(talk) as graph:
        with pytest.raises(NoAnswer):
            [chunk async for chunk in graph.download(str(graph.base))]


async def test_token_is_in_no_exception_and_no_repr() -> None:
    async def handler(request: web.Request) -> web.Response:
        if request.path.endswith("/debug_token"):
            assert request.query["input_token"] == TOKEN
            request.transport.abort()
        message = f"Malformed access token {TOKEN}"
        return web.json_response({"error": {"code": 190, "message": message}}, status=401)

    async with serving(handler) as graph:
        assert TOKEN not in repr(graph)
        for call in (graph.send({}), graph.debug_token()):
            with pytest.raises((CloudError, NoAnswer)) as caught:
                await call
            error = caught.value
            text = "".join(traceback.format_exception(error)) + repr(error) + repr(vars(error))
            assert TOKEN not in text
            assert error.__context__ is None
            assert error.__cause__ is None


# -- uploads -------------------------------------------------------------------------------------------------------------


async def chunks(*content: bytes) -> AsyncIterator[bytes]:
    for chunk in content:
        yield chunk


@pytest.mark.parametrize("size", [6, None])
async def test_upload_is_a_form_with_a_named_and_typed_file(size: int | None) -> None:
    seen: dict[str, object] = {}

    async def handler(request: web.Request) -> web.Response:
        seen["path"], seen["length"] = request.path, request.content_length
        async for part in await request.multipart():
            seen[part.name] = (part.filename, part.headers["Content-Type"], await part.read())
        return web.json_response({"id": "900"})

    async with serving(handler) as graph:
        assert await graph.upload("a.ogg", "audio/ogg; codecs=opus", chunks(b"abc", b"def"), size) == "900"
    assert seen["path"] == "/v25.0/700/media"
    assert (seen["length"] is None) is (size is None)
    assert seen["file"] == ("a.ogg", "audio/ogg; codecs=opus", b"abcdef")
    assert seen["messaging_product"][2] == b"whatsapp"
    assert seen["type"][2] == b"audio/ogg; codecs=opus"


@pytest.mark.parametrize(
    ("content_type", "name"),
    [("audio/ogg; codecs=opus", "file.ogg"), ("image/jpeg", "file.jpg"), ("application/x-tar", "file.bin")],
)
async def test_upload_without_a_name_gets_the_extension_of_its_type(content_type: str, name: str) -> None:
    async def handler(request: web.Request) -> web.Response:
        names = [part.filename async for part in await request.multipart() if await part.read()]
        return web.json_response({"id": names[-1]})

    async with serving(handler) as graph:
        assert await graph.upload("", content_type, chunks(b"abc")) == name


async def test_upload_raises_the_failure_of_its_source() -> None:
    class BrokenFolderError(Exception):
        pass

    async def broken() -> AsyncIterator[bytes]:
        yield b"part"
        raise BrokenFolderError

    async def handler(request: web.Request) -> web.Response:
        await request.read()
        return web.json_response({"id": "900"})

    async with serving(handler) as graph:
        with pytest.raises(BrokenFolderError):
            await graph.upload("a.jpg", "image/jpeg", broken(), 100)


async def test_photo_goes_to_an_upload_session_with_an_oauth_header() -> None:
    seen: list[tuple[str, str, str, bytes]] = []

    async def handler(request: web.Request) -> web.Response:
        headers = request.headers
        seen.append((str(request.rel_url), headers["Authorization"], headers["file_offset"], await request.read()))
        return web.json_response({"h": "4::abc"})

    async with serving(handler) as graph:
        assert await graph.upload_to_session("upload:MTph==?sig=AR_-x", b"photo") == {"h": "4::abc"}
    assert seen == [("/v25.0/upload:MTph==?sig=AR_-x", f"OAuth {TOKEN}", "0", b"photo")]


async def test_calls_go_through_the_proxy() -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.json_response({"asked": str(request.url)})

    async with serving(handler) as proxy:
        graph = client("http://graph.invalid", proxy=str(proxy.base))
        info = await graph.number_info("status,throughput")
        await graph.close()
    assert info == {"asked": "http://graph.invalid/v25.0/700?fields=status,throughput"}
