"""Links in messages against a real server: where a link may lead, and which files are cut off."""

from __future__ import annotations

import asyncio
import ipaddress
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from waba_node.upstream.cloud.links import LinkedFile, LinkFailed, LinkFetcher, LinkRefused, provider_authorization
from yarl import URL

JPEG = b"\xff\xd8\xff" + bytes(5000)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[int]:
    """The port of a server on all addresses of 127/8."""
    runner = web.ServerRunner(web.Server(handler, access_log=None))
    await runner.setup()
    await web.TCPSite(runner, "0.0.0.0", 0).start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


async def picture(_request: web.Request) -> web.Response:
    return web.Response(body=JPEG, content_type="image/jpeg")


def resolving(**names: str) -> Callable[[str, int], Awaitable[list[str]]]:
    """A name server that has these names (with _ for .), and counts questions."""

    async def resolve(host: str, _port: int) -> list[str]:
        resolve.asked.append(host)
        try:
            return names[host.replace(".", "_")].split()
        except KeyError:
            return [str(ipaddress.ip_address(host))]

    resolve.asked = []
    return resolve


async def fetch(fetcher: LinkFetcher, link: str, **options: object) -> tuple[LinkedFile, bytes]:
    async with fetcher.open(link, **{"largest": 1 << 20, **options}) as file:
        return file, b"".join([chunk async for chunk in file.content])


LOCAL = LinkFetcher(["127.0.0.1", "localhost"])


async def test_file_is_fetched_with_its_type_and_size() -> None:
    async with serving(picture) as port:
        file, content = await fetch(LOCAL, f"http://127.0.0.1:{port}/a.jpg", content_types={"image/jpeg"})
    assert (file.content_type, file.size, content) == ("image/jpeg", len(JPEG), JPEG)


# -- addresses -----------------------------------------------------------------------------------------------------------

FORBIDDEN = [
    "127.0.0.1",
    "127.255.0.9",
    "0.0.0.0",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",  # metadata service of clouds
    "100.64.0.1",
    "192.0.0.8",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "fc00::1",
    "fd00:ec2::254",
    "ff02::1",
    "2001:db8::1",
    "2001:0:53aa:64c:0:0:f5ff:fffe",  # Teredo
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::a00:1",
    "2002:7f00:1::1",
    "2002:a9fe:a9fe::",
    "93.184.216.34",  # passed in as the cluster's own
    "::ffff:93.184.216.34",
    "2606:2800:220:1::1",
]


@pytest.mark.parametrize("address", FORBIDDEN)
async def test_link_to_a_forbidden_address_is_refused(address: str) -> None:
    fetcher = LinkFetcher(
        own_addresses=["93.184.216.34", "2606:2800:220:1::1"], resolve=resolving(files_example=address)
    )
    with pytest.raises(LinkRefused, match=r"files\.example is not on the internet; WABA_CLOUD_LINK_HOSTS"):
        await fetch(fetcher, "https://files.example/a")


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "127.1", "2130706433", "0x7f000001", "017700000001", "[::1]", "[::ffff:127.0.0.1]", "localhost"],
)
async def test_other_spellings_of_loopback_are_refused(host: str) -> None:
    async with serving(picture) as port:
        with pytest.raises(LinkRefused):
            await fetch(LinkFetcher(), f"http://{host}:{port}/")


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1::2", "64:ff9b::5db8:d822", "2002:5db8:d822::1"])
async def test_addresses_of_the_internet_are_permitted(address: str) -> None:
    fetcher = LinkFetcher(resolve=resolving(files_example=f"127.0.0.1 {address} 10.0.0.1"))
    assert await fetcher.permitted_addresses(URL("https://files.example/")) == [address]


async def test_allowed_host_is_reached_whatever_its_address_is() -> None:
    fetcher = LinkFetcher(["Files.Example"], ["127.0.0.1"], resolve=resolving(files_example="127.0.0.1"))
    async with serving(picture) as port:
        assert (await fetch(fetcher, f"http://files.example:{port}/"))[1] == JPEG
        with pytest.raises(LinkRefused):
            await fetch(fetcher, f"http://127.0.0.1:{port}/")


