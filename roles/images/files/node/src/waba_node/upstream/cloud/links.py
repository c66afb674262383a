"""Fetches a file behind a link in a message, which any client of the API can choose: the link must not reach what only the cluster can reach.

The name of the host is resolved once, forbidden addresses are dropped, and the connection goes to one of the others: a name server that answers
differently the next time changes nothing. Each redirect passes the same check. Size, duration and type are bounded. A compressed answer is
refused, so that a few bytes cannot become gigabytes.
"""

from __future__ import annotations

import asyncio
import base64
import ipaddress
import socket
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
from yarl import URL

from ...config import VERSION

CONNECT_TIMEOUT = 10.0  # seconds for the name, and for the connection with TLS to one address
READ_TIMEOUT = 20.0  # seconds without a byte
DURATION = 180.0  # seconds for the whole file
REDIRECTS = 5
ADDRESSES = 3  # of one host that are tried
USER_AGENT = f"waba-cluster/{VERSION}"
TEMPORARY = (408, 425, 429)  # and 5xx

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str, int], Awaitable[Collection[str]]]

UNICAST = ipaddress.IPv6Network(
    "2000::/3"
)  # everything else is local, multicast, reserved, or an IPv4 address in disguise
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  # RFC 6052: an IPv4 address in the last 32 bits
SPECIAL = tuple(  # what is_global and UNICAST leave, depending on the version of Python
    ipaddress.ip_network(network)
    for network in ("192.0.0.0/24", "192.88.99.0/24", "2001::/23", "2001:db8::/32", "3fff::/20")
)

SIGNATURES = {  # content type -> (offset, first bytes) of such a file
    "image/jpeg": (0, b"\xff\xd8\xff"),
    "image/png": (0, b"\x89PNG\r\n\x1a\n"),
    "image/webp": (8, b"WEBP"),
    "audio/ogg": (0, b"OggS"),
    "audio/amr": (0, b"#!AMR"),
    "audio/mp4": (4, b"ftyp"),
    "video/mp4": (4, b"ftyp"),
    "video/3gpp": (4, b"ftyp"),
    "application/pdf": (0, b"%PDF"),
}
LONGEST_TYPE = 255  # characters
LONGEST_SIGNATURE = 12  # bytes, with the offset


class LinkRefused(Exception):
    """The file is not fetched, and another attempt would not change that. The text has neither path, query nor credentials."""


class LinkFailed(Exception):
    """The file was not fetched; another attempt may succeed. The text has neither path, query nor credentials."""


@dataclass(frozen=True)
class LinkedFile:
    """A file that is being fetched. content_type: in lower case, with the parameters that the server sent. size: bytes, None if not announced.

    content: raises LinkRefused, LinkFailed.
    """

    content_type: str
    size: int | None
    content: AsyncIterator[bytes]


def provider_authorization(config: Mapping[str, Any]) -> str:
    """Return the Authorization header for the `config` of a media provider: `{"bearer": ...}` or `{"basic": {"username", "password"}}`."""
    if "bearer" in config:
        return f"Bearer {config['bearer']}"
    basic = config["basic"]
    return "Basic " + base64.b64encode(f"{basic['username']}:{basic['password']}".encode()).decode()


def is_public(address: Address) -> bool:
    """Return whether an address is one of the internet, also if it stands in an IPv6 address."""
    address = embedded_address(address)
    if any(address in network for network in SPECIAL):
        return False
    if isinstance(address, ipaddress.IPv6Address):
        return address in UNICAST
    return address.is_global and not address.is_multicast


def embedded_address(address: Address) -> Address:
    """Return the IPv4 address that stands in an IPv6 address (mapped, 6to4 or NAT64), otherwise the address itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address


async def resolve_host(host: str, port: int) -> Collection[str]:
    """Return the addresses of a host. Raises OSError."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


