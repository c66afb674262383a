"""One node calls a method of another: `POST http://host:port/<method>` with a JSON object, answered by one; both are signed (trust.py)."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Iterable

import aiohttp
import msgspec
from aiohttp import web

from ..address import NodeAddress, PortName
from .trust import NotTrusted, Trust

log = logging.getLogger(__name__)

Handler = Callable[[dict], Awaitable[dict]]
SIGNATURE = "X-Waba-Signature"
LARGEST_BODY = 2 << 20  # bytes: the largest message of the API, and what goes with it
# An address that nobody has any more would keep us for all the time of a call; and containers that are replaced together swap theirs.
CONNECT = 1.0  # seconds for a connection
NAMES = 1.0  # seconds for which the address of a name is not looked up again
LONGEST_REASON = 200  # characters that are believed of what a stranger may have written
ACCESS_DENIED = 1005
INTERNAL_ERROR = 1014


class RpcError(Exception):
    """A call that was refused or did not arrive. `code` and `title` are the vendor's, as in its error table."""

    def __init__(self, code: int, title: str, details: str = "") -> None:
        super().__init__(f"{code} {title}: {details}")
        self.code, self.title, self.details = code, title, details


class RpcServer:
    """Answers the other nodes on the messaging, contacts and control ports, or on some of them."""

    def __init__(
        self,
        listen_ports: tuple[int, ...],
        trust: Trust,
        refusal: Callable[[Exception], RpcError | None] = lambda _error: None,
        ports: Iterable[PortName] = (PortName.MESSAGING, PortName.CONTACTS, PortName.CONTROL),
        host: str | None = None,
    ) -> None:
        """refusal: what a caller is told of a handler's exception; None for what should not happen. host: None listens on every address."""
        self.listen_ports, self.trust, self.refusal, self.host = listen_ports, trust, refusal, host
        self.handlers: dict[PortName, dict[str, Handler]] = {port: {} for port in ports}
        self.runners: list[web.AppRunner] = []
        self.answered: Callable[[str, bool, float], None] = lambda _method, _success, _seconds: None

    def add(self, port: PortName, method: str, handler: Handler) -> None:
        """Let `handler` answer `method` on a port. It may raise RpcError."""
        self.handlers[port][method] = handler

    async def start(self) -> None:
        """Listen. Raises OSError when a port is taken."""
        for port, handlers in self.handlers.items():
            application = web.Application(client_max_size=LARGEST_BODY)
            application.router.add_post("/{method}", self._answering(handlers))
            runner = web.AppRunner(application, access_log=None, handle_signals=False, shutdown_timeout=5)
            await runner.setup()
            await web.TCPSite(runner, self.host, self.listen_ports[port]).start()
            self.runners.append(runner)

    async def stop(self) -> None:
        """Stop listening after what is being answered."""
        for runner in self.runners:
            await runner.cleanup()

    def _answering(self, handlers: dict[str, Handler]) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def answer(request: web.Request) -> web.Response:
            method, signature = request.match_info["method"], request.headers.get(SIGNATURE, "")
            try:
                self.trust.admit(signature)
                body = await request.read()
                self.trust.check(signature, method, body)
            except NotTrusted as reason:
                # Not signed: a stranger must not get our signature under anything.
                denied = web.Response(body=refused(RpcError(ACCESS_DENIED, "Access denied", str(reason))), status=401)
                # Who meant another node came by an address that was that one's before, and must not keep the connection under its name.
                denied.force_close()
                return denied
            except (web.RequestPayloadError, OSError):  # it did not come whole
                return web.Response(status=400)
            began = time.monotonic()
            status, content = await self._handled(handlers, method, body)
            self.answered(method if method in handlers else "unknown", status == 200, time.monotonic() - began)
            return web.Response(
                body=content, status=status, headers={SIGNATURE: self.trust.signed_answer(signature, content)}
            )

        return answer

    async def _handled(self, handlers: dict[str, Handler], method: str, body: bytes) -> tuple[int, bytes]:
        try:
            if method not in handlers:
                raise RpcError(1006, "Resource not found", f"no method {method} on this port")
            return 200, msgspec.json.encode(await handlers[method](msgspec.json.decode(body)))
        except RpcError as error:
            return 409, refused(error)
        except Exception as error:
            if (refusal := self.refusal(error)) is not None:
                return 409, refused(refusal)
            log.exception("%s failed", method)
            return 500, refused(RpcError(INTERNAL_ERROR, "Internal error", type(error).__name__))