async def test_connection_goes_to_the_checked_address_without_another_question() -> None:
    resolve = resolving(files_example="127.0.0.1")
    hosts: list[str] = []

    async def handler(request: web.Request) -> web.Response:
        hosts.append(request.headers["Host"])
        return await picture(request)

    async with serving(handler) as port:
        await fetch(LinkFetcher(["files.example"], resolve=resolve), f"http://files.example:{port}/")
    assert resolve.asked == ["files.example"]
    assert hosts == [f"files.example:{port}"]


async def test_next_address_is_tried_when_one_refuses() -> None:
    runner = web.ServerRunner(web.Server(picture, access_log=None))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.2", 0).start()
    fetcher = LinkFetcher(["files.example"], resolve=resolving(files_example="127.0.0.1 127.0.0.2"))
    assert (await fetch(fetcher, f"http://files.example:{runner.addresses[0][1]}/"))[1] == JPEG
    await runner.cleanup()


async def test_unknown_host_may_be_known_later() -> None:
    with pytest.raises(LinkFailed, match=r"the name of nowhere\.invalid is not resolved"):
        await fetch(LinkFetcher(), "https://nowhere.invalid/secret?token=1")


@pytest.mark.parametrize("link", ["file:///etc/passwd", "ftp://files.example/", "/a", "http:///a", "http://a:b/"])
async def test_only_http_and_https_are_links(link: str) -> None:
    with pytest.raises(LinkRefused):
        await fetch(LinkFetcher(), link)


async def test_proxy_gets_the_checked_address() -> None:
    asked: list[str] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append((await reader.readline()).decode().strip())
        writer.write(b"HTTP/1.1 403 Forbidden\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    proxy = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    names = resolving(files_example="93.184.216.34", inside_example="127.0.0.1")
    fetcher = LinkFetcher(["inside.example"], proxy=proxy, resolve=names)
    with pytest.raises(LinkFailed, match="the proxy answers HTTP 403"):
        await fetch(fetcher, "https://files.example/a")
    assert asked == ["CONNECT 93.184.216.34:443 HTTP/1.1"]
    with pytest.raises(LinkRefused, match="only https links"):
        await fetch(fetcher, "http://files.example/a")
    async with serving(picture) as port:
        assert (await fetch(fetcher, f"http://inside.example:{port}/"))[1] == JPEG
    assert len(asked) == 1
    server.close()


# -- redirects -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "location",
    ["http://169.254.169.254/", "http://127.0.0.2:{port}/", "//[::1]:{port}/", "file:///etc/passwd", "gopher://x/"],
)
async def test_redirect_to_a_forbidden_target_is_refused(location: str) -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": location.format(port=request.url.port)})

    async with serving(handler) as port:
        with pytest.raises(LinkRefused):
            await fetch(LOCAL, f"http://127.0.0.1:{port}/")


async def test_redirects_are_followed_five_times() -> None:
    async def handler(request: web.Request) -> web.Response:
        hop = int(request.path[1:])
        if hop == 0:
            return await picture(request)
        return web.Response(status=307, headers={"Location": f"/{hop - 1}"})

    async with serving(handler) as port:
        assert (await fetch(LOCAL, f"http://127.0.0.1:{port}/5"))[1] == JPEG
        with pytest.raises(LinkRefused, match="redirected more than 5 times"):
            await fetch(LOCAL, f"http://127.0.0.1:{port}/6")


@pytest.mark.parametrize(
    ("config", "header"),
    [
        ({"bearer": "abc"}, "Bearer abc"),
        ({"basic": {"username": "ada", "password": "s:ü"}}, "Basic YWRhOnM6w7w="),
    ],
)
async def test_credentials_go_to_the_host_of_the_link_only(config: dict, header: str) -> None:
    seen: list[tuple[str, str | None]] = []

    async def handler(request: web.Request) -> web.Response:
        seen.append((request.path, request.headers.get("Authorization")))
        targets = {"/1": "/2", "/2": f"http://localhost:{request.url.port}/3"}
        if request.path in targets:
            return web.Response(status=301, headers={"Location": targets[request.path]})
        return await picture(request)

    async with serving(handler) as port:
        link = f"http://user:password@127.0.0.1:{port}/1"
        await fetch(LOCAL, link, authorization=provider_authorization(config))
    assert seen == [("/1", header), ("/2", header), ("/3", None)]