class LinkFetcher:
    """See the module."""

    def __init__(
        self,
        allowed_hosts: Collection[str] = (),
        own_addresses: Collection[str] = (),
        *,
        proxy: str = "",
        resolve: Resolve = resolve_host,
        duration: float = DURATION,
    ) -> None:
        """allowed_hosts: hosts that a link may reach although their addresses are private. own_addresses: those of the cluster's hosts.

        proxy: `http://host:port` by which the internet is reached. It gets the checked address too, which only a tunnel for https permits.
        """
        self.allowed_hosts = frozenset(host.lower().rstrip(".") for host in allowed_hosts)
        self.own_addresses = frozenset(ipaddress.ip_address(address) for address in own_addresses)
        self.proxy, self.resolve, self.duration = proxy, resolve, duration
        if proxy:  # aiohttp takes any proxy for an HTTPS one if the event loop is not asyncio's own
            warnings.filterwarnings("ignore", "An HTTPS request is being sent through an HTTPS proxy", RuntimeWarning)

    @asynccontextmanager
    async def open(
        self, link: str, *, largest: int, content_types: Collection[str] | None = None, authorization: str = ""
    ) -> AsyncIterator[LinkedFile]:
        """Fetch the file behind a link. Raises LinkRefused, LinkFailed.

        largest: bytes. content_types: those accepted, without parameters; None for any. authorization: the header for the host of the link; a
        redirect to another host does not get it.
        """
        deadline = asyncio.get_running_loop().time() + self.duration
        async with AsyncExitStack() as stack:
            response = await self._follow(stack, _parse(link), authorization, deadline)
            content_type = response.headers.get("Content-Type", "application/octet-stream").strip().lower()
            kind = content_type.partition(";")[0].strip()
            if len(content_type) > LONGEST_TYPE:
                raise LinkRefused(f"the content type of the file has more than {LONGEST_TYPE} characters")
            if content_types is not None and kind not in content_types:
                raise LinkRefused(f"the file is {kind[:100]!r}, not one of {', '.join(sorted(content_types))}")
            if response.headers.get("Content-Encoding", "identity").strip().lower() not in ("", "identity"):
                raise LinkRefused("the server sends the file compressed")
            if (response.content_length or 0) > largest:
                raise LinkRefused(f"the file has {response.content_length} bytes; {largest} are allowed")
            content = _bounded(response, largest)
            head = b""
            async for chunk in content:
                head += chunk
                if len(head) >= LONGEST_SIGNATURE:
                    break
            if not head:
                raise LinkRefused("the file is empty")
            offset, signature = SIGNATURES.get(kind, (0, b""))
            if not head[offset:].startswith(signature):
                raise LinkRefused(f"the file is not {kind}, as the server says")
            yield LinkedFile(content_type, response.content_length, _chain(head, content))

    async def _follow(
        self, stack: AsyncExitStack, target: URL, authorization: str, deadline: float
    ) -> aiohttp.ClientResponse:
        """Return the first answer that is no redirect, with status 200."""
        origin = target.origin()
        for _hop in range(REDIRECTS + 1):
            headers = {"Authorization": authorization} if authorization and target.origin() == origin else {}
            response = await self._request(stack, target, headers, deadline)
            location = response.headers.get("Location")
            if response.status in (301, 302, 303, 307, 308) and location:
                target = _parse(location, target)
            elif response.status == 200:
                return response
            elif response.status in TEMPORARY or response.status >= 500:
                raise LinkFailed(f"{target.host} answers HTTP {response.status}")
            else:
                raise LinkRefused(f"{target.host} answers HTTP {response.status}")
        raise LinkRefused(f"the link is redirected more than {REDIRECTS} times")

    async def _request(
        self, stack: AsyncExitStack, target: URL, headers: dict[str, str], deadline: float
    ) -> aiohttp.ClientResponse:
        """Request a URL from one of the permitted addresses of its host."""
        remaining = deadline - asyncio.get_running_loop().time()
        timeout = aiohttp.ClientTimeout(total=max(remaining, 0.001), connect=CONNECT_TIMEOUT, sock_read=READ_TIMEOUT)
        if headers:  # the header replaces what the link itself may contain
            target = target.with_user(None)
        proxy = self.proxy if self.proxy and not self._is_allowed(target) else None
        if proxy and target.scheme != "https":
            raise LinkRefused("only https links are fetched through the proxy")
        reason = "it has no address"
        for address in list(await self.permitted_addresses(target))[:ADDRESSES]:
            # The URL has the address itself, so that the library resolves nothing.
            session = await stack.enter_async_context(
                aiohttp.ClientSession(
                    connector=aiohttp.TCPConnector(force_close=True),
                    cookie_jar=aiohttp.DummyCookieJar(),
                    auto_decompress=False,
                    timeout=timeout,
                )
            )
            try:
                return await stack.enter_async_context(
                    session.get(
                        target.with_host(address),
                        headers={
                            "Host": target.host_port_subcomponent or "",
                            "User-Agent": USER_AGENT,
                            "Accept-Encoding": "identity",
                            **headers,
                        },
                        server_hostname=target.raw_host if target.scheme == "https" else None,
                        allow_redirects=False,
                        proxy=proxy,
                    )
                )
            except (aiohttp.ClientError, OSError, ValueError) as error:
                reason = _reason(error)
        raise LinkFailed(f"{target.host} cannot be reached: {reason}")

    async def permitted_addresses(self, target: URL) -> Collection[str]:
        """Return the addresses of a URL's host to which a link may lead. Raises LinkRefused if it has only others, LinkFailed without any."""
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT):
                addresses = await self.resolve(_host(target), target.port or 0)
        except (OSError, UnicodeError) as error:
            raise LinkFailed(f"the name of {target.host} is not resolved: {_reason(error)}") from None
        if self._is_allowed(target):
            return addresses
        permitted = [address for address in addresses if self._is_permitted(address)]
        if addresses and not permitted:
            raise LinkRefused(f"{target.host} is not on the internet; WABA_CLOUD_LINK_HOSTS can allow it")
        return permitted

    def _is_allowed(self, target: URL) -> bool:
        return _host(target) in self.allowed_hosts

    def _is_permitted(self, text: str) -> bool:
        try:
            address = ipaddress.ip_address(text)
        except ValueError:
            return False
        return is_public(address) and embedded_address(address) not in self.own_addresses


def _host(target: URL) -> str:
    return (target.raw_host or "").lower().rstrip(".")


def _parse(link: str, base: URL | None = None) -> URL:
    """Return an absolute URL. Raises LinkRefused."""
    try:
        target = base.join(URL(link)) if base is not None else URL(link)
    except ValueError:
        raise LinkRefused("the link is not a URL") from None
    if target.scheme not in ("http", "https") or not target.raw_host:
        raise LinkRefused("the link is neither http nor https")
    return target


async def _bounded(response: aiohttp.ClientResponse, largest: int) -> AsyncIterator[bytes]:
    """Yield the body up to its limit. Raises LinkRefused beyond it, LinkFailed if it ends early."""
    size = 0
    try:
        async for chunk in response.content.iter_any():
            size += len(chunk)
            if size > largest:
                raise LinkRefused(f"the file has more than {largest} bytes")
            yield chunk
    except (aiohttp.ClientError, OSError) as error:
        raise LinkFailed(f"the file is incomplete: {_reason(error)}") from None


async def _chain(head: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield head
    async for chunk in rest:
        yield chunk


def _reason(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return f"the proxy answers HTTP {error.status}"
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return f"its certificate is not valid: {error.certificate_error}"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return type(error).__name__