def refused(error: RpcError) -> bytes:
    """Return the answer that says that a call was refused."""
    return msgspec.json.encode({"error": {"code": error.code, "title": error.title, "details": error.details}})


class RpcClient:
    """Calls other nodes, over connections that are kept."""

    def __init__(self, trust: Trust) -> None:
        self.trust = trust
        self.session: aiohttp.ClientSession | None = None
        self.refusals: dict[str, str] = {}  # node -> why it last refused our calls, so that it is said once

    async def call(self, address: NodeAddress, port: PortName, method: str, payload: dict, timeout: float) -> dict:
        """Call a method of a node and return its answer.

        timeout: seconds for the whole call. Raises RpcError: the node's own, or 1014 when it did not answer, or not as one of this cluster.
        """
        if self.session is None:
            connector = aiohttp.TCPConnector(limit=0, limit_per_host=64, ttl_dns_cache=NAMES)
            self.session = aiohttp.ClientSession(connector=connector, auto_decompress=False)
        body = msgspec.json.encode(payload)
        try:
            signature = self.trust.signed(address.node_id, method, body)
            async with self.session.post(
                f"http://{address.at(port)}/{method}",
                data=body,
                headers={SIGNATURE: signature},
                timeout=aiohttp.ClientTimeout(total=timeout, sock_connect=CONNECT),
                allow_redirects=False,
            ) as response:
                content = await _bounded(response)
                self._check(address, response, signature, content)
        except NotTrusted as error:
            self._say_once(address, str(error))
            raise RpcError(INTERNAL_ERROR, "Internal error", f"{address.at(port)}: {error}") from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            reason = str(error) or "no answer in time"
            raise RpcError(INTERNAL_ERROR, "Internal error", f"{address.at(port)} does not answer: {reason}") from error
        self.refusals.pop(address.node_id, None)
        answer = msgspec.json.decode(content)
        if "error" in answer:
            raise RpcError(**answer["error"])
        return answer

    async def close(self) -> None:
        """Close every connection."""
        if self.session is not None:
            await self.session.close()

    def _check(self, address: NodeAddress, response: aiohttp.ClientResponse, signature: str, content: bytes) -> None:
        """Raise NotTrusted unless an answer is the node's; what it, or who answers in its place, says of ours is part of the message."""
        try:
            self.trust.check_answer(signature, response.headers.get(SIGNATURE, ""), content)
        except NotTrusted:
            if not (said := _details(content)):
                raise
            raise NotTrusted(f"{address.node_id} refuses the calls of this node: {said}") from None

    def _say_once(self, address: NodeAddress, reason: str) -> None:
        if self.refusals.get(address.node_id) != reason:
            self.refusals[address.node_id] = reason
            log.warning("calling %s: %s", address.node_id, reason)


def _details(content: bytes) -> str:
    """Return the details of a refusal that anybody may have written, "" where there are none."""
    with contextlib.suppress(msgspec.DecodeError, LookupError, TypeError):
        said = msgspec.json.decode(content)["error"]["details"]
        return "".join(character for character in said if character.isprintable())[:LONGEST_REASON]
    return ""


async def _bounded(response: aiohttp.ClientResponse) -> bytes:
    if response.content_length is None or response.content_length > LARGEST_BODY:
        raise NotTrusted("the answer is of no announced or bearable length")
    return await response.read()