# -- files ---------------------------------------------------------------------------------------------------------------


async def test_file_without_an_end_is_cut_off_at_the_limit() -> None:
    sent = 0

    async def handler(request: web.Request) -> web.StreamResponse:
        nonlocal sent
        response = web.StreamResponse(headers={"Content-Type": "image/jpeg"})
        await response.prepare(request)
        while True:
            await response.write(JPEG)
            sent += len(JPEG)

    async with serving(handler) as port:
        with pytest.raises(LinkRefused, match="more than 100000 bytes"):
            await fetch(LOCAL, f"http://127.0.0.1:{port}/", largest=100_000)
    assert sent < 50_000_000


async def test_file_that_trickles_is_cut_off_in_time() -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "image/jpeg"})
        await response.prepare(request)
        while True:
            await response.write(JPEG[:100])
            await asyncio.sleep(0.05)

    async with serving(handler) as port:
        fetcher = LinkFetcher(["127.0.0.1"], duration=0.3)
        with pytest.raises(LinkFailed, match="no answer in time"):
            await fetch(fetcher, f"http://127.0.0.1:{port}/")


async def test_announced_size_beyond_the_limit_is_refused_before_the_content() -> None:
    async with serving(picture) as port:
        with pytest.raises(LinkRefused, match="the file has 5003 bytes; 5002 are allowed"):
            await fetch(LOCAL, f"http://127.0.0.1:{port}/", largest=5002)


async def test_file_shorter_than_announced_is_incomplete() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nContent-Length: 9999\r\n\r\n" + JPEG)
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    with pytest.raises(LinkFailed, match="incomplete"):
        await fetch(LOCAL, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
    server.close()


@pytest.mark.parametrize(
    ("content_type", "content", "problem"),
    [
        ("text/html", b"<html>", "the file is 'text/html', not one of image/jpeg, image/png"),
        ("image/jpeg", b"<html>login</html>", "the file is not image/jpeg"),
        ("image/png", JPEG, "the file is not image/png"),
        ("image/jpeg", b"", "empty"),
        ("image/" + "x" * 250, JPEG, "more than 255 characters"),
    ],
)
async def test_file_of_another_type_is_refused(content_type: str, content: bytes, problem: str) -> None:
    async def handler(_request: web.Request) -> web.Response:
        return web.Response(body=content, content_type=content_type)

    async with serving(handler) as port:
        with pytest.raises(LinkRefused, match=problem):
            await fetch(LOCAL, f"http://127.0.0.1:{port}/", content_types={"image/jpeg", "image/png"})


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "identity, gzip"])
async def test_compressed_file_is_refused(encoding: str) -> None:
    async def handler(_request: web.Request) -> web.Response:
        bomb = zlib.compress(JPEG + bytes(1 << 20))
        return web.Response(body=bomb, headers={"Content-Encoding": encoding, "Content-Type": "image/jpeg"})

    async with serving(handler) as port:
        with pytest.raises(LinkRefused, match="compressed"):
            await fetch(LOCAL, f"http://127.0.0.1:{port}/")


@pytest.mark.parametrize(
    ("status", "problem"),
    [(404, LinkRefused), (401, LinkRefused), (206, LinkRefused), (429, LinkFailed), (503, LinkFailed)],
)
async def test_other_answers_are_refused_or_may_succeed_later(status: int, problem: type[Exception]) -> None:
    async def handler(_request: web.Request) -> web.Response:
        return web.Response(status=status)

    async with serving(handler) as port:
        with pytest.raises(problem, match=rf"127\.0\.0\.1 answers HTTP {status}$"):
            await fetch(LOCAL, f"http://127.0.0.1:{port}/a?secret")
