"""A messaging service on the network: a connection is a WebSocket that carries one JSON object per frame. The protocol is our own.

GET  /connect?shard=S&epoch=E   upgrade; 409 when a newer epoch was seen, any other refusal with its reason as text
->   {"do": "send", "id": "...", "message": {...}}         the same id twice is one message
->   {"do": "mark_read", "id": "..."}
->   {"do": "check_contacts", "call": 1, "numbers": [...]}  answered by {"call": 1, "result": {"number": "wa_id" or null}}
->   {"do": "identity", "call": 2, "wa_id": "..."}          answered by {"call": 2, "result": "hash" or null}
<-   {"event": "sent", "id": "...", "timestamp": 1700000000, "payload": {}}    also delivered, read, failed, inbound
GET  /media?reference=R         the content of a received file
POST /register {"cc", "phone_number", "method"}; POST /verify {"code"}, 403 for a wrong one
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import socket
import struct
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import msgspec

from .account import Registration, UpstreamAccount
from .base import StaleEpoch, UpstreamError, UpstreamEvent, WrongCode

HEARTBEAT = 5.0  # seconds between two pings; a service that does not answer for half of that is gone
LARGEST_FRAME = 4 << 20  # bytes
READ_TIMEOUT = 30.0  # seconds without a byte of a file
CLOSE_TIMEOUT = 0.2  # seconds
CONNECTION_ERRORS = (aiohttp.ClientError, OSError, TimeoutError, RuntimeError)  # RuntimeError: the transport is closing


class Frame(msgspec.Struct):
    """A frame of the service: an event, or the result of a call."""

    event: str = ""
    id: str = ""
    timestamp: int = 0
    payload: dict[str, Any] = msgspec.field(default_factory=dict)
    call: int = 0
    result: Any = None


class WebSocketSession:
    """One connection. It reads all the time, so that the service gets an answer to its pings."""

    def __init__(
        self, connection: aiohttp.ClientWebSocketResponse, client: aiohttp.ClientSession, files: str = ""
    ) -> None:
        """files: the HTTP address from which files are downloaded."""
        self.connection, self.client, self.files = connection, client, files
        self.queue: asyncio.Queue[UpstreamEvent | None] = asyncio.Queue()
        self.calls: dict[int, asyncio.Future[Any]] = {}
        self.numbers = itertools.count(1)
        self.closing, self.end = False, "the connection ended"
        self.reader = asyncio.create_task(self.read())

    async def send(self, message_id: str, payload: dict[str, Any]) -> None:
        await self.write({"do": "send", "id": message_id, "message": payload})

    async def mark_read(self, message_id: str) -> None:
        await self.write({"do": "mark_read", "id": message_id})

    async def check_contacts(self, numbers: list[str]) -> dict[str, str | None]:
        wa_ids: dict[str, str | None] = await self.ask({"do": "check_contacts", "numbers": numbers})
        return wa_ids

    async def identity(self, wa_id: str) -> str | None:
        identity: str | None = await self.ask({"do": "identity", "wa_id": wa_id})
        return identity

    async def download(self, reference: str) -> AsyncIterator[bytes]:
        if self.closing or self.reader.done():
            raise UpstreamError("the connection is closed")
        url, timeout = f"{self.files}/media", aiohttp.ClientTimeout(total=None, sock_read=READ_TIMEOUT)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as client,
                client.get(url, params={"reference": reference}) as response,
            ):
                if response.status != 200:
                    raise UpstreamError(f"the service answers {response.status}: {(await response.text())[:200]}")
                async for chunk in response.content.iter_any():
                    yield chunk
        except CONNECTION_ERRORS as error:
            raise UpstreamError(f"the download of the file failed: {error or type(error).__name__}") from error

    async def events(self) -> AsyncIterator[UpstreamEvent]:
        while (event := await self.queue.get()) is not None:
            yield event
        if not self.closing:
            raise UpstreamError(self.end)

    async def disconnect(self) -> None:
        """Reset the connection. The service must not receive later what it has not received by now: another node may be connected then.

        An orderly close would still deliver what is buffered, possibly minutes later, when the network works again.
        """
        self.closing = True
        if (end := self.connection.get_extra_info("socket")) is not None:
            with (
                contextlib.suppress(OSError),
                end.dup() as real,
            ):  # the event loop's own socket object may not support shutdown
                real.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                real.shutdown(socket.SHUT_RDWR)
        self.reader.cancel()
        await asyncio.gather(self.reader, return_exceptions=True)
        self.queue.put_nowait(None)  # the reader may never have run
        with contextlib.suppress(*CONNECTION_ERRORS):
            await asyncio.wait_for(self.connection.close(), CLOSE_TIMEOUT)
        await self.client.close()

    async def write(self, frame: dict[str, Any]) -> None:
        if self.closing or self.reader.done():
            raise UpstreamError("the connection is closed")
        try:
            await self.connection.send_str(msgspec.json.encode(frame).decode())
        except CONNECTION_ERRORS as error:
            raise UpstreamError(f"the connection is closed: {error}") from error

    async def ask(self, frame: dict[str, Any]) -> Any:
        number = next(self.numbers)
        self.calls[number] = asyncio.get_running_loop().create_future()
        try:
            await self.write({**frame, "call": number})
            return await self.calls[number]
        finally:
            self.calls.pop(number).cancel()

    async def read(self) -> None:
        try:
            async for frame in self.connection:
                if frame.type is not aiohttp.WSMsgType.TEXT:
                    raise ValueError("a frame that is not text")
                self.handle(msgspec.json.decode(frame.data, type=Frame))
            self.end = f"the service ended the connection (code {self.connection.close_code})"
        except (msgspec.DecodeError, ValueError) as error:
            self.end = f"the service violates the protocol: {error}"
        except CONNECTION_ERRORS as error:
            self.end = f"the connection broke: {error or type(error).__name__}"
        finally:
            self.queue.put_nowait(None)
            for waiting in self.calls.values():
                if not waiting.done():
                    waiting.set_exception(UpstreamError(self.end))

    def handle(self, frame: Frame) -> None:
        """Queue an event, or give a call its result."""
        if frame.event:
            self.queue.put_nowait(UpstreamEvent(frame.id, frame.event, frame.timestamp, frame.payload))
        elif frame.call in self.calls and not self.calls[frame.call].done():
            self.calls[frame.call].set_result(frame.result)


class WebSocketService:
    """A messaging service at an address."""

    requires_registration = True
    idempotent = True
    account: UpstreamAccount | None = None

    def __init__(self, address: str) -> None:
        """address: `ws://host:port` or `wss://host:port`."""
        self.address = address.rstrip("/")
        self.http = f"http{self.address.removeprefix('ws')}"

    async def register(self, cc: str, phone_number: str, method: str, pin: str | None) -> Registration:  # noqa: ARG002
        await self.post("register", {"cc": cc, "phone_number": phone_number, "method": method})
        return Registration()

    async def verify(self, code: str) -> None:
        await self.post("verify", {"code": code})

    async def connect(self, shard: int, epoch: int) -> WebSocketSession:
        client = aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True))
        try:
            connection = await client.ws_connect(
                f"{self.address}/connect?shard={shard}&epoch={epoch}",
                heartbeat=HEARTBEAT,
                max_msg_size=LARGEST_FRAME,
            )
        except BaseException as error:
            await client.close()
            if isinstance(error, aiohttp.WSServerHandshakeError) and error.status == 409:
                raise StaleEpoch(f"the service has seen a newer epoch than {epoch} for shard {shard}") from error
            if isinstance(error, CONNECTION_ERRORS) and not isinstance(error, TimeoutError):
                raise UpstreamError(f"{self.address}: {error}") from error
            raise
        return WebSocketSession(connection, client, self.http)

    async def post(self, what: str, content: dict[str, str]) -> None:
        url = f"{self.http}/{what}"
        try:
            async with aiohttp.ClientSession() as client, client.post(url, json=content) as response:
                if response.status == 403 and what == "verify":
                    raise WrongCode(await response.text())
                if response.status != 200:
                    raise UpstreamError(f"the service answers {response.status}: {(await response.text())[:200]}")
        except CONNECTION_ERRORS as error:
            raise UpstreamError(f"{self.address}: {error}") from error
